import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { clientsOf } from '../helpers/cloud-clients.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { tablesTemplate } from '../helpers/cloud-templates.ts';

/** Tables that the template does not have, as a restore drill makes, fills and removes them under its role. */

const { folder, remove } = temporaryFolder();
let cloud: LocalCloud;
let drill: DynamoDBClient;
let operator: DynamoDBClient;

beforeAll(async () => {
  cloud = await startCloud({
    assembly: writeAssembly(folder, tablesTemplate()),
    stack: STACK,
    dataDir: `${folder}/data`,
  });
  drill = clientsOf(cloud.endpoint, 'DrillRole').dynamodb;
  operator = clientsOf(cloud.endpoint, 'operator').dynamodb;
});

afterAll(async () => {
  await cloud?.stop();
  remove();
});

const create = (TableName: string): CreateTableCommand =>
  new CreateTableCommand({
    TableName,
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: ['pk', 'sk', 'order'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S',
    })),
    GlobalSecondaryIndexes: [
      {
        IndexName: 'by-order',
        KeySchema: [
          { AttributeName: 'order', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
    BillingMode: 'PAY_PER_REQUEST',
  });

type Item = Record<string, AttributeValue>;
const item = (n: number): Item => ({
  pk: { S: `P${n % 37}` },
  sk: { S: `S${n}` },
  order: { S: `O${n % 5}` },
  body: { S: `{"n":${n}}` },
});

it('a table is made, filled, read in segments, queried by its index, changed in a transaction, and removed', async () => {
  const TableName = 'fixture-drill-20261121-book';
  await drill.send(create(TableName));
  await waitUntilTableExists({ client: drill, minDelay: 1, maxWaitTime: 10 }, { TableName });
  const { Table: table } = await drill.send(new DescribeTableCommand({ TableName }));
  expect(table).toMatchObject({ TableStatus: 'ACTIVE', GlobalSecondaryIndexes: [{ IndexName: 'by-order' }] });

  const all = Array.from({ length: 500 }, (_none, n) => item(n));
  for (let from = 0; from < all.length; from += 25) {
    const puts = all.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
    const { UnprocessedItems: left } = await drill.send(
      new BatchWriteItemCommand({ RequestItems: { [TableName]: puts } }),
    );
    expect(left ?? {}).toEqual({});
  }

  const segments = await Promise.all([0, 1, 2, 3].map(async (n) => scan(TableName, n, 4)));
  const seen = segments.flat();
  expect(seen).toHaveLength(500);
  expect(new Set(seen.map(({ sk }) => sk?.S)).size).toBe(500);
  expect(segments.filter((segment) => segment.length > 0).length).toBeGreaterThan(1);
  // All items of one partition are in one segment.
  for (const segment of segments) {
    const others = segments.filter((one) => one !== segment).flat();
    const keys = new Set(others.map(({ pk }) => pk?.S));
    expect(segment.some(({ pk }) => keys.has(pk?.S))).toBe(false);
  }

  const { Count: ofOrder } = await drill.send(
    new QueryCommand({
      TableName,
      IndexName: 'by-order',
      KeyConditionExpression: '#order = :order',
      ExpressionAttributeNames: { '#order': 'order' },
      ExpressionAttributeValues: { ':order': { S: 'O3' } },
    }),
  );
  expect(ofOrder).toBe(100);

  const write = (n: number, ConditionExpression: string): TransactWriteItemsCommand =>
    new TransactWriteItemsCommand({
      TransactItems: [
        { Put: { TableName, Item: item(n), ConditionExpression } },
        {
          ConditionCheck: {
            TableName,
            Key: { pk: { S: 'P1' }, sk: { S: 'S1' } },
            ConditionExpression: 'attribute_exists(pk)',
          },
        },
      ],
      ClientRequestToken: `token-${n}-${ConditionExpression.length}`,
    });
  await drill.send(write(1_000, 'attribute_not_exists(pk)'));
  await expect(drill.send(write(1_000, 'attribute_not_exists(pk) '))).rejects.toMatchObject({
    name: 'TransactionCanceledException',
    CancellationReasons: [{ Code: 'ConditionalCheckFailed' }, { Code: 'None' }],
  });

  const names = async (): Promise<string[]> => (await drill.send(new ListTablesCommand({}))).TableNames ?? [];
  expect(await names()).toEqual(['fixture-audit', 'fixture-book', TableName]);
  await drill.send(new DeleteTableCommand({ TableName }));
  await expect.poll(names).toEqual(['fixture-audit', 'fixture-book']);
  await expect(drill.send(new DescribeTableCommand({ TableName }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

async function scan(TableName: string, Segment: number, TotalSegments: number): Promise<Item[]> {
  const found: Item[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await drill.send(
      new ScanCommand({
        TableName,
        Segment,
        TotalSegments,
        ConsistentRead: true,
        Limit: 40,
        ExclusiveStartKey,
      }),
    );
    found.push(...(page.Items ?? []));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return found;
}

it('a name that is taken, and one that is not there', async () => {
  await drill.send(create('fixture-drill-twice'));
  await expect(drill.send(create('fixture-drill-twice'))).rejects.toMatchObject({
    name: 'ResourceInUseException',
  });
  await drill.send(new DeleteTableCommand({ TableName: 'fixture-drill-twice' }));
  await expect(
    drill.send(new DeleteTableCommand({ TableName: 'fixture-drill-nothing' })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

it('AccessDenied: the role may do none of it to a table of another name, nor what it does not name', async () => {
  const book = { TableName: 'fixture-book' };
  const denials: [unknown, string][] = [
    [
      create('fixture-other'),
      'dynamodb:CreateTable on resource: arn:aws:dynamodb:eu-west-1:000000000000:table/fixture-other',
    ],
    [new DeleteTableCommand(book), 'dynamodb:DeleteTable'],
    [new DescribeTableCommand(book), 'dynamodb:DescribeTable'],
    [new ScanCommand({ ...book, Segment: 0, TotalSegments: 2 }), 'dynamodb:Scan'],
    [
      new BatchWriteItemCommand({
        RequestItems: {
          'fixture-drill-x': [{ PutRequest: { Item: item(1) } }],
          'fixture-book': [{ PutRequest: { Item: item(1) } }],
        },
      }),
      'dynamodb:BatchWriteItem on resource: arn:aws:dynamodb:eu-west-1:000000000000:table/fixture-book',
    ],
    [
      new GetItemCommand({ TableName: 'fixture-drill-x', Key: { pk: { S: 'a' }, sk: { S: 'b' } } }),
      'dynamodb:GetItem',
    ],
  ];
  for (const [command, words] of denials)
    await expect(drill.send(command as ScanCommand)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(words),
    });
  await operator.send(new DescribeTableCommand(book));
});

it('AccessDenied: a table with tags needs the permission to tag it', async () => {
  const { input } = create('fixture-drill-tagged');
  const tagged = new CreateTableCommand({ ...input, Tags: [{ Key: 'a', Value: 'b' }] });
  await expect(drill.send(tagged)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('dynamodb:TagResource'),
  });
});
