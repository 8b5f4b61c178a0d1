/** What the DynamoDB of the simulation has beyond the contract: callers, late reads, commits, and what it does not know. */
import {
  BatchGetItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { isConflict } from '../../../lib/aws/book-conflict.ts';
import { type Commit, MemoryDynamoDb } from '../../simulation/memory/dynamodb.ts';
import {
  cancelledByConflict,
  cancelledByThrottling,
  connectionLost,
  internalError,
  throttled,
  throughputExceeded,
  transactionConflict,
  transactionInProgress,
} from '../../simulation/memory/dynamodb-errors.ts';
import { stageTables } from '../../simulation/memory/table-schema.ts';

const TableName = 'sim-book';
const key = (sk: string) => ({ pk: { S: 'A' }, sk: { S: sk } });
const put = (sk: string, n: number, more: object = {}) =>
  new PutItemCommand({ TableName, Item: { ...key(sk), n: { N: String(n) } }, ...more });
const get = (sk: string, ConsistentRead = false) =>
  new GetItemCommand({ TableName, Key: key(sk), ConsistentRead });
const all = (ConsistentRead = false) =>
  new QueryCommand({
    TableName,
    ConsistentRead,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: 'A' } },
  });
const create = (sk: string) =>
  new TransactWriteItemsCommand({
    TransactItems: [{ Put: { TableName, Item: key(sk), ConditionExpression: 'attribute_not_exists(pk)' } }],
  });

const fresh = (nowMs = () => 0) => new MemoryDynamoDb({ tables: stageTables('sim'), nowMs });

describe('reads that come late', () => {
  it('see what was there before the last change, for a while; consistent ones see what is', async () => {
    let nowMs = 0;
    let isLate = true;
    const dynamodb = new MemoryDynamoDb({
      tables: stageTables('sim'),
      nowMs: () => nowMs,
      staleness: () => isLate,
      staleMs: 100,
    });
    const client = dynamodb.client();
    const seen = async () => {
      const { Item } = await client.send(get('1'));
      const { Items } = await client.send(all());
      expect(Items).toEqual(Item === undefined ? [] : [Item]);
      return Item?.n?.N;
    };
    await client.send(put('1', 1));
    expect(await seen()).toBeUndefined();
    expect((await client.send(get('1', true))).Item?.n?.N).toBe('1');
    nowMs = 50;
    await client.send(put('1', 2));
    await client.send(put('1', 3));
    expect(await seen()).toBe('2');
    isLate = false;
    expect(await seen()).toBe('3');
    isLate = true;
    nowMs = 149;
    expect(await seen()).toBe('2');
    nowMs = 150;
    expect(await seen()).toBe('3');
    // What is gone may still be read, and is gone for good later.
    await client.send(
      new TransactWriteItemsCommand({ TransactItems: [{ Delete: { TableName, Key: key('1') } }] }),
    );
    expect(await seen()).toBe('3');
    expect((await client.send(all(true))).Items).toEqual([]);
    nowMs = 300;
    await client.send(put('2', 1));
    nowMs = 500;
    expect((await client.send(all())).Items).toEqual([{ ...key('2'), n: { N: '1' } }]);
  });

  it('of the index miss a row that was just written', async () => {
    let nowMs = 0;
    const dynamodb = new MemoryDynamoDb({
      tables: stageTables('sim'),
      nowMs: () => nowMs,
      staleness: () => true,
    });
    const client = dynamodb.client();
    const Item = { ...key('1'), orderPk: { S: 'P1' }, orderSk: { S: 'at' } };
    await client.send(new PutItemCommand({ TableName: 'sim-audit', Item }));
    const byOrder = async () => {
      const answer = await client.send(
        new QueryCommand({
          TableName: 'sim-audit',
          IndexName: 'by-order',
          KeyConditionExpression: 'orderPk = :of',
          ExpressionAttributeValues: { ':of': { S: 'P1' } },
        }),
      );
      return answer.Items;
    };
    expect(await byOrder()).toEqual([]);
    nowMs = 10_000;
    expect(await byOrder()).toEqual([Item]);
  });
});

