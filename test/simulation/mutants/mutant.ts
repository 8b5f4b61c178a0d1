/** A known bug as a change of one file: what a careless developer could have written, or what the seeds' own code did. */
import type { InvariantName } from '../invariants/names.ts';

export interface SimulationMutant {
  /** `M07` */
  readonly id: string;
  /** What is wrong, as a sentence without its full stop. */
  readonly name: string;
  /** Of the twelve rules that never bend. */
  readonly rule: number;
  /** Where the seeds' own code did the same: its number in `seed-findings`. */
  readonly finding?: string;
  /** From the root; below `lib/` or `streamer/`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Names of the simulation's invariants that may notice it. */
  readonly expected: readonly InvariantName[];
  /** How somebody comes to write it, and what follows from it. */
  readonly why: string;
}

/** The file with the bug in it. Throws where the place is not there, or not only once: the list is out of date. */
export function mutated({ id, file, find, replace }: SimulationMutant, source: string): string {
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    const count = source.split(find).length - 1;
    throw new Error(
      `The mutant ${id} finds its place ${count} times in ${file}; correct test/simulation/mutants.`,
    );
  }
  return `${before}${replace}${after}`;
}
