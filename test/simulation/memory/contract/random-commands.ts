/** Random commands of the shapes that lib/aws sends, on few keys, so that they meet. */
import {
  type AttributeValue,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { audit, book, type Command, candles, key, N, S } from './contract.ts';

const control = 'contract-control';

/** Names prefixes of one another, and characters of one to four bytes. */
const sort = fc.constantFrom(
  'ORDER#1',
  'ORDER#10',
  'ORDER#2',
  'ORDER#ü',
  'ORDER#\u{1f600}',
  'PLAN#\uff5e',
  'FLAGS',
);
const small = fc.integer({ min: 0, max: 3 });
const lease = fc.integer({ min: 1, max: 2 });
const body = fc.oneof(
  fc.record({ n: small.map(N) }),
  fc.record({
    price: fc.constantFrom('1323.40', '1E2', '-0.5', '9007199254740993').map(N),
    l: fc.constant<AttributeValue>({ L: [N(1), S('')] }),
  }),
  fc.record({
    deep: fc.record({
      M: fc.record({ hash: fc.constantFrom('a', 'b').map(S), none: fc.constant({ NULL: true as const }) }),
    }),
  }),
);

/** 0 is one that is not there yet. */
const isAt = (version: number) =>
  version === 0
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : { ConditionExpression: 'version = :former', ExpressionAttributeValues: { ':former': N(version) } };

const action = (pk: string): fc.Arbitrary<TransactWriteItem> =>
  fc.oneof(
    fc.record({ sk: sort, version: small, M: body }).map(({ sk, version, M }) => ({
      Put: {
        TableName: book,
        Item: { ...key(pk, sk), version: N(version + 1), body: { M } },
        ...isAt(version),
        ...(version === 3 ? { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const } : {}),
      },
    })),
    fc
      .record({ sk: sort, version: small })
      .map(({ sk, version }) => ({ Delete: { TableName: book, Key: key(pk, sk), ...isAt(version) } })),
    fc.record({ sk: sort, version: small }).map(({ sk, version }) => ({
      ConditionCheck: { TableName: book, Key: key(pk, sk), ...isAt(version) },
    })),
    lease.map((token) => ({
      ConditionCheck: {
        TableName: control,
        Key: key(pk, 'LEASE'),
        ConditionExpression: '#token = :token AND released = :no',
        ExpressionAttributeNames: { '#token': 'token' },
        ExpressionAttributeValues: { ':token': N(token), ':no': { BOOL: false } },
      },
    })),
    fc.record({ seq: fc.integer({ min: 1, max: 6 }), of: small }).map(({ seq, of }) => ({
      Put: {
        TableName: audit,
        Item: {
          ...key(pk, `operator#${seq}`),
          ...(of === 0 ? {} : { orderPk: S(`${pk}#${of}`), orderSk: S(`at-${seq % 3}`) }),
          hash: S(`${seq}`),
        },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    })),
  );

/** Two actions on one item are refused: the cases ask about that. */
function itemOf({ Put, Delete, ConditionCheck }: TransactWriteItem): string {
  const key = Put?.Item ?? Delete?.Key ?? ConditionCheck?.Key;
  return `${(Put ?? Delete ?? ConditionCheck)?.TableName} ${key?.sk?.S}`;
}

const prefix = fc.constantFrom('ORDER#', 'ORDER#1', 'P', 'Z');
const limit = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });

const commands = {
  BatchWriteItem: BatchWriteItemCommand,
  DeleteItem: DeleteItemCommand,
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
  Query: QueryCommand,
  TransactGetItems: TransactGetItemsCommand,
  TransactWriteItems: TransactWriteItemsCommand,
  UpdateItem: UpdateItemCommand,
} as const;

type Operation = keyof typeof commands;

/** A command as data, which a failed property can show. */
export interface Asked {
  readonly operation: Operation;
  readonly input: object;
}

/** The input is that of the operation's command. */
function asked<Name extends Operation>(
  operation: Name,
  input: ConstructorParameters<(typeof commands)[Name]>[0],
): Asked {
  return { operation, input };
}

/** The command on a partition of its own, so that a history begins with nothing. */
export function commandOn(pk: string, { operation, input }: Asked): Command {
  const own = JSON.parse(JSON.stringify(input).replaceAll(anyPartition, pk)) as never;
  // Each takes its own input; the compiler cannot see that name and input belong together.
  const CommandOf = commands[operation] as new (input: never) => Command;
  return new CommandOf(own);
}

const anyPartition = 'PARTITION';

