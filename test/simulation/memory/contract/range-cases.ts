/** Queries, the index, scans and tables. */
import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Attributes } from '../attribute-values.ts';
import { audit, book, type Case, done, key, N, page, refused, S, type Step } from './contract.ts';

const query = (KeyConditionExpression: string, values: Attributes, more: Partial<QueryCommandInput> = {}) =>
  new QueryCommand({
    TableName: book,
    ConsistentRead: true,
    KeyConditionExpression,
    ExpressionAttributeValues: values,
    ...more,
  });
const put = (Item: Attributes, TableName = book): Step => ({
  send: new PutItemCommand({ TableName, Item }),
  gives: done,
});

const all = 'pk = :pk';
const between = 'pk = :pk AND sk BETWEEN :from AND :to';
const begins = 'pk = :pk AND begins_with(sk, :prefix)';
const pk = { ':pk': S('range') };
const row = (sk: string): Attributes => ({ ...key('range', sk), n: N(sk.length) });
const rows = (...sorts: string[]) => sorts.map(row);
/** In the order of UTF-8: what is beyond U+FFFF comes last, where JavaScript has it before U+FF5E. */
const sorts = ['ORDER', 'ORDER#1', 'ORDER#10', 'ORDER#2', 'PLAN#1', 'Z', 'a', 'ü', '\uff5e', '\u{1f600}'];

const order = (sk: string, at: string, of = 'P1'): Attributes => ({
  ...key('index', sk),
  orderPk: S(of),
  orderSk: S(at),
  more: S('not in the index'),
});
const indexed = (sk: string, at: string, of = 'P1'): Attributes => {
  const { more: _more, ...keys } = order(sk, at, of);
  return keys;
};
const byOrder = (of: string, more: Partial<QueryCommandInput> = {}) =>
  query(
    'orderPk = :of',
    { ':of': S(of) },
    { TableName: audit, IndexName: 'by-order', ConsistentRead: false, ...more },
  );

const large = (sk: string): Attributes => ({ ...key('large', sk), text: S('x'.repeat(300_000)) });

const scanned = 'contract-scanned';
const scan = (more: Partial<ScanCommandInput> = {}) => new ScanCommand({ TableName: scanned, ...more });

