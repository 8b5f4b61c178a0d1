/** Transactions and batches. */
import {
  type AttributeValue,
  BatchWriteItemCommand,
  GetItemCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { Attributes } from '../attribute-values.ts';
import { audit, book, type Case, cancelled, done, item, key, N, refused, S, type Step } from './contract.ts';

const transact = (actions: readonly TransactWriteItem[], token?: string) =>
  new TransactWriteItemsCommand({ TransactItems: [...actions], ClientRequestToken: token });
const get = (Key: Attributes, TableName = book) =>
  new GetItemCommand({ TableName, Key, ConsistentRead: true });

const put = (Item: Attributes, TableName = book): TransactWriteItem => ({ Put: { TableName, Item } });
const create = (Item: Attributes, TableName = book, more: object = {}): TransactWriteItem => ({
  Put: { TableName, Item, ConditionExpression: 'attribute_not_exists(pk)', ...more },
});
const check = (Key: Attributes, version: number): TransactWriteItem => ({
  ConditionCheck: {
    TableName: book,
    Key,
    ConditionExpression: 'version = :v',
    ExpressionAttributeValues: { ':v': N(version) },
  },
});
const remove = (Key: Attributes, version: number): TransactWriteItem => ({
  Delete: {
    TableName: book,
    Key,
    ConditionExpression: 'version = :v',
    ExpressionAttributeValues: { ':v': N(version) },
  },
});

const update = (UpdateExpression: string, value?: AttributeValue): TransactWriteItem => ({
  Update: {
    TableName: book,
    Key: key('many', '1'),
    UpdateExpression,
    ...(value === undefined ? {} : { ExpressionAttributeValues: { ':x': value } }),
  },
});

const versioned = (sk: string, version: number) => ({ ...key('transact', sk), version: N(version) });
const many = (count: number, text = '') =>
  Array.from({ length: count }, (_, n) => put({ ...key('many', String(n)), text: S(text) }));
const tokened = (sk: string, n = 1, token = 'contract-token') =>
  transact([create({ ...key('tokens', sk), n: N(n) })], token);

export const transactionCases: readonly Case[] = [
  {
    name: 'a transaction does all of its actions, in any of the tables',
    steps: [
      { send: transact([create(versioned('1', 1)), create(key('transact', 'row'), audit)]), gives: done },
      { send: get(key('transact', '1')), gives: item(versioned('1', 1)) },
      { send: get(key('transact', 'row'), audit), gives: item(key('transact', 'row')) },
      {
        send: transact([
          check(key('transact', '1'), 1),
          create(versioned('2', 1)),
          create(key('transact', 'row2'), audit),
        ]),
        gives: done,
      },
      { send: transact([remove(key('transact', '1'), 1), put(versioned('2', 2))]), gives: done },
      { send: get(key('transact', '1')), gives: done },
      { send: get(key('transact', '2')), gives: item(versioned('2', 2)) },
      {
        send: transact([
          {
            Update: {
              TableName: book,
              Key: key('transact', '2'),
              UpdateExpression: 'ADD version :one',
              ExpressionAttributeValues: { ':one': N(1) },
            },
          },
        ]),
        gives: done,
      },
      { send: get(key('transact', '2')), gives: item(versioned('2', 3)) },
    ],
  },
  {
    name: 'a transaction with an unmet condition does nothing, and has a reason for each of its actions',
    steps: [
      { send: transact([put({ ...key('cancelled', '1'), version: N(1) })]), gives: done },
      {
        send: transact([
          create(key('cancelled', '2')),
          check(key('cancelled', '1'), 2),
          remove(key('cancelled', '3'), 1),
          create(key('cancelled', '1'), audit),
        ]),
        gives: cancelled('None', 'ConditionalCheckFailed', 'ConditionalCheckFailed', 'None'),
      },
      {
        send: transact([
          create(key('cancelled', '1'), book, { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
        ]),
        gives: cancelled(['ConditionalCheckFailed', { ...key('cancelled', '1'), version: N(1) }]),
      },
      { send: get(key('cancelled', '1')), gives: item({ ...key('cancelled', '1'), version: N(1) }) },
      { send: get(key('cancelled', '2')), gives: done },
      { send: get(key('cancelled', '1'), audit), gives: done },
    ],
  },
  {
    name: 'a transaction has 1 to 100 actions, each on an item of its own, and 4 MB',
    steps: [
      { send: transact([]), gives: refused },
      { send: transact(many(100)), gives: done },
      { send: transact(many(101)), gives: refused },
      { send: transact([put(key('many', '1')), check(key('many', '1'), 1)]), gives: refused },
      { send: transact([put(key('many', '1')), put(key('many', '1'), audit)]), gives: done },
      { send: transact(many(11, 'x'.repeat(400_000))), gives: refused },
      {
        send: transact([put(key('many', '1')), put({ ...key('many', '2'), text: S('x'.repeat(410_000)) })]),
        gives: refused,
        saying: /Item size/,
      },
      {
        send: transact([put(key('many', '1'), 'contract-none')]),
        gives: { error: 'ResourceNotFoundException' },
      },
      { send: transact([{}]), gives: refused },
      // dynoxide does the first of two.
      {
        send: transact([{ ...put(key('many', '1')), ...remove(key('many', '2'), 1) }]),
        gives: refused,
        dynoxide: done,
      },
    ],
  },
  {
    name: 'what the table has against an action is a reason of the cancelled transaction, what is wrong in itself is refused',
    steps: [
      ...[
        put({ pk: S('many') }),
        put({ pk: S('many'), sk: N(1) }),
        put(key('many', 'x'.repeat(1_025))),
        put({ ...key('many', '1'), orderPk: N(1) }, audit),
        check({ pk: S('many') }, 1),
        update('SET a = absent'),
        update('SET text1 = :x', S('x'.repeat(410_000))),
      ].map(
        (action): Step => ({
          send: transact([put(key('many', '3')), action]),
          gives: cancelled('None', 'ValidationError'),
        }),
      ),
      ...[
        put({ ...key('many', '1'), n: N('1E126') }),
        put(key('many', '')),
        put({ ...key('many', '1'), orderPk: S('') }, audit),
      ].map((action): Step => ({ send: transact([put(key('many', '3')), action]), gives: refused })),
      // To dynoxide an expression is wrong only when its action's turn comes.
      ...['token = pk', 'version ==', 'version = :v', '#v = version'].map(
        (ConditionExpression): Step => ({
          send: transact([put(key('many', '3')), create(key('many', '1'), book, { ConditionExpression })]),
          gives: refused,
          dynoxide: cancelled('None', 'ValidationError'),
        }),
      ),
    ],
  },
  {
    name: 'a token is good for one transaction: again it is done already, with another one it is refused',
    steps: [
      { send: tokened('1'), gives: done },
      // Its condition is not met any more: it is not done a second time.
      { send: tokened('1'), gives: done },
      { send: tokened('1', 2), gives: { error: 'IdempotentParameterMismatchException' } },
      { send: tokened('2'), gives: { error: 'IdempotentParameterMismatchException' } },
      { send: get(key('tokens', '2')), gives: done },
      // One that was cancelled has not been done.
      { send: tokened('1', 1, 'contract-other'), gives: cancelled('ConditionalCheckFailed') },
      { send: tokened('3', 1, 'contract-other'), gives: done },
      { send: tokened('4', 1, 'x'.repeat(37)), gives: refused },
    ],
  },
  {
    name: 'several items are read as one picture',
    steps: [
      { send: transact([put({ ...key('picture', '1'), n: N(1) })]), gives: done },
      {
        send: new TransactGetItemsCommand({
          TransactItems: ['1', '2'].map((sk) => ({ Get: { TableName: book, Key: key('picture', sk) } })),
        }),
        gives: { output: { Responses: [{ Item: { ...key('picture', '1'), n: N(1) } }, {}] } },
      },
      ...(
        [
          [['1', '1'], refused],
          [[], refused],
          [Array.from({ length: 101 }, (_, n) => `${n}`), refused],
        ] as const
      ).map(
        ([sorts, gives]): Step => ({
          send: new TransactGetItemsCommand({
            TransactItems: sorts.map((sk) => ({ Get: { TableName: book, Key: key('picture', sk) } })),
          }),
          gives,
        }),
      ),
      {
        send: new TransactGetItemsCommand({
          TransactItems: [{ Get: { TableName: 'contract-none', Key: key('picture', '1') } }],
        }),
        gives: { error: 'ResourceNotFoundException' },
      },
    ],
  },
  {
    name: 'a batch has at most 25 items, none of them twice',
    steps: [
      {
        send: new BatchWriteItemCommand({
          RequestItems: {
            [book]: [
              { PutRequest: { Item: { ...key('batch', '1'), n: N('1.0') } } },
              { DeleteRequest: { Key: key('batch', '2') } },
            ],
            [audit]: [{ PutRequest: { Item: key('batch', '1') } }],
          },
        }),
        gives: { output: { UnprocessedItems: {} } },
      },
      { send: get(key('batch', '1')), gives: item({ ...key('batch', '1'), n: N(1) }) },
      { send: get(key('batch', '1'), audit), gives: item(key('batch', '1')) },
      ...[
        {
          [book]: [
            { PutRequest: { Item: key('batch', '1') } },
            { DeleteRequest: { Key: key('batch', '1') } },
          ],
        },
        { [book]: Array.from({ length: 26 }, (_, n) => ({ PutRequest: { Item: key('batch', `${n}`) } })) },
        { [book]: [] },
        {},
        { [book]: [{ PutRequest: { Item: key('batch', '') } }] },
      ].map((RequestItems): Step => ({ send: new BatchWriteItemCommand({ RequestItems }), gives: refused })),
    ],
  },
];
