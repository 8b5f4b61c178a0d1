/** What a run comes to: the survivors and the share of each file, as text, JSON or Markdown. */
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutators.ts';
import { survivorsList } from './survivors.ts';
import type { Baseline } from './worker.ts';

const list = fileURLToPath(new URL('survivors.md', import.meta.url));

export interface Tried {
  readonly mutant: Mutant;
  /** Title of the test that noticed; `''` for none. */
  readonly killedBy: string;
}

export function report(
  tried: readonly Tried[],
  baseline: readonly Baseline[],
  form: 'text' | 'json' | 'markdown',
  about: string,
): void {
  const survivors = tried
    .filter(({ killedBy }) => killedBy === '')
    .map(({ mutant }) => ({
      ...mutant,
      // What is evaluated at load is so before any test.
      reached: mutant.atLoad || baseline.some(({ reached }) => reached.includes(mutant.id)),
    }))
    .sort((a, b) => a.id - b.id);
  const killed = tried.length - survivors.length;
  if (form === 'json') {
    process.stdout.write(`${JSON.stringify({ about, tried: tried.length, killed, survivors })}\n`);
    return;
  }
  const byFile = Object.entries(Object.groupBy(tried, ({ mutant }) => mutant.file))
    .map(([file, all = []]) => ({ file, all }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  if (form === 'markdown') {
    const figures = byFile.map(({ file, all }) => ({
      file,
      tried: all.length,
      killed: all.filter(({ killedBy }) => killedBy !== '').length,
    }));
    const words = `${killed} of ${tried.length} are killed: ${percent(tried)} (${about}; ${baseline.length} tests).`;
    process.stdout.write(survivorsList(survivors, figures, list, words));
    return;
  }
  for (const { reached, ...mutant } of survivors) {
    process.stdout.write(`survived ${described(mutant)}${reached ? '' : '   (no test comes here)'}\n`);
  }
  for (const { file, all } of byFile) {
    process.stdout.write(`${percent(all).padStart(7)} of ${String(all.length).padStart(4)}  ${file}\n`);
  }
  process.stdout.write(`${killed} of ${tried.length} killed: ${percent(tried)} (${about})\n`);
}

export function described({ id, file, line, before, after }: Mutant): string {
  return `${file}:${line} (${id})   ${before}   ->   ${after}`;
}

export function shareOf(tried: readonly Tried[]): number {
  return tried.length === 0 ? 1 : tried.filter(({ killedBy }) => killedBy !== '').length / tried.length;
}

export function percent(tried: readonly Tried[]): string {
  return `${(100 * shareOf(tried)).toFixed(1)} %`;
}