export const rangeCases: readonly Case[] = [
  {
    name: 'a query gives a range of one partition in the order of UTF-8, either way',
    steps: [
      ...sorts.toReversed().map((sk) => put(row(sk))),
      put({ ...key('range2', 'ORDER#3') }),
      { send: query(all, pk), gives: page(rows(...sorts)) },
      { send: query(all, pk, { ScanIndexForward: false }), gives: page(rows(...sorts.toReversed())) },
      {
        send: query(begins, { ...pk, ':prefix': S('ORDER#') }),
        gives: page(rows('ORDER#1', 'ORDER#10', 'ORDER#2')),
      },
      {
        send: query(begins, { ...pk, ':prefix': S('ORDER#') }, { ScanIndexForward: false, Limit: 2 }),
        gives: page(rows('ORDER#2', 'ORDER#10'), key('range', 'ORDER#10')),
      },
      {
        send: query(between, { ...pk, ':from': S('ORDER#1'), ':to': S('PLAN#1') }),
        gives: page(rows('ORDER#1', 'ORDER#10', 'ORDER#2', 'PLAN#1')),
      },
      {
        send: query(between, { ...pk, ':from': S('ORDER#11'), ':to': S('Y') }, { ScanIndexForward: false }),
        gives: page(rows('PLAN#1', 'ORDER#2')),
      },
      { send: query('pk = :pk AND sk = :sk', { ...pk, ':sk': S('a') }), gives: page(rows('a')) },
      { send: query('pk = :pk AND sk = :sk', { ...pk, ':sk': S('b') }), gives: page([]) },
      {
        // dynoxide wants the partition first.
        send: query('sk = :sk AND pk = :pk', { ...pk, ':sk': S('a') }),
        gives: page(rows('a')),
        dynoxide: refused,
      },
      { send: query(all, { ':pk': S('nowhere') }), gives: page([]) },
      {
        send: query(all, pk, {
          ProjectionExpression: '#n, absent',
          ExpressionAttributeNames: { '#n': 'n' },
          Limit: 1,
        }),
        gives: page([{ n: N(5) }], key('range', 'ORDER')),
      },
    ],
  },
  {
    name: 'a page of a limit ends with a key to go on behind, be there more or not',
    steps: [
      { send: query(all, pk, { Limit: 2 }), gives: page(rows('ORDER', 'ORDER#1'), key('range', 'ORDER#1')) },
      {
        send: query(all, pk, { Limit: 2, ExclusiveStartKey: key('range', 'ORDER#1') }),
        gives: page(rows('ORDER#10', 'ORDER#2'), key('range', 'ORDER#2')),
      },
      {
        send: query(all, pk, { Limit: 1, ExclusiveStartKey: key('range', '\uff5e') }),
        gives: page(rows('\u{1f600}'), key('range', '\u{1f600}')),
      },
      { send: query(all, pk, { ExclusiveStartKey: key('range', '\u{1f600}') }), gives: page([]) },
      // Behind an item that is not there.
      {
        send: query(all, pk, { ExclusiveStartKey: key('range', 'b') }),
        gives: page(rows('ü', '\uff5e', '\u{1f600}')),
      },
      {
        send: query(all, pk, { ExclusiveStartKey: key('range', 'b'), ScanIndexForward: false, Limit: 1 }),
        gives: page(rows('a'), key('range', 'a')),
      },
      {
        send: query(
          begins,
          { ...pk, ':prefix': S('ORDER#') },
          { ExclusiveStartKey: key('range', 'ORDER#10') },
        ),
        gives: page(rows('ORDER#2')),
      },
    ],
  },
  {
    name: 'a query that is not in order is refused',
    steps: [
      { send: query(between, { ...pk, ':from': S('b'), ':to': S('a') }), gives: refused },
      { send: query('sk = :pk', pk), gives: refused },
      { send: query('pk < :pk', pk), gives: refused },
      { send: query('n = :pk', pk), gives: refused },
      { send: query('pk = :pk AND n = :pk', pk), gives: refused },
      { send: query('pk = :pk OR sk = :pk', pk), gives: refused },
      { send: query(all, pk, { Limit: 0 }), gives: refused },
      { send: query(all, pk, { ExclusiveStartKey: { pk: S('range') } }), gives: refused },
      { send: query(all, pk, { IndexName: 'none', ConsistentRead: false }), gives: refused },
      { send: query(all, pk, { TableName: 'contract-none' }), gives: { error: 'ResourceNotFoundException' } },
      { send: new QueryCommand({ TableName: book }), gives: refused },
      // The last four are answered by dynoxide as if they asked for what is not there.
      { send: query(all, { ':pk': N(1) }), gives: refused, dynoxide: page([]) },
      { send: query(all, { ':pk': S('') }), gives: refused, dynoxide: page([]) },
      {
        send: query(begins, { ...pk, ':prefix': S('') }),
        gives: refused,
        dynoxide: page(rows(...sorts)),
      },
      {
        send: query(all, pk, { ExclusiveStartKey: key('other', 'b'), Limit: 1 }),
        gives: refused,
        dynoxide: page(rows('ü'), key('range', 'ü')),
      },
    ],
  },
  {
    name: 'a page has at most 1 MB',
    steps: [
      ...['1', '2', '3', '4', '5'].map((sk) => put(large(sk))),
      {
        send: query(all, { ':pk': S('large') }),
        gives: page(['1', '2', '3'].map(large), key('large', '3')),
      },
      {
        send: query(all, { ':pk': S('large') }, { ExclusiveStartKey: key('large', '3') }),
        gives: page(['4', '5'].map(large)),
      },
    ],
  },
  {
    name: 'the index has the keys of the rows with an order, in the order of its own',
    steps: [
      put(order('1', '2026-01-03'), audit),
      put(order('2', '2026-01-02'), audit),
      put(order('3', '2026-01-01'), audit),
      put(order('4', '2026-01-01', 'P2'), audit),
      put(key('index', '5'), audit),
      put({ ...key('index', '6'), orderPk: S('P1') }, audit),
      {
        send: byOrder('P1'),
        gives: page([indexed('3', '2026-01-01'), indexed('2', '2026-01-02'), indexed('1', '2026-01-03')]),
      },
      {
        send: byOrder('P1', { Limit: 1 }),
        gives: page([indexed('3', '2026-01-01')], indexed('3', '2026-01-01')),
      },
      {
        send: byOrder('P1', { ExclusiveStartKey: indexed('3', '2026-01-01') }),
        gives: page([indexed('2', '2026-01-02'), indexed('1', '2026-01-03')]),
      },
      // A row that changes its order moves, and one that goes is gone.
      put(order('2', '2026-01-04', 'P2'), audit),
      {
        send: new DeleteItemCommand({ TableName: audit, Key: key('index', '1') }),
        gives: done,
      },
      { send: byOrder('P1'), gives: page([indexed('3', '2026-01-01')]) },
      {
        send: byOrder('P2'),
        gives: page([indexed('4', '2026-01-01', 'P2'), indexed('2', '2026-01-04', 'P2')]),
      },
      { send: byOrder('P1', { ConsistentRead: true }), gives: refused },
      {
        send: byOrder('P1', { ExclusiveStartKey: key('index', '3') }),
        gives: refused,
      },
    ],
  },
  {
    name: 'tables are made, listed, described and removed',
    steps: [
      {
        send: new CreateTableCommand({
          TableName: scanned,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
        }),
        gives: { output: { TableDescription: { TableName: scanned, TableStatus: 'CREATING' } } },
      },
      {
        send: new DescribeTableCommand({ TableName: scanned }),
        gives: { output: { Table: { TableName: scanned, TableStatus: 'ACTIVE' } } },
      },
      {
        send: new DescribeTableCommand({ TableName: 'contract-none' }),
        gives: { error: 'ResourceNotFoundException' },
      },
      {
        send: new DeleteTableCommand({ TableName: 'contract-none' }),
        gives: { error: 'ResourceNotFoundException' },
      },
      {
        send: new ListTablesCommand({ ExclusiveStartTableName: 'contract-b', Limit: 2 }),
        gives: {
          output: {
            TableNames: ['contract-book', 'contract-candles'],
            LastEvaluatedTableName: 'contract-candles',
          },
        },
      },
      {
        send: new ListTablesCommand({ ExclusiveStartTableName: 'contract-control' }),
        gives: { output: { TableNames: [scanned] } },
      },
    ],
  },
  {
    name: 'a scan steps from partition to partition',
    steps: [
      { send: scan(), gives: page([]) },
      put(key('one', '1'), scanned),
      put(key('one', '2'), scanned),
      { send: scan({ ProjectionExpression: 'pk' }), gives: page([{ pk: S('one') }, { pk: S('one') }]) },
      { send: scan({ Limit: 1 }), gives: page([key('one', '1')], key('one', '1')) },
      {
        send: scan({ Limit: 1, ExclusiveStartKey: key('one', '1') }),
        gives: page([key('one', '2')], key('one', '2')),
      },
      { send: scan({ ExclusiveStartKey: key('one', '\u{10ffff}') }), gives: page([]) },
      { send: scan({ Segment: 0, TotalSegments: 1 }), gives: page([key('one', '1'), key('one', '2')]) },
      { send: scan({ Segment: 1 }), gives: refused },
      { send: scan({ TotalSegments: 1 }), gives: refused },
      { send: scan({ Segment: 2, TotalSegments: 2 }), gives: refused },
      { send: scan({ Limit: 0 }), gives: refused },
      {
        send: new DeleteTableCommand({ TableName: scanned }),
        gives: { output: { TableDescription: { TableName: scanned, TableStatus: 'DELETING' } } },
      },
      { send: scan(), gives: { error: 'ResourceNotFoundException' } },
    ],
  },
];
