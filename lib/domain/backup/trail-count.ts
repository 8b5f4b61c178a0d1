/** Counts what a book holds from its audit trail alone, in any order of the rows. Pure. */
import type { ChangeText } from './row-text.ts';

export interface AccountCount {
  /** Items by kind. */
  readonly items: Readonly<Record<string, number>>;
  readonly rows: number;
  readonly orderEvents: number;
}

export interface CountedRow {
  /** Whether it concerns an order. */
  readonly isOrderEvent: boolean;
  readonly changes: readonly ChangeText[];
}

export class TrailCount {
  readonly #kindOf: (item: string) => string;
  readonly #items = new Map<string, number>();
  readonly #rowsByWriter = new Map<string, number>();
  #rows = 0;
  #orderEvents = 0;

  /** @param kindOf the kind of an item by its sort key */
  constructor(kindOf: (item: string) => string) {
    this.#kindOf = kindOf;
  }

  /**
   * A change from version 0 makes an item, one without an image takes it away, all others leave the count and may be
   * left out.
   */
  add(writer: string, { isOrderEvent, changes }: CountedRow): void {
    this.#rows += 1;
    this.#rowsByWriter.set(writer, this.rowsOf(writer) + 1);
    if (isOrderEvent) this.#orderEvents += 1;
    for (const { item, isMade, isDeleted } of changes) {
      const change = (isMade ? 1 : 0) - (isDeleted ? 1 : 0);
      if (change === 0) continue;
      const kind = this.#kindOf(item);
      this.#items.set(kind, (this.#items.get(kind) ?? 0) + change);
    }
  }

  rowsOf(writer: string): number {
    return this.#rowsByWriter.get(writer) ?? 0;
  }

  total(): AccountCount {
    const items = [...this.#items].filter(([, count]) => count !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
    return { items: Object.fromEntries(items), rows: this.#rows, orderEvents: this.#orderEvents };
  }
}
