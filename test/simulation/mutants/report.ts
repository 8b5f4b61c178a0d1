/** What the mutants came to: a table for the terminal, a page of the documentation, JSON. */
import type { SimulationMutant } from './mutant.ts';
import type { Outcome } from './trial.ts';

export interface Tried {
  readonly mutant: SimulationMutant;
  readonly outcome: Outcome;
}

/** Found, and by an invariant that the list names for it. */
export function isFound({ mutant, outcome }: Tried): boolean {
  return outcome.is === 'found' && isExpected(mutant, outcome.violation.invariant);
}

function isExpected({ expected }: SimulationMutant, invariant: string): boolean {
  return expected.some((name) => name === invariant);
}

export function byId(a: Tried, b: Tried): number {
  return a.mutant.id < b.mutant.id ? -1 : 1;
}

export function tableText(tried: readonly Tried[]): string {
  const rows = tried.map((one) => [
    one.mutant.id,
    String(one.mutant.rule),
    one.mutant.finding ?? '',
    one.mutant.name,
    ...wordsOf(one),
    one.outcome.seconds.toFixed(1),
  ]);
  const all = [['id', 'rule', 'seeds', 'bug', 'found by', 'seed', 'step', 's'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** Invariant, seed and step; for what was not found why. */
function wordsOf({ mutant, outcome }: Tried): [string, string, string] {
  switch (outcome.is) {
    case 'found': {
      const { invariant, seed, step } = outcome.violation;
      const note = isExpected(mutant, invariant) ? '' : ' (not one of those that the list names)';
      return [`${invariant}${note}`, String(seed), String(step)];
    }
    case 'clean':
      return ['NOT FOUND', '', ''];
    case 'late':
      return ['NOT FOUND in time', '', ''];
    case 'broken':
      return ['NO ANSWER', '', ''];
  }
}

export function jsonText(tried: readonly Tried[], seeds: number): string {
  const mutants = tried.map((one) => {
    const { id, name, rule, finding = null, file } = one.mutant;
    const { outcome } = one;
    const found = outcome.is === 'found' ? outcome.violation : null;
    return { id, name, rule, finding, file, found: isFound(one), is: outcome.is, violation: found };
  });
  const found = tried.filter(isFound).length;
  return `${JSON.stringify({ seeds, tried: tried.length, found, mutants })}\n`;
}

/** The page `docs/simulation-mutants.md`. */
export function pageText(tried: readonly Tried[], seeds: number): string {
  const rules = new Set(tried.map(({ mutant }) => mutant.rule)).size;
  const findings = tried.filter(({ mutant }) => mutant.finding !== undefined).length;
  const rows = tried.map((one) => {
    const { id, rule, finding, name, file } = one.mutant;
    const [invariant, seed, step] = wordsOf(one);
    const cells = [id, String(rule), finding ?? '', name, `\`${file}\``, `\`${invariant}\``, seed, step];
    return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  });
  return `# Mutants of the simulation

<!-- Made by \`npm run simulate -- --mutants --write\`; do not edit. -->

A simulation that finds nothing may be right, or blind. So known bugs are put into \`lib/\` and \`streamer/\`, one by one and
as changes of the files themselves, in a copy of the tree: ${tried.length} of them, for each of the ${rules} rules that never bend
at least one, ${findings} of them as the seeds' own code had them. The simulation has to find each, and by an invariant that is
about it. Without a mutant the same seeds are clean. Seeds are tried in their order, at most ${seeds}; seed and step
are where the first invariant broke, and the same again in every run of the same sources. \`npm run simulate -- --seed N\` shows it
step by step once the change is made.

| id | rule | finding | bug | in | found by | seed | step |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
}
