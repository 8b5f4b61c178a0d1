import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditItem } from '../../../lib/aws/audit-item.ts';
import { arrayStart, itemAt, nextItem } from '../../../lib/domain/backup/item-text.ts';
import { rowAt } from '../../../lib/domain/backup/row-text.ts';

const awkward = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '},{"pk":{"S":"',
    '\\',
    '"',
    '\\"',
    ']}',
    'Items',
    '"Items":[',
    'pk',
    'sk',
    'ü',
    '\u{1f980}',
    '\n',
    '{',
    ']',
  ),
);
const plainValue = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    awkward,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(awkward, tie('any'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).any;

/** Members in any order: keys may stand first, last or between. */
const item = fc
  .record({
    pk: awkward,
    sk: awkward,
    more: fc.dictionary(awkward, plainValue, { maxKeys: 3, noNullPrototype: true }),
    turn: fc.nat(9),
  })
  .map(({ pk, sk, more, turn }) => {
    const members = Object.entries(marshall({ ...more, pk, sk }));
    const cut = turn % members.length;
    return { pk, sk, item: Object.fromEntries([...members.slice(cut), ...members.slice(0, cut)]) };
  });

/** The members of every map in another order: DynamoDB promises none. */
function turned(value: object, turn: number): object {
  if (Array.isArray(value)) return value.map((one: object) => turned(one, turn));
  const members = Object.entries(value).map(([name, one]: [string, unknown]) => [
    name,
    typeof one === 'object' && one !== null ? turned(one, turn) : one,
  ]);
  const cut = turn % Math.max(1, members.length);
  return Object.fromEntries([...members.slice(cut), ...members.slice(0, cut)]) as object;
}

describe('items in the text of DynamoDB', () => {
  it('are found whole, with their keys, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 5 }), fc.boolean(), (items, isLast) => {
        const list = { Items: items.map((one) => one.item) };
        const around = { Count: items.length, Note: { Items: ['"Items":[{'] } };
        const text = JSON.stringify(isLast ? { ...around, ...list } : { ...list, ...around });
        const bytes = Buffer.from(text);
        const found: unknown[] = [];
        let end = arrayStart(bytes, Buffer.from('Items'));
        for (let at = nextItem(bytes, end); at >= 0; at = nextItem(bytes, end)) {
          const span = itemAt(bytes, at);
          end = span.end;
          const key = (from: number, to: number): unknown =>
            JSON.parse(`"${bytes.toString('utf8', from, to)}"`);
          found.push({
            pk: key(span.pkStart, span.pkEnd),
            sk: key(span.skStart, span.skEnd),
            text: bytes.toString('utf8', at, end),
          });
          expect(span.isCompact).toBe(true);
        }
        expect(found).toEqual(items.map(({ pk, sk, item: one }) => ({ pk, sk, text: JSON.stringify(one) })));
      }),
    );
  });

  it('one that is cut off anywhere is refused', () => {
    const bytes = Buffer.from(
      JSON.stringify(marshall({ pk: 'a', sk: 'b"\\', body: { list: [1, { x: '}' }] } })),
    );
    for (let length = 1; length < bytes.length; length += 1) {
      expect(() => itemAt(bytes.subarray(0, length), 0)).toThrow(/ITEM_TEXT_INVALID/);
    }
    expect(itemAt(bytes, 0).end).toBe(bytes.length);
  });

  it('white space is seen, and an answer without items has none', () => {
    expect(itemAt(Buffer.from('{"pk":{"S":"a b"}}'), 0).isCompact).toBe(true);
    expect(itemAt(Buffer.from('{"pk": {"S":"a"}}'), 0).isCompact).toBe(false);
    expect(arrayStart(Buffer.from('{"Count":0}'), Buffer.from('Items'))).toBe(-1);
  });
});

describe('an audit row in the text of DynamoDB', () => {
  it('gives its order and its changes as parsing does', () => {
    const image = fc.option(
      fc.record({
        version: fc.integer({ min: 1, max: 99 }),
        body: fc.dictionary(fc.constantFrom('item', 'image', 'changes', 'orderKey', 'x'), plainValue, {
          noNullPrototype: true,
        }),
      }),
    );
    const change = fc.record({ item: awkward, formerVersion: fc.nat(3), image });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), awkward, fc.nat(99), (changes, orderKey, turn) => {
        const row = {
          account: 'DU1',
          writer: 'operator',
          seq: 1,
          at: '2026-01-05T14:30:00.000Z',
          cause: { kind: 'operator', id: 'changes', name: 'orderKey', reason: '"changes":{"L":[' },
          orderKey,
          changes: changes as never,
          previousHash: '',
          hash: '',
        } as const;
        const text = JSON.stringify(turned(auditItem(row), turn));
        const bytes = Buffer.from(`{"Items":[${text},${text}]}`);
        const found = rowAt(bytes, 10);
        expect(bytes.toString('utf8', found.start, found.end)).toBe(text);
        expect(found.isOrderEvent).toBe(orderKey !== '');
        expect(found.changes).toEqual(
          changes
            .map(({ item: key, formerVersion, image: made }) => ({
              item: key,
              isMade: formerVersion === 0,
              isDeleted: made === null,
            }))
            .filter(({ isMade, isDeleted }) => isMade || isDeleted),
        );
      }),
    );
  });
});