describe('a caller', () => {
  it('meets what stands around its requests: refused, done without an answer, done twice', async () => {
    const dynamodb = fresh();
    const asked: unknown[] = [];
    const lost = dynamodb.client('lost', async (operation, tables, effect, { by }) => {
      asked.push([operation, tables, by]);
      effect();
      throw connectionLost();
    });
    const again = dynamodb.client('again', async (_operation, _tables, effect) => {
      effect();
      return effect();
    });
    const refused = dynamodb.client('refused', async () => {
      throw throttled();
    });
    await expect(refused.send(put('1', 1))).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(dynamodb.item(TableName, 'A', '1')).toBeUndefined();
    await expect(lost.send(put('1', 1))).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(dynamodb.item(TableName, 'A', '1')?.value).toEqual({ pk: 'A', sk: '1', n: 1 });
    expect(asked).toEqual([['PutItem', [TableName], 'lost']]);
    // As the SDK sends it: a transaction has its token, a put has none.
    await again.send(create('2'));
    const conditional = put('3', 1, { ConditionExpression: 'attribute_not_exists(pk)' });
    await expect(again.send(conditional)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    expect(dynamodb.item(TableName, 'A', '3')?.value.n).toBe(1);
  });

  it('changes nothing through what it gave or got', async () => {
    const dynamodb = fresh();
    const client = dynamodb.client();
    const Item = { ...key('1'), m: { M: { l: { L: [{ N: '1' }] } } } };
    await client.send(new PutItemCommand({ TableName, Item }));
    Item.m.M.l.L.push({ N: '2' });
    const { Item: got } = await client.send(get('1'));
    expect(got).toEqual({ ...key('1'), m: { M: { l: { L: [{ N: '1' }] } } } });
    expect(() => got?.m?.M?.l?.L?.push({ N: '3' })).toThrow(TypeError);
    expect(() => {
      got!.n = { N: '1' };
    }).toThrow(TypeError);
    expect((await client.send(get('1'))).Item).toEqual(got);
  });

  it('that asks for what the store does not know is told so, and nothing is done', async () => {
    const client = fresh().client();
    const unknown = [
      new BatchGetItemCommand({ RequestItems: {} }),
      put('1', 1, { ReturnConsumedCapacity: 'TOTAL' }),
      put('1', 1, {
        ConditionExpression: 'contains(n, :v)',
        ExpressionAttributeValues: { ':v': { N: '1' } },
      }),
      new PutItemCommand({ TableName, Item: { ...key('1'), set: { SS: ['a'] } } }),
    ];
    for (const command of unknown)
      await expect(client.send(command as PutItemCommand)).rejects.toMatchObject({
        code: 'MEMORY_DYNAMODB_UNKNOWN',
      });
    expect((await client.send(all())).Items).toEqual([]);
  });

  it('has a token of a transaction for ten minutes', async () => {
    let nowMs = 0;
    const client = fresh(() => nowMs).client();
    const tokened = () => new TransactWriteItemsCommand({ ...create('1').input, ClientRequestToken: 'one' });
    await client.send(tokened());
    nowMs = 10 * 60_000 - 1;
    await client.send(tokened());
    nowMs = 10 * 60_000;
    await expect(client.send(tokened())).rejects.toMatchObject({ name: 'TransactionCanceledException' });
  });
});

describe('commits', () => {
  it('are told as they are done, those of a transaction together, with what was before and who did it', async () => {
    const dynamodb = fresh(() => 7);
    const commits: Commit[] = [];
    dynamodb.onCommit((commit) => commits.push(commit));
    const client = dynamodb.client('keeper');
    await client.send(put('1', 1));
    await client.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          { Put: put('1', 2).input as never },
          { ConditionCheck: { TableName, Key: key('9'), ConditionExpression: 'attribute_not_exists(pk)' } },
          { Put: { TableName: 'sim-audit', Item: key('row') } },
        ],
      }),
    );
    await client.send(create('1')).catch(() => undefined);
    expect(
      commits.map(({ by, atMs, changes }) => [
        by,
        atMs,
        ...changes.map(({ table, sk, before, after }) => [table, sk, before?.value.n, after?.value.n]),
      ]),
    ).toEqual([
      ['keeper', 7, [TableName, '1', undefined, 1]],
      ['keeper', 7, [TableName, '1', 1, 2], ['sim-audit', 'row', undefined, undefined]],
    ]);
    const snapshot = dynamodb.snapshot();
    expect(snapshot.get(TableName)?.map(({ value }) => value)).toEqual([{ pk: 'A', sk: '1', n: 2 }]);
    expect([...snapshot.keys()]).toEqual(['sim-book', 'sim-audit', 'sim-control', 'sim-candles']);
  });
});

describe('errors to put in an answer’s place', () => {
  it('are read by the adapters as what they are', () => {
    const passing = [cancelledByConflict(3, 2), cancelledByThrottling(3), transactionInProgress()];
    expect(passing.map(isConflict)).toEqual([true, true, true]);
    expect(passing[0]?.message).toContain('[None, None, TransactionConflict]');
    expect(
      [throttled(), throughputExceeded(), transactionConflict(), internalError()].map((error) => [
        error.name,
        error.$metadata.httpStatusCode,
      ]),
    ).toEqual([
      ['ThrottlingException', 400],
      ['ProvisionedThroughputExceededException', 400],
      ['TransactionConflictException', 400],
      ['InternalServerError', 500],
    ]);
  });
});
