/**
 * What a backup has to know of an audit row, read from the row's text in DynamoDB's notation while it is passed over:
 * images are not parsed. The text has no white space between its words. Pure.
 */
import { type ItemSpan, isText, itemAt, type NameReader, stringEnd } from './item-text.ts';

export interface ChangeText {
  /** Sort key of the item in the book. */
  readonly item: string;
  readonly isMade: boolean;
  readonly isDeleted: boolean;
}

export interface RowSpan extends ItemSpan {
  /** Whether it concerns an order: those have the keys of the index by order. */
  readonly isOrderEvent: boolean;
  /** Those that make or delete an item; all others count nothing. */
  readonly changes: readonly ChangeText[];
}

/** In `{"changes":{"L":[{"M":{"item":…` each brace is one deeper; a bracket is not. */
const rowDepth = 1;
const elementDepth = 3;
const changeDepth = 4;

const utf8 = new TextDecoder();
const [changesName, orderName, itemName, formerVersionName, imageName, zero, nothing] = (
  ['changes', 'orderPk', 'item', 'formerVersion', 'image', '{"N":"0"}', '{"NULL":'] as const
).map((text) => new TextEncoder().encode(text)) as Seven<Uint8Array>;
type Seven<T> = [T, T, T, T, T, T, T];

/**
 * The row that begins at `start` with a brace.
 *
 * @throws ItemTextError when it has no end
 */
export function rowAt(bytes: Uint8Array, start: number): RowSpan {
  const reader = new RowReader(bytes);
  const span = itemAt(bytes, start, reader);
  return { ...span, isOrderEvent: reader.isOrderEvent, changes: reader.changes() };
}

class RowReader implements NameReader {
  readonly depthMax = changeDepth;
  isOrderEvent = false;
  readonly #bytes: Uint8Array;
  #isInChanges = false;
  #changes: ChangeText[] | undefined;
  /** Of the change that is being read. */
  #item = -1;
  #isMade = false;
  #isDeleted = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  name(depth: number, start: number, end: number, value: number): void {
    const bytes = this.#bytes;
    if (depth === rowDepth) {
      this.#isInChanges = isText(bytes, start, end, changesName);
      this.isOrderEvent ||= isText(bytes, start, end, orderName);
    } else if (!this.#isInChanges) return;
    else if (depth === elementDepth) this.#endChange();
    else if (depth === changeDepth) {
      if (isText(bytes, start, end, itemName)) this.#item = value;
      else if (isText(bytes, start, end, formerVersionName))
        this.#isMade = isText(bytes, value, value + zero.length, zero);
      else if (isText(bytes, start, end, imageName))
        this.#isDeleted = isText(bytes, value, value + nothing.length, nothing);
    }
  }

  changes(): readonly ChangeText[] {
    this.#endChange();
    return this.#changes ?? none;
  }

  /** The members of a change come in any order, so it is known where the next one begins. */
  #endChange(): void {
    if (this.#isMade || this.#isDeleted) {
      this.#changes ??= [];
      this.#changes.push({
        item: valueAt(this.#bytes, this.#item),
        isMade: this.#isMade,
        isDeleted: this.#isDeleted,
      });
    }
    this.#isMade = false;
    this.#isDeleted = false;
  }
}

const none: readonly ChangeText[] = [];

/** The text in `{"S":"…"}`, which begins at `at`. */
function valueAt(bytes: Uint8Array, at: number): string {
  const start = at + 6;
  const value = utf8.decode(bytes.subarray(start, stringEnd(bytes, start)));
  return value.includes('\\') ? (JSON.parse(`"${value}"`) as string) : value;
}
