/** Single items: what is stored, what is refused, and conditions. */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Attributes } from '../attribute-values.ts';
import { audit, book, type Case, done, item, key, N, refused, S, type Step, unmet } from './contract.ts';

const put = (Item: Attributes, more: Partial<PutItemCommandInput> = {}) =>
  new PutItemCommand({ TableName: book, Item, ...more });
const get = (Key: Attributes, TableName = book) =>
  new GetItemCommand({ TableName, Key, ConsistentRead: true });
const update = (Key: Attributes, UpdateExpression: string, more: Partial<UpdateItemCommandInput> = {}) =>
  new UpdateItemCommand({ TableName: book, Key, UpdateExpression, ...more });

/** A number as it is put, and as it comes back. */
const number = (given: string, stored: string): Step[] => [
  { send: put({ ...key('numbers', given), n: N(given) }), gives: done },
  {
    send: get(key('numbers', given)),
    gives: item({ ...key('numbers', given), n: N(stored) }),
  },
];

/** Whether a condition holds for the item of these cases. */
const holds = (ConditionExpression: string, values: Attributes, isMet = true): Step => ({
  send: put(conditioned, {
    ConditionExpression,
    ExpressionAttributeValues: values,
    ...(ConditionExpression.includes('#h') ? { ExpressionAttributeNames: { '#h': 'hash' } } : {}),
  }),
  gives: isMet ? done : unmet,
});
const conditioned: Attributes = {
  ...key('conditions', '1'),
  version: N(7),
  wide: N('12345678901234567890.123'),
  symbol: S('GCZ3'),
  held: { BOOL: false },
  body: { M: { hash: S('abc'), steps: { L: [N(1), S('two')] } } },
};

/** Refused before the item is looked at. */
const refusedExpression = (ConditionExpression: string, more: Partial<PutItemCommandInput> = {}): Step => ({
  send: put(conditioned, { ConditionExpression, ...more }),
  gives: refused,
});
const v = { ExpressionAttributeValues: { ':v': N(7) } };

const sized = (sk: string, bytes: number) => {
  // Names and values: pk, sk and long, `A`, the sort key, and what is left.
  const filler = bytes - ('pk'.length + 'sk'.length + 'long'.length + 'A'.length + sk.length);
  return put({ ...key('A', sk), long: S('x'.repeat(filler)) });
};

