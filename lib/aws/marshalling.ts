/** Bodies of the book as DynamoDB maps, and back. Whole numbers, text, true, false and null only. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Json } from '../domain/book/item.ts';

/** An item cannot be stored without losing something. Nothing was written. */
export class UnstorableItemError extends Error {
  override readonly name = 'UnstorableItemError';
  readonly code = 'BOOK_ITEM_UNSTORABLE';

  constructor(what: string) {
    super(
      `BOOK_ITEM_UNSTORABLE: ${what}; nothing was written. ` +
        'Trying again does not help: correct what made the item, then send its event again from the dead-letter queue.',
    );
  }
}

export function toAttributes(value: {
  readonly [name: string]: Json | undefined;
}): Record<string, AttributeValue> {
  return marshall(value, { removeUndefinedValues: true });
}

export function fromAttributes(item: Readonly<Record<string, AttributeValue>>): { [name: string]: Json } {
  return unmarshall({ ...item });
}

/**
 * Refuses a number with a fraction or beyond 53 bits, and text that is not well-formed Unicode.
 *
 * @throws UnstorableItemError that names the member by its path
 */
export function checkStorable(path: string, value: Json | undefined): void {
  switch (typeof value) {
    case 'number':
      // Money and quantities are decimal text; a float here means that one was not.
      if (!Number.isSafeInteger(value))
        throw new UnstorableItemError(`${path} is ${value}, which is no whole number below 2^53`);
      return;
    case 'string':
      if (!value.isWellFormed()) throw new UnstorableItemError(`${path} has half of a character in its text`);
      return;
    case 'object':
      if (value === null) return;
      for (const [name, member] of Object.entries(value as Readonly<Record<string, Json | undefined>>)) {
        if (name === '') throw new UnstorableItemError(`${path} has a member without a name`);
        checkStorable(`${path}.${name}`, member);
      }
      return;
    default:
      return;
  }
}
