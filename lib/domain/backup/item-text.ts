/**
 * Finds items in the JSON text of DynamoDB without parsing it: where each one begins and ends, and where its keys are.
 * Parsing and writing again costs several times as much as all the rest of a backup. Pure.
 */

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const colon = 0x3a;
const space = 0x20;

/** An item as a span of bytes, and the spans of the text of its keys; a key that is not there has -1. */
export interface ItemSpan {
  readonly start: number;
  /** Behind its last brace. */
  readonly end: number;
  readonly pkStart: number;
  readonly pkEnd: number;
  readonly skStart: number;
  readonly skEnd: number;
  /** No white space between its words: one line. */
  readonly isCompact: boolean;
}

/** The bytes are no item in DynamoDB's notation. */
export class ItemTextError extends Error {
  override readonly name = 'ItemTextError';
  readonly code = 'ITEM_TEXT_INVALID';

  constructor(at: number) {
    super(
      `ITEM_TEXT_INVALID: At byte ${at} there is no whole item in DynamoDB's notation. ` +
        'The answer was cut off, or the text was edited: read it again.',
    );
  }
}

/** Is told the names in an item while it is passed over, so that nobody has to walk through it again. */
export interface NameReader {
  /** Names of the item's own members have depth 1; those that lie deeper than this are not told. */
  readonly depthMax: number;
  /** The name lies from `start` to `end`, its value begins at `value`. */
  name(depth: number, start: number, end: number, value: number): void;
}

/**
 * The item that begins at `start` with a brace.
 *
 * @throws ItemTextError when it has no end
 */
export function itemAt(bytes: Uint8Array, start: number, reader?: NameReader): ItemSpan {
  const { length } = bytes;
  const depthMax = reader?.depthMax ?? 1;
  let depth = 0;
  let isCompact = true;
  let pkStart = -1;
  let pkEnd = -1;
  let skStart = -1;
  let skEnd = -1;
  let at = start;
  while (at < length) {
    const byte = bytes[at]!;
    at += 1;
    if (byte === quote) {
      const from = at;
      for (let inText = bytes[at]; inText !== quote; inText = bytes[at]) {
        at += inText === backslash ? 2 : 1;
        if (at >= length) throw new ItemTextError(from);
      }
      at += 1;
      // A text that is no name has no colon behind it.
      if (bytes[at] !== colon) continue;
      // Most of an item is deeper than its own members, and nearly every value is in braces.
      if (depth > depthMax) {
        at += 1;
        if (bytes[at] !== openBrace) continue;
        at += 1;
        depth += 1;
        continue;
      }
      // A name of the item itself that is two letters long: pk or sk, when `:{"S":"` follows.
      if (depth === 1 && at - from === 3 && bytes[from + 1] === 0x6b) {
        const valueStart = textStart(bytes, at + 1);
        if (valueStart >= 0 && bytes[from] === 0x70) {
          pkStart = valueStart;
          pkEnd = stringEnd(bytes, valueStart);
        } else if (valueStart >= 0 && bytes[from] === 0x73) {
          skStart = valueStart;
          skEnd = stringEnd(bytes, valueStart);
        }
      }
      reader?.name(depth, from, at - 1, at + 1);
    } else if (byte === openBrace) depth += 1;
    else if (byte === closeBrace) {
      depth -= 1;
      if (depth === 0) return { start, end: at, pkStart, pkEnd, skStart, skEnd, isCompact };
    } else if (byte <= space) isCompact = false;
  }
  throw new ItemTextError(start);
}

/** Where the array of this name begins in a JSON object, behind its bracket; -1 when it has none. */
export function arrayStart(bytes: Uint8Array, name: Uint8Array): number {
  let depth = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    at += 1;
    if (byte === quote) {
      const from = at;
      const end = stringEnd(bytes, at);
      at = end + 1;
      if (depth !== 1 || !isText(bytes, from, end, name)) continue;
      at = skipSpace(bytes, at);
      if (bytes[at] !== colon) continue;
      at = skipSpace(bytes, at + 1);
      return bytes[at] === openBracket ? at + 1 : -1;
    }
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) depth -= 1;
  }
  return -1;
}

/** Where the next item of an array begins; -1 at the array's end. */
export function nextItem(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] === openBrace) return at;
    if (bytes[at] === closeBracket) return -1;
  }
  throw new ItemTextError(from);
}

/** Behind `{"S":"`, or -1. */
function textStart(bytes: Uint8Array, at: number): number {
  const isText =
    bytes[at] === openBrace &&
    bytes[at + 1] === quote &&
    bytes[at + 2] === 0x53 &&
    bytes[at + 3] === quote &&
    bytes[at + 4] === colon &&
    bytes[at + 5] === quote;
  return isText ? at + 6 : -1;
}

/** The place of the quote that ends the text which begins at `from`. */
export function stringEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) return at;
    if (byte === backslash) at += 1;
  }
  throw new ItemTextError(from);
}

/** Whether these bytes stand there, and nothing else. */
export function isText(bytes: Uint8Array, from: number, end: number, text: Uint8Array): boolean {
  if (end - from !== text.length) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[from + index] !== text[index]) return false;
  }
  return true;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at]! <= space) at += 1;
  return at;
}