export const itemCases: readonly Case[] = [
  {
    name: 'an item comes back as it was put, and is replaced as a whole',
    steps: [
      { send: get(key('whole', '1')), gives: done },
      {
        send: put({
          ...key('whole', '1'),
          empty: S(''),
          none: { NULL: true },
          yes: { BOOL: true },
          map: { M: { list: { L: [{ M: {} }, { L: [] }, S('ü\u{1f600}')] } } },
        }),
        gives: done,
      },
      {
        send: get(key('whole', '1')),
        gives: item({
          ...key('whole', '1'),
          empty: S(''),
          none: { NULL: true },
          yes: { BOOL: true },
          map: { M: { list: { L: [{ M: {} }, { L: [] }, S('ü\u{1f600}')] } } },
        }),
      },
      { send: put({ ...key('whole', '1'), other: N(1) }), gives: done },
      {
        send: put(key('whole', '1'), { ReturnValues: 'ALL_OLD' }),
        gives: { output: { Attributes: { ...key('whole', '1'), other: N(1) } } },
      },
      { send: get(key('whole', '1')), gives: item(key('whole', '1')) },
      { send: put(key('whole', '2'), { ReturnValues: 'ALL_OLD' }), gives: done },
      { send: put(key('whole', '2'), { ReturnValues: 'ALL_NEW' }), gives: refused },
    ],
  },
  {
    name: 'numbers are decimals of up to 38 digits, without superfluous zeros and without an exponent',
    steps: [
      ...number('1.0', '1'),
      ...number('-0', '0'),
      ...number('007.50', '7.5'),
      ...number('+3', '3'),
      ...number('.5', '0.5'),
      ...number('1E3', '1000'),
      ...number('25e-8', '0.00000025'),
      ...number('9007199254740993', '9007199254740993'),
      ...number('12345678901234567890.123456789012345678', '12345678901234567890.123456789012345678'),
      ...number(`1${'0'.repeat(60)}`, `1${'0'.repeat(60)}`),
      ...['1'.repeat(39), '1E126', '1E-131', 'abc', '', '0x10', 'NaN', '1 000'].map(
        (text): Step => ({ send: put({ ...key('numbers', 'bad'), n: N(text) }), gives: refused }),
      ),
      { send: get(key('numbers', 'bad')), gives: done },
    ],
  },
  {
    name: 'a key is there, text, and neither empty nor too long',
    steps: [
      { send: put({ pk: S('a') }), gives: refused },
      { send: put({ pk: S('a'), sk: N(1) }), gives: refused },
      { send: put(key('', '1')), gives: refused },
      { send: put(key('a', '')), gives: refused },
      { send: put(key('a', 'x'.repeat(1_024))), gives: done },
      { send: put(key('a', 'x'.repeat(1_025))), gives: refused },
      // In bytes of UTF-8, not in characters.
      { send: put(key('a', 'ü'.repeat(513))), gives: refused },
      { send: put(key('x'.repeat(2_048), '1')), gives: done },
      { send: put(key('x'.repeat(2_049), '1')), gives: refused },
      { send: get({ pk: S('a') }), gives: refused },
      { send: get({ pk: S('a'), sk: N(1) }), gives: refused },
      { send: get({ ...key('a', '1'), more: S('1') }), gives: refused },
      { send: get(key('a', '')), gives: refused },
      { send: get(key('a', '1'), 'contract-none'), gives: { error: 'ResourceNotFoundException' } },
      {
        send: new PutItemCommand({ TableName: audit, Item: { ...key('a', '1'), orderPk: N(1) } }),
        gives: refused,
      },
      {
        send: new PutItemCommand({
          TableName: audit,
          Item: { ...key('a', '1'), orderPk: S(''), orderSk: S('1') },
        }),
        gives: refused,
      },
    ],
  },
  {
    name: 'an item has at most 400 KB, its names among them',
    steps: [
      { send: sized('fits', 400 * 1_024), gives: done },
      { send: sized('large', 400 * 1_024 + 1), gives: refused, saying: /Item size/ },
      {
        send: update(key('A', 'fits'), 'SET more = :v', v),
        gives: refused,
        saying: /Item size/,
      },
    ],
  },
  {
    name: 'an unmet condition leaves the item, and gives it when asked to',
    steps: [
      {
        send: put({ ...key('unmet', '1'), n: N(1) }, { ConditionExpression: 'attribute_not_exists(pk)' }),
        gives: done,
      },
      { send: put(key('unmet', '1'), { ConditionExpression: 'attribute_not_exists(pk)' }), gives: unmet },
      {
        send: put(key('unmet', '1'), {
          ConditionExpression: 'attribute_not_exists(pk)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
        gives: { error: 'ConditionalCheckFailedException', item: { ...key('unmet', '1'), n: N(1) } },
      },
      {
        send: put(key('unmet', '2'), {
          ConditionExpression: 'attribute_exists(pk)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
        gives: unmet,
      },
      { send: get(key('unmet', '1')), gives: item({ ...key('unmet', '1'), n: N(1) }) },
      { send: get(key('unmet', '2')), gives: done },
    ],
  },
  {
    name: 'conditions compare numbers as numbers, text by its bytes, and nothing with what is not there',
    steps: [
      { send: put(conditioned), gives: done },
      holds('version = :v', { ':v': N('7.00') }),
      holds('version = :v', { ':v': S('7') }, false),
      holds('version < :v', { ':v': N(10) }),
      holds('version <= :v', { ':v': N('0.7e1') }),
      holds('version > :v', { ':v': N(-10) }),
      holds('version < :v', { ':v': S('9') }, false),
      holds('version <> :v', { ':v': S('7') }),
      holds('#h = :v', { ':v': S('abc') }, false),
      holds('#h <> :v', { ':v': S('abc') }),
      holds('#h < :v', { ':v': S('abc') }, false),
      holds('wide > :v', { ':v': N('12345678901234567890.122') }),
      holds('wide = :v', { ':v': N('12345678901234567890.124') }, false),
      holds('symbol >= :v', { ':v': S('GC') }),
      holds('held = :v', { ':v': { BOOL: false } }),
      holds('body.#h = :v', { ':v': S('abc') }),
      holds('body.steps[1] = :v', { ':v': S('two') }),
      holds('body.steps[2] = :v', { ':v': S('two') }, false),
      holds('begins_with(symbol, :v)', { ':v': S('GC') }),
      holds('begins_with(symbol, :v)', { ':v': S('gc') }, false),
      holds('version BETWEEN :v AND :w', { ':v': N(7), ':w': N(7) }),
      holds('version = :v OR version = :w AND held = :w', { ':v': N(7), ':w': N(8) }),
      holds('(version = :v OR version = :w) AND held = :w', { ':v': N(7), ':w': N(8) }, false),
      holds('NOT version = :v', { ':v': N(7) }, false),
      holds('attribute_exists(body.#h) and not attribute_exists(body.pk) AND version = :v', { ':v': N(7) }),
      holds('body = :v', { ':v': { M: { steps: { L: [N('1.0'), S('two')] }, hash: S('abc') } } }),
    ],
  },
  {
    name: 'an expression that is not in order is refused, whatever the item is',
    steps: [
      refusedExpression(''),
      refusedExpression('version =='),
      refusedExpression('version = :v)', v),
      refusedExpression('version = :v'),
      refusedExpression('#v = :v', v),
      refusedExpression('token = :v', v),
      refusedExpression('Status = :v', v),
      refusedExpression('foo(version)'),
      refusedExpression('version BETWEEN :v AND :w', {
        ExpressionAttributeValues: { ':v': N(8), ':w': N(7) },
      }),
      refusedExpression('version = :v', { ExpressionAttributeValues: { ':v': N(7), ':w': N(1) } }),
      refusedExpression('version = :v', { ...v, ExpressionAttributeNames: { '#x': 'x' } }),
      {
        // dynoxide looks at what is not used once the condition is met; DynamoDB before.
        ...refusedExpression('version = :v', { ExpressionAttributeValues: { ':v': N(8), ':w': N(1) } }),
        dynoxide: unmet,
      },
      {
        // An order of true and false is none: DynamoDB says so, dynoxide takes it as unmet.
        ...refusedExpression('held < :v', { ExpressionAttributeValues: { ':v': { BOOL: true } } }),
        dynoxide: unmet,
      },
      { send: put(conditioned, v), gives: refused },
    ],
  },
  {
    name: 'an update makes the item or changes a part of it, and gives what it is asked for',
    steps: [
      {
        send: update(key('update', '1'), 'SET a = :a, b = :n ADD #t :n', {
          ExpressionAttributeNames: { '#t': 'token' },
          ExpressionAttributeValues: { ':a': S('x'), ':n': N(1) },
          ReturnValues: 'ALL_NEW',
        }),
        gives: { output: { Attributes: { ...key('update', '1'), a: S('x'), b: N(1), token: N(1) } } },
      },
      {
        send: update(key('update', '1'), 'SET b = a, a = :a ADD n :n REMOVE #t', {
          ExpressionAttributeNames: { '#t': 'token' },
          ExpressionAttributeValues: { ':a': S('y'), ':n': N('0.1') },
          ReturnValues: 'UPDATED_NEW',
        }),
        gives: { output: { Attributes: { a: S('y'), b: S('x'), n: N('0.1') } } },
      },
      {
        send: update(key('update', '1'), 'SET n = n + :n', {
          ExpressionAttributeValues: { ':n': N('0.2') },
          ReturnValues: 'UPDATED_OLD',
        }),
        gives: { output: { Attributes: { n: N('0.1') } } },
      },
      {
        send: get(key('update', '1')),
        gives: item({ ...key('update', '1'), a: S('y'), b: S('x'), n: N('0.3') }),
      },
      {
        send: update(key('update', '1'), 'SET a = :n', {
          ConditionExpression: 'n = :n',
          ExpressionAttributeValues: { ':n': N(1) },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
        gives: {
          error: 'ConditionalCheckFailedException',
          item: { ...key('update', '1'), a: S('y'), b: S('x'), n: N('0.3') },
        },
      },
      { send: update(key('update', '1'), 'SET pk = :v', v), gives: refused },
      { send: update(key('update', '1'), 'ADD a :v', v), gives: refused },
      { send: update(key('update', '1'), 'SET a = none', {}), gives: refused },
      { send: update(key('update', '1'), 'SET a = :v, a = :v', v), gives: refused },
      {
        send: update(key('update', '1'), 'ADD a :a', { ExpressionAttributeValues: { ':a': S('x') } }),
        gives: refused,
      },
      {
        send: update(key('update', '1'), 'SET a = :v SET b = :v', v),
        gives: refused,
      },
    ],
  },
  {
    name: 'a deletion gives what was there, and is none where nothing was',
    steps: [
      { send: put({ ...key('delete', '1'), n: N(1) }), gives: done },
      {
        send: new DeleteItemCommand({
          TableName: book,
          Key: key('delete', '1'),
          ConditionExpression: 'n = :n',
          ExpressionAttributeValues: { ':n': N(2) },
        }),
        gives: unmet,
      },
      {
        send: new DeleteItemCommand({ TableName: book, Key: key('delete', '1'), ReturnValues: 'ALL_OLD' }),
        gives: { output: { Attributes: { ...key('delete', '1'), n: N(1) } } },
      },
      {
        send: new DeleteItemCommand({ TableName: book, Key: key('delete', '1'), ReturnValues: 'ALL_OLD' }),
        gives: done,
      },
      { send: get(key('delete', '1')), gives: done },
    ],
  },
];
