/**
 * What a backup has to know of an audit row, read from the row's text in DynamoDB's notation: images are passed over,
 * not parsed. The text is one line without white space between its words. Pure.
 */

export interface ChangeText {
  /** Sort key of the item in the book. */
  readonly item: string;
  readonly formerVersion: number;
  readonly isDeleted: boolean;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Depth of the row's own members in `{"Item":{…}}`, and of those of a change in `"changes":{"L":[{"M":{…}}]}`. */
const rowDepth = 2;
const changeDepth = 6;

/**
 * Whether the row makes or deletes an item, at first sight: when it says no, none of its changes does. A quote inside a
 * text is escaped, so these words cannot be part of one.
 */
export function mayMakeOrDelete(text: string): boolean {
  return text.includes('"formerVersion":{"N":"0"}') || text.includes('"image":{"NULL":');
}

/** Whether the row concerns an order: those have the keys of the index by order. */
export function isOrderEvent(text: string): boolean {
  return text.includes('"orderPk":{"S":');
}

/**
 * The changes of a row.
 *
 * @param bytes `{"Item":{…}}` in UTF-8
 */
export function readChanges(bytes: Uint8Array): ChangeText[] {
  const changes: { item: string; formerVersion: number; isDeleted: boolean }[] = [];
  const { length } = bytes;
  let depth = 0;
  let isInChanges = false;
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[at]!;
    if (byte === quote) {
      const end = textEnd(bytes, at + 1);
      if ((depth === rowDepth || (isInChanges && depth === changeDepth)) && bytes[end + 1] === colon) {
        const name = decode(bytes, at + 1, end);
        if (depth === rowDepth) isInChanges = name === 'changes';
        else readMember(name, bytes, end + 2, changes.at(-1)!);
      }
      at = end;
    } else if (byte === openBrace) {
      depth += 1;
      if (isInChanges && depth === changeDepth)
        changes.push({ item: '', formerVersion: -1, isDeleted: false });
    } else if (byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) depth -= 1;
  }
  return changes;
}

function readMember(
  name: string,
  bytes: Uint8Array,
  at: number,
  change: { item: string; formerVersion: number; isDeleted: boolean },
): void {
  if (name === 'item') change.item = valueAt(bytes, at);
  else if (name === 'formerVersion') change.formerVersion = Number(valueAt(bytes, at));
  else if (name === 'image') change.isDeleted = decode(bytes, at, at + 8) === '{"NULL":';
}

/** The text in `{"S":"…"}` or `{"N":"…"}`, which begins at `at`. */
function valueAt(bytes: Uint8Array, at: number): string {
  const start = at + 6;
  const value = decode(bytes, start, textEnd(bytes, start));
  return value.includes('\\') ? (JSON.parse(`"${value}"`) as string) : value;
}

function textEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) return at;
    if (byte === backslash) at += 1;
  }
  return at;
}

const utf8 = new TextDecoder();

function decode(bytes: Uint8Array, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end));
}
