import './world/sync-zlib.ts';

const { simulate } = await import('./simulate.ts');
const from = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 20),
  steps = Number(process.argv[4] ?? 2000);
const t0 = process.cpuUsage();
let all = 0;
const by: Record<string, string[]> = {};
const sums: Record<string, number> = {};
for (let seed = from; seed < from + n; seed++) {
  const r = await simulate({ seed, steps });
  all += r.steps;
  for (const [k, v] of Object.entries(r.figures)) sums[k] = (sums[k] ?? 0) + v;
  sums.simulatedMs = (sums.simulatedMs ?? 0) + r.simulatedMs;
  const v = r.violations[0];
  if (v) (by[v.invariant] ??= []).push(`${seed}@${v.step}: ${v.message.slice(0, 330)}`);
}
const c = process.cpuUsage(t0);
console.log(
  `${all} steps, cpu ${((c.user + c.system) / 1e3) | 0} ms, ${((c.user + c.system) / all).toFixed(0)} us/step`,
);
console.log(JSON.stringify(sums));
for (const [k, v] of Object.entries(by)) console.log(k, v.length, '\n  ' + v.slice(0, 6).join('\n  '));
