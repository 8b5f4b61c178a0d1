import '/work/main/test/simulation/world/sync-zlib.ts';

const { simulate } = await import('/work/main/test/simulation/simulate.ts');
const seed = Number(process.argv[2] ?? 1),
  steps = Number(process.argv[3] ?? 2000);
const t = process.hrtime.bigint();
const r = await simulate({ seed, steps });
const ms = Number(process.hrtime.bigint() - t) / 1e6;
console.log(r.trace.slice(Number(process.argv[4] ?? -60)).join('\n'));
console.log(
  JSON.stringify(
    {
      seed,
      ms,
      steps: r.steps,
      simulatedMs: r.simulatedMs,
      actions: r.actions.length,
      figures: r.figures,
      violations: r.violations.slice(0, 3),
    },
    null,
    1,
  ),
);
