/** The fewest actions after which the same invariant breaks: halves first, then one by one (delta debugging). */
import type { SimulationResult } from './simulate.ts';

/** So many runs at most: each costs as much as the one that failed. */
const runsMax = 200;

export interface Shrunk {
  readonly result: SimulationResult;
  readonly kept: readonly number[];
  readonly runs: number;
}

/** @param run runs again with these actions alone */
export async function shrink(
  failed: SimulationResult,
  run: (kept: ReadonlySet<number>) => Promise<SimulationResult>,
): Promise<Shrunk> {
  const invariant = failed.violations[0]?.invariant;
  let best = { result: failed, kept: [...failed.actions] };
  let runs = 0;
  const tryOut = async (kept: readonly number[]): Promise<boolean> => {
    runs += 1;
    const result = await run(new Set(kept));
    if (result.violations[0]?.invariant !== invariant) return false;
    best = { result, kept: kept.filter((number) => result.actions.includes(number)) };
    return true;
  };
  for (let size = Math.ceil(best.kept.length / 2); size >= 1 && runs < runsMax; ) {
    let hasShrunk = false;
    for (let from = 0; from < best.kept.length && runs < runsMax; ) {
      const without = best.kept.toSpliced(from, size);
      if (await tryOut(without)) hasShrunk = true;
      else from += size;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (!hasShrunk) break;
  }
  return { ...best, runs };
}
