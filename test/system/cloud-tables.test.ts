import {
  DeleteItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { type CloudClients, clientsOf } from '../helpers/cloud-clients.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { tablesTemplate } from '../helpers/cloud-templates.ts';

const { folder, remove } = temporaryFolder();
let cloud: LocalCloud;
let operator: CloudClients;
let keeper: CloudClients;
let any: CloudClients;

beforeAll(async () => {
  const assembly = writeAssembly(folder, tablesTemplate());
  cloud = await startCloud({ assembly, stack: STACK, dataDir: `${folder}/data` });
  operator = clientsOf(cloud.endpoint, 'operator');
  keeper = clientsOf(cloud.endpoint, 'KeeperRole');
  any = clientsOf(cloud.endpoint, 'AnyRole');
});

afterAll(async () => {
  await cloud?.stop();
  remove();
});

const book = (pk: string): { TableName: string; Key: { pk: { S: string } } } => ({
  TableName: 'fixture-book',
  Key: { pk: { S: pk } },
});
const put = (TableName: string, pk: string, more: object = {}): TransactWriteItem => ({
  Put: { TableName, Item: { pk: { S: pk }, order: { S: 'o1' } }, ...more },
});
const isNew = { ConditionExpression: 'attribute_not_exists(pk)' };

it('a change, its audit row and a check go as one: all of them or none', async () => {
  const change = async (pk: string, checked: string): Promise<unknown> =>
    keeper.dynamodb.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          put('fixture-book', pk, isNew),
          put('fixture-audit', `audit of ${pk}`, isNew),
          { ConditionCheck: { ...book(checked), ConditionExpression: 'attribute_exists(pk)' } },
        ],
      }),
    );
  await operator.dynamodb.send(
    new PutItemCommand({ TableName: 'fixture-book', Item: { pk: { S: 'lease' } } }),
  );
  await change('one', 'lease');
  await expect(change('two', 'no lease')).rejects.toMatchObject({
    name: 'TransactionCanceledException',
    CancellationReasons: [{ Code: 'None' }, { Code: 'None' }, { Code: 'ConditionalCheckFailed' }],
  });
  const { Responses: found } = await keeper.dynamodb.send(
    new TransactGetItemsCommand({ TransactItems: [{ Get: book('one') }, { Get: book('two') }] }),
  );
  expect(found?.map(({ Item: item }) => item?.pk?.S)).toEqual(['one', undefined]);
});

it('each item of a transaction needs its own permission', async () => {
  const forbidden: TransactWriteItem[][] = [
    [put('fixture-book', 'x'), { Delete: book('x') }],
    [put('fixture-book', 'x'), { ConditionCheck: { ...book('y'), TableName: 'fixture-audit', ...isNew } }],
  ];
  for (const TransactItems of forbidden)
    await expect(
      keeper.dynamodb.send(new TransactWriteItemsCommand({ TransactItems })),
    ).rejects.toMatchObject({ name: 'AccessDeniedException' });
  await expect(
    keeper.dynamodb.send(
      new TransactGetItemsCommand({
        TransactItems: [{ Get: book('one') }, { Get: { ...book('one'), TableName: 'fixture-audit' } }],
      }),
    ),
  ).rejects.toMatchObject({ name: 'AccessDeniedException' });
});

it('a query of an index needs the index, and that is not the table', async () => {
  const query = {
    TableName: 'fixture-audit',
    ExpressionAttributeValues: { ':value': { S: 'o1' } },
    ExpressionAttributeNames: { '#key': 'order' },
    KeyConditionExpression: '#key = :value',
  };
  const answer = await keeper.dynamodb.send(new QueryCommand({ ...query, IndexName: 'by-order' }));
  expect(answer.Items).toEqual([{ pk: { S: 'audit of one' }, order: { S: 'o1' } }]);
  await expect(
    keeper.dynamodb.send(new QueryCommand({ ...query, ExpressionAttributeNames: { '#key': 'pk' } })),
  ).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(
      'dynamodb:Query on resource: arn:aws:dynamodb:eu-west-1:000000000000:table/fixture-audit ',
    ),
  });
});

it('the policy of a table denies what a role’s own allows', async () => {
  const remove = (TableName: string): DeleteItemCommand =>
    new DeleteItemCommand({ TableName, Key: { pk: { S: 'audit of one' } } });
  await any.dynamodb.send(remove('fixture-book'));
  await expect(any.dynamodb.send(remove('fixture-audit'))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('explicit deny'),
  });
});
