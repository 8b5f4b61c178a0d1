/** Attribute values as DynamoDB takes them: checked, measured, and kept as copies that nobody can change. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { MemoryDynamoDbError, validation } from './dynamodb-errors.ts';
import { compareNumbers, numberBytes, numberText, sameNumber } from './number-text.ts';

export type Attributes = Record<string, AttributeValue>;
/** Those that this project stores: no binary, no sets. */
export type AttributeType = 'S' | 'N' | 'BOOL' | 'NULL' | 'L' | 'M';

const nestingMax = 32;
/** Up to so many characters a loop is faster than a call of Buffer's. */
const shortText = 48;
const types: ReadonlySet<string> = new Set(['S', 'N', 'BOOL', 'NULL', 'L', 'M']);

/** The type of a value; members that are undefined are not sent by the SDK, so they are not there. */
export function typeOf(value: AttributeValue): AttributeType {
  let found: string | undefined;
  for (const name in value) {
    if (value[name as keyof AttributeValue] === undefined) continue;
    if (found !== undefined)
      throw validation(
        'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
      );
    found = name;
  }
  if (found === undefined)
    throw validation('Supplied AttributeValue is empty, must contain exactly one of the supported datatypes');
  if (!types.has(found)) throw new MemoryDynamoDbError(`values of the type ${found}`);
  return found as AttributeType;
}

/**
 * A frozen copy with numbers as DynamoDB writes them, and its size in bytes.
 *
 * @throws ValidationException
 */
export function copyAttributes(attributes: Attributes): { attributes: Attributes; bytes: number } {
  measured = 0;
  const copy = copyMap(attributes, 1);
  return { attributes: copy, bytes: measured };
}

/** What has been copied since the last item began: one number in place of an object for each value. */
let measured = 0;

function copyMap(attributes: Attributes, depth: number): Attributes {
  const copy: Attributes = {};
  for (const name in attributes) {
    const value = attributes[name];
    if (value === undefined) continue;
    measured += utf8Bytes(name);
    copy[name] = copyValue(value, depth);
  }
  return Object.freeze(copy);
}

function copyValue(value: AttributeValue, depth: number): AttributeValue {
  if (depth > nestingMax) throw validation('Nesting Levels have exceeded supported limits');
  switch (typeOf(value)) {
    case 'S':
      measured += utf8Bytes(value.S!);
      return Object.freeze({ S: value.S! });
    case 'N': {
      const text = numberText(value.N!);
      measured += numberBytes(text);
      return Object.freeze({ N: text });
    }
    case 'BOOL':
      measured += 1;
      return value.BOOL === true ? yes : no;
    case 'NULL':
      measured += 1;
      if (value.NULL !== true)
        throw validation(
          'One or more parameter values were invalid: Null attribute value types must have the value of true',
        );
      return nothing;
    case 'M':
      // Three bytes for the map and one for each member.
      measured += 3 + Object.keys(value.M!).length;
      return Object.freeze({ M: copyMap(value.M!, depth + 1) });
    case 'L': {
      const copy: AttributeValue[] = [];
      for (const member of value.L!) copy.push(copyValue(member, depth + 1));
      measured += 3 + copy.length;
      return Object.freeze({ L: Object.freeze(copy) as AttributeValue[] });
    }
  }
}

const yes: AttributeValue = Object.freeze({ BOOL: true });
const no: AttributeValue = Object.freeze({ BOOL: false });
const nothing: AttributeValue = Object.freeze({ NULL: true });

export function utf8Bytes(text: string): number {
  if (text.length > shortText) return Buffer.byteLength(text);
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}

/** Text as DynamoDB orders it: by its bytes in UTF-8, where what is beyond U+FFFF comes last. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a === b) continue;
    // Halves of a pair (U+D800 to U+DFFF) stand for characters that come after U+E000 to U+FFFF.
    if (a >= 0xd800 && b >= 0xd800) return ((a + 0x2000) & 0xffff) - ((b + 0x2000) & 0xffff);
    return a - b;
  }
  return left.length - right.length;
}

/** Undefined where `<` says nothing: other types, or types without an order. */
export function compareValues(left: AttributeValue, right: AttributeValue): number | undefined {
  if (left.S !== undefined && right.S !== undefined) return compareText(left.S, right.S);
  if (left.N !== undefined && right.N !== undefined) return compareNumbers(left.N, right.N);
  return undefined;
}

export function sameValue(left: AttributeValue, right: AttributeValue): boolean {
  const type = typeOf(left);
  if (type !== typeOf(right)) return false;
  switch (type) {
    case 'S':
      return left.S === right.S;
    case 'N':
      return sameNumber(left.N!, right.N!);
    case 'BOOL':
      return left.BOOL === right.BOOL;
    case 'NULL':
      return true;
    case 'L': {
      const [mine, other] = [left.L!, right.L!];
      return mine.length === other.length && mine.every((member, at) => sameValue(member, other[at]!));
    }
    case 'M': {
      const [mine, other] = [left.M!, right.M!];
      const names = Object.keys(mine);
      if (names.length !== Object.keys(other).length) return false;
      return names.every((name) => other[name] !== undefined && sameValue(mine[name]!, other[name]));
    }
  }
}
