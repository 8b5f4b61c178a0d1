/** The order in which the rows of several chains were written, found from the versions that they change. Pure. */
import { AuditFoldError } from './fold-error.ts';
import type { AuditRow } from './row.ts';

/** Ways that were tried in vain before the rows count as a tangle that nobody wrote. */
const deadEndsMax = 100_000;

interface Step {
  /** Chains whose next row fits, the earliest row first. */
  readonly options: readonly number[];
  tried: number;
  /** Of the option that was taken: the versions before it. */
  undo: readonly (readonly [item: string, version: number | undefined])[];
}

/**
 * All rows of these chains in an order in which each is made on what the ones before it left. Time only chooses among those
 * that fit, because clocks may differ. A version can come again after a deletion, so a choice may turn out wrong later:
 * then it is taken back.
 *
 * @param versionBefore the version of an item before the first row, 0 for none; needed only for an item that ends at the
 * version at which it began, deleted and made again: there the rows alone do not say which came first
 * @throws AuditFoldError where no order fits
 */
export function rowsInOrder(
  chains: readonly (readonly AuditRow[])[],
  versionBefore?: (item: string) => number,
): AuditRow[] {
  const walk = new Walk(chains, versionBefore);
  const deadEnds = new Set<string>();
  const taken: Step[] = [];
  let step = walk.step();
  let stuckAt = { depth: -1, row: walk.earliest() };
  while (walk.left > 0) {
    const chain = step.options[step.tried];
    step.tried += 1;
    if (chain !== undefined) {
      step.undo = walk.take(chain);
      if (deadEnds.size > 0 && deadEnds.has(walk.place())) {
        walk.takeBack(chain, step.undo);
      } else {
        taken.push(step);
        step = walk.step();
      }
      continue;
    }
    if (taken.length > stuckAt.depth) stuckAt = { depth: taken.length, row: walk.earliest() };
    deadEnds.add(walk.place());
    const last = taken.pop();
    if (last === undefined || deadEnds.size > deadEndsMax) throw new AuditFoldError(stuckAt.row!);
    walk.takeBack(last.options[last.tried - 1]!, last.undo);
    step = last;
  }
  return walk.rows;
}

/** A place in the chains: how many rows of each were taken, and the versions that the items have there. */
class Walk {
  readonly rows: AuditRow[] = [];
  left: number;
  readonly #chains: readonly (readonly AuditRow[])[];
  readonly #at: number[];
  readonly #versions: Map<string, number>;
  /** Items of which the rows alone do not say at which version they began. */
  readonly #circles: readonly string[];

  constructor(chains: readonly (readonly AuditRow[])[], versionBefore?: (item: string) => number) {
    this.#chains = chains;
    this.#at = chains.map(() => 0);
    this.left = chains.reduce((sum, rows) => sum + rows.length, 0);
    const { versions, circles } = beginnings(chains);
    this.#versions = versions;
    this.#circles = circles;
    if (versionBefore) for (const item of circles) versions.set(item, versionBefore(item));
  }

  step(): Step {
    const options = this.#open()
      .filter(({ row }) => row.changes.every((change) => this.#fits(change.item, change.formerVersion)))
      .map(({ chain }) => chain);
    return { options, tried: 0, undo: [] };
  }

  take(chain: number): Step['undo'] {
    const row = this.#chains[chain]![this.#at[chain]!]!;
    const undo = row.changes.map(({ item }) => [item, this.#versions.get(item)] as const);
    for (const { item, image } of row.changes) this.#versions.set(item, image?.version ?? 0);
    this.#at[chain]! += 1;
    this.left -= 1;
    this.rows.push(row);
    return undo;
  }

  takeBack(chain: number, undo: Step['undo']): void {
    for (const [item, version] of undo) {
      if (version === undefined) this.#versions.delete(item);
      else this.#versions.set(item, version);
    }
    this.#at[chain]! -= 1;
    this.left += 1;
    this.rows.pop();
  }

  /** The same place has the same versions, but for items whose first version is a guess. */
  place(): string {
    const guesses = this.#circles.map((item) => this.#versions.get(item) ?? '');
    return `${this.#at.join(' ')} ${guesses.join(' ')}`;
  }

  earliest(): AuditRow | undefined {
    return this.#open()[0]?.row;
  }

  #open(): { readonly chain: number; readonly row: AuditRow }[] {
    const open = this.#chains.flatMap((rows, chain) => {
      const row = rows[this.#at[chain]!];
      return row === undefined ? [] : [{ chain, row }];
    });
    return open.sort((a, b) => (a.row.at === b.row.at ? a.chain - b.chain : a.row.at < b.row.at ? -1 : 1));
  }

  #fits(item: string, formerVersion: number): boolean {
    const version = this.#versions.get(item);
    return version === undefined || version === formerVersion;
  }
}

/**
 * The version at which each item began. Each change leads from one version to another, and all of them together are one
 * way: it began at the version that is left once more often than it is reached. Where there is none the way ends where
 * it began (only a deletion makes that possible), and any version on it may be the first.
 */
function beginnings(chains: readonly (readonly AuditRow[])[]) {
  const departures = new Map<string, Map<number, number>>();
  for (const { item, formerVersion, image } of chains.flat().flatMap(({ changes }) => changes)) {
    const counts = departures.get(item) ?? new Map<number, number>();
    departures.set(item, counts);
    counts.set(formerVersion, (counts.get(formerVersion) ?? 0) + 1);
    const next = image?.version ?? 0;
    counts.set(next, (counts.get(next) ?? 0) - 1);
  }
  const versions = new Map<string, number>();
  const circles: string[] = [];
  for (const [item, counts] of departures) {
    const first = [...counts].find(([, count]) => count > 0);
    if (first === undefined) circles.push(item);
    else versions.set(item, first[0]);
  }
  return { versions, circles };
}