/** Commands that meet on one partition. */
export function randomCommand(): fc.Arbitrary<Asked> {
  const pk = anyPartition;
  const query = fc.record({ ScanIndexForward: fc.boolean(), Limit: limit });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .record({
          TransactItems: fc.uniqueArray(action(pk), { minLength: 1, maxLength: 5, selector: itemOf }),
          token: fc.option(small, { nil: undefined, freq: 4 }),
        })
        .map(({ TransactItems, token }) =>
          asked('TransactWriteItems', {
            TransactItems,
            ClientRequestToken: token === undefined ? undefined : `${pk}-${token}`,
          }),
        ),
    },
    fc
      .record({ rank: small, epoch: small, revision: small, minute: small })
      .map(({ rank, epoch, revision, minute }) =>
        asked('PutItem', {
          TableName: candles,
          Item: {
            ...key(pk, `2026-01-05T14:3${minute}`),
            rank: N(rank),
            epoch: N(epoch),
            revision: N(revision),
          },
          ConditionExpression:
            'attribute_not_exists(pk) OR #rank < :rank OR (#rank = :rank AND #epoch < :epoch) OR (#rank = :rank AND #epoch = :epoch AND #revision < :revision)',
          ExpressionAttributeNames: { '#rank': 'rank', '#epoch': 'epoch', '#revision': 'revision' },
          ExpressionAttributeValues: { ':rank': N(rank), ':epoch': N(epoch), ':revision': N(revision) },
        }),
      ),
    fc.record({ run: small, now: fc.integer({ min: 0, max: 50 }) }).map(({ run, now }) =>
      asked('UpdateItem', {
        TableName: control,
        Key: key(pk, 'RECONCILE'),
        UpdateExpression: 'SET runId = :run, untilMs = :until ADD #token :one',
        ConditionExpression: 'attribute_not_exists(pk) OR untilMs <= :now OR runId = :run',
        ExpressionAttributeNames: { '#token': 'token' },
        ExpressionAttributeValues: {
          ':run': S(`${run}`),
          ':until': N(now + 10),
          ':now': N(now),
          ':one': N(1),
        },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
    fc.record({ token: lease, released: fc.boolean(), version: small }).map(({ token, released, version }) =>
      asked('PutItem', {
        TableName: control,
        Item: {
          ...key(pk, 'LEASE'),
          token: N(token),
          version: N(version + 1),
          released: { BOOL: released },
        },
        ...isAt(version),
      }),
    ),
    sort.map((sk) => asked('GetItem', { TableName: book, Key: key(pk, sk), ConsistentRead: true })),
    sort.map((sk) => asked('DeleteItem', { TableName: book, Key: key(pk, sk), ReturnValues: 'ALL_OLD' })),
    fc.uniqueArray(sort, { minLength: 1 }).map((sorts) =>
      asked('TransactGetItems', {
        TransactItems: sorts.map((sk) => ({ Get: { TableName: book, Key: key(pk, sk) } })),
      }),
    ),
    fc.record({ more: query, text: prefix }).map(({ more, text }) =>
      asked('Query', {
        TableName: book,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': S(pk), ':prefix': S(text) },
        ...more,
      }),
    ),
    fc.record({ more: query, from: small, to: small, start: small }).map(({ more, from, to, start }) =>
      asked('Query', {
        TableName: candles,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': S(pk),
          ':from': S(`2026-01-05T14:3${from}`),
          ':to': S(`2026-01-05T14:3${to}`),
        },
        ProjectionExpression: '#rank, sk',
        ExpressionAttributeNames: { '#rank': 'rank' },
        ...(from <= start && start <= to ? { ExclusiveStartKey: key(pk, `2026-01-05T14:3${start}`) } : {}),
        ...more,
      }),
    ),
    fc.record({ more: query, of: small }).map(({ more, of }) =>
      asked('Query', {
        TableName: audit,
        IndexName: 'by-order',
        KeyConditionExpression: 'orderPk = :of',
        ExpressionAttributeValues: { ':of': S(`${pk}#${of}`) },
        ...more,
      }),
    ),
    fc.uniqueArray(sort, { minLength: 1, maxLength: 3 }).map((sorts) =>
      asked('BatchWriteItem', {
        RequestItems: {
          [book]: sorts.map((sk, at) =>
            at === 2
              ? { DeleteRequest: { Key: key(pk, sk) } }
              : { PutRequest: { Item: { ...key(pk, sk), version: N('1.0'), body: { M: {} } } } },
          ),
        },
      }),
    ),
  );
}
