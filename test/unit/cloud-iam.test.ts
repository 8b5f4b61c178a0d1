import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Iam, OPERATOR, type RoleModel } from '../../sandbox/cloud/iam.ts';
import { compilePolicy, evaluate, wildcard } from '../../sandbox/cloud/iam-policy.ts';
import { dynamodbAccess, putEventsAccess, sqsAccess } from '../../sandbox/cloud/iam-requests.ts';

const place = { region: 'eu-west-1', account: '000000000000' };
const table = 'arn:aws:dynamodb:eu-west-1:000000000000:table/candles';
const bus = 'arn:aws:events:eu-west-1:000000000000:event-bus/main';

const policy = (...statements: unknown[]): ReturnType<typeof compilePolicy> =>
  compilePolicy({ Statement: statements }, 'test');
const allow = (action: unknown, resource: unknown, condition?: unknown): unknown => ({
  Effect: 'Allow',
  Action: action,
  Resource: resource,
  ...(condition === undefined ? {} : { Condition: condition }),
});
const role = (...statements: unknown[]): RoleModel => ({
  logicalId: 'KeeperRole1234',
  name: 'evenkeel-keeper',
  arn: 'arn:aws:iam::000000000000:role/evenkeel-keeper',
  trusted: [],
  statements: policy(...statements),
});
const iamOf = (roles: RoleModel[], resourcePolicies = new Map()): Iam =>
  new Iam({ roles, resourcePolicies, ...place });

describe('policies', () => {
  it.each([
    ['the very action', 'dynamodb:PutItem', table, 'allow'],
    ['an action in another case', 'DynamoDB:putitem', table, 'allow'],
    ['another action', 'dynamodb:GetItem', table, 'implicit-deny'],
    ['another resource', 'dynamodb:PutItem', `${table}2`, 'implicit-deny'],
  ])('one statement and %s', (_what, action, resource, decision) => {
    expect(evaluate(policy(allow('dynamodb:PutItem', table)), { action, resource, context: {} })).toBe(
      decision,
    );
  });

  it.each([
    ['dynamodb:*', 'dynamodb:PutItem', true],
    ['dynamodb:Put*', 'dynamodb:PutItem', true],
    ['dynamodb:Put?tem', 'dynamodb:PutItem', true],
    ['*', 'sqs:SendMessage', true],
    ['dynamodb:Put*', 'dynamodb:GetItem', false],
    ['dynamodb:?', 'dynamodb:PutItem', false],
  ])('the action pattern %s against %s: %s', (pattern, action, matches) => {
    expect(evaluate(policy(allow(pattern, '*')), { action, resource: table, context: {} }) === 'allow').toBe(
      matches,
    );
  });

  it('an explicit deny wins over any allow, whatever their order', () => {
    const deny = { Effect: 'Deny', Action: 'dynamodb:PutItem', Resource: table };
    const request = { action: 'dynamodb:PutItem', resource: table, context: {} };
    expect(evaluate(policy(allow('*', '*'), deny), request)).toBe('explicit-deny');
    expect(evaluate(policy(deny, allow('*', '*')), request)).toBe('explicit-deny');
  });

  it.each([
    ['StringEquals', { StringEquals: { 'events:source': 'a' } }, ['a'], true],
    ['StringEquals, another value', { StringEquals: { 'events:source': 'a' } }, ['b'], false],
    ['StringEquals, key absent', { StringEquals: { 'events:source': 'a' } }, undefined, false],
    ['StringEqualsIfExists, key absent', { StringEqualsIfExists: { 'events:source': 'a' } }, undefined, true],
    ['StringNotEquals, key absent', { StringNotEquals: { 'events:source': 'a' } }, undefined, true],
    ['StringNotEquals, the value', { StringNotEquals: { 'events:source': 'a' } }, ['a'], false],
    ['StringLike', { StringLike: { 'events:source': 'ev*' } }, ['evenkeel'], true],
    ['a list of values', { StringEquals: { 'events:source': ['a', 'b'] } }, ['b'], true],
    ['NumericLessThan, a lower one', { NumericLessThan: { 's3:TlsVersion': '1.2' } }, ['1.1'], true],
    ['NumericLessThan, a higher one', { NumericLessThan: { 's3:TlsVersion': '1.2' } }, ['1.3'], false],
    ['NumericGreaterThanEquals', { NumericGreaterThanEquals: { 's3:TlsVersion': 1.2 } }, ['1.2'], true],
    ['Null true, key absent', { Null: { 'events:source': 'true' } }, undefined, true],
    ['Null true, key there', { Null: { 'events:source': 'true' } }, ['a'], false],
    ['ForAllValues', { 'ForAllValues:StringEquals': { 'events:source': ['a', 'b'] } }, ['a', 'c'], false],
    ['ForAnyValue', { 'ForAnyValue:StringEquals': { 'events:source': ['a', 'b'] } }, ['a', 'c'], true],
    [
      'ForAllValues, key absent',
      { 'ForAllValues:StringEquals': { 'events:source': ['a'] } },
      undefined,
      true,
    ],
  ])('condition %s', (_what, condition, values, matches) => {
    const context = values === undefined ? {} : { 'events:source': values, 's3:tlsversion': values };
    const decision = evaluate(policy(allow('events:PutEvents', bus, condition)), {
      action: 'events:PutEvents',
      resource: bus,
      context,
    });
    expect(decision === 'allow').toBe(matches);
  });

  it.each([
    ['NotAction', { Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }, 'the element NotAction'],
    ['NotResource', { Effect: 'Allow', Action: '*', NotResource: table }, 'the element NotResource'],
    [
      'an unknown operator',
      allow('*', '*', { DateLessThan: { 'events:source': '1' } }),
      'the condition operator DateLessThan',
    ],
    [
      'an unknown key',
      allow('*', '*', { StringEquals: { 'dynamodb:Attributes': 'a' } }),
      'the condition key dynamodb:Attributes',
    ],
    [
      'a federated principal',
      { Effect: 'Allow', Action: '*', Principal: { Federated: 'x' } },
      'the principal type Federated',
    ],
    ['no effect', { Action: '*', Resource: '*' }, 'the effect undefined'],
  ])('refuses a policy with %s', (_what, statement, message) => {
    expect(() => policy(statement)).toThrowError(expect.objectContaining({ code: 'POLICY_UNSUPPORTED' }));
    expect(() => policy(statement)).toThrowError(message);
  });

  it('property: a pattern without wildcards matches itself alone', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '.', '+', '(', '[', '\\', '$') });
    fc.assert(
      fc.property(text, text, (pattern, value) => {
        expect(wildcard(pattern).test(value)).toBe(pattern === value);
      }),
    );
  });
});

describe('what a request needs', () => {
  const needs = (operation: string, body: Record<string, unknown>): string[] =>
    dynamodbAccess(operation, body, place).map(
      ({ action, resource }) => `${action} ${resource.split(':').at(-1)}`,
    );

  it.each([
    ['PutItem', { TableName: 'candles' }, ['dynamodb:PutItem table/candles']],
    ['a table given by its ARN', { TableName: table }, ['dynamodb:PutItem table/candles']],
  ])('%s', (_what, body, expected) => {
    expect(needs('PutItem', body)).toEqual(expected);
  });

  it('a query of an index needs the index, not the table', () => {
    expect(needs('Query', { TableName: 'book', IndexName: 'byRef' })).toEqual([
      'dynamodb:Query table/book/index/byRef',
    ]);
  });

  it('names the partition, where it can be told, for conditions on dynamodb:LeadingKeys', () => {
    const known = { ...place, partitionKeyOf: (name: string) => (name === 'book' ? 'pk' : undefined) };
    const keysOf = (operation: string, body: Record<string, unknown>) =>
      dynamodbAccess(operation, body, known).map(({ context }) => context?.['dynamodb:leadingkeys']);
    const item = { pk: { S: 'A#1' }, sk: { S: 'X' } };
    const TableName = 'book';
    expect(keysOf('GetItem', { TableName, Key: item })).toEqual([['A#1']]);
    expect(keysOf('PutItem', { TableName: `${table.replace('candles', 'book')}`, Item: item })).toEqual([
      ['A#1'],
    ]);
    expect(keysOf('PutItem', { TableName: 'other', Item: item })).toEqual([undefined]);
    const TransactItems = [{ Put: { TableName, Item: item } }, { ConditionCheck: { TableName, Key: item } }];
    expect(keysOf('TransactWriteItems', { TransactItems })).toEqual([['A#1'], ['A#1']]);
    const asked = [{ PutRequest: { Item: item } }, { DeleteRequest: { Key: { pk: { S: 'A#2' } } } }];
    expect(keysOf('BatchWriteItem', { RequestItems: { book: asked } })).toEqual([['A#1', 'A#2']]);
    expect(keysOf('BatchGetItem', { RequestItems: { book: { Keys: [item] } } })).toEqual([['A#1']]);
    const query = {
      KeyConditionExpression: '#p = :p AND begins_with(sk, :s)',
      ExpressionAttributeNames: { '#p': 'pk' },
    };
    const ExpressionAttributeValues = { ':p': { S: 'A#1' }, ':s': { S: 'X' } };
    expect(keysOf('Query', { TableName, ...query, ExpressionAttributeValues })).toEqual([['A#1']]);
    expect(keysOf('Scan', { TableName })).toEqual([undefined]);
  });

  it('a transaction needs the action of every item on its own table', () => {
    const items = [
      { Put: { TableName: 'book' } },
      { Update: { TableName: 'book' } },
      { Delete: { TableName: 'control' } },
      { ConditionCheck: { TableName: 'control' } },
    ];
    expect(needs('TransactWriteItems', { TransactItems: items })).toEqual([
      'dynamodb:PutItem table/book',
      'dynamodb:UpdateItem table/book',
      'dynamodb:DeleteItem table/control',
      'dynamodb:ConditionCheckItem table/control',
    ]);
  });

  it('a batch needs its action on each table', () => {
    expect(needs('BatchWriteItem', { RequestItems: { a: [], b: [] } })).toEqual([
      'dynamodb:BatchWriteItem table/a',
      'dynamodb:BatchWriteItem table/b',
    ]);
  });

  it('PutEvents needs the bus of each entry, by name or ARN, and carries source and detail-type', () => {
    const access = putEventsAccess(
      { Entries: [{ EventBusName: 'main', Source: 's', DetailType: 'd' }, { EventBusName: bus }, {}] },
      place,
    );
    expect(access.map((a) => a.resource)).toEqual([
      bus,
      bus,
      'arn:aws:events:eu-west-1:000000000000:event-bus/default',
    ]);
    expect(access[0]?.context).toEqual({ 'events:source': ['s'], 'events:detail-type': ['d'] });
  });

  it('a batch of messages needs the plain action on the queue of the URL', () => {
    expect(
      sqsAccess('SendMessageBatch', { QueueUrl: 'http://127.0.0.1:4566/000000000000/orders.fifo' }, place),
    ).toEqual([{ action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-west-1:000000000000:orders.fifo' }]);
  });
});

describe('callers', () => {
  const put = { action: 'dynamodb:PutItem', resource: table };

  it('a denial reads as AWS writes it', () => {
    expect(iamOf([role()]).check('KeeperRole1234', [put])?.message).toBe(
      `User: arn:aws:sts::000000000000:assumed-role/evenkeel-keeper/local is not authorized to perform: dynamodb:PutItem on resource: ${table} because no identity-based policy allows the dynamodb:PutItem action`,
    );
  });

  it('a transaction is denied when one of its items is', () => {
    const iam = iamOf([role(allow('dynamodb:PutItem', table))]);
    expect(iam.check('KeeperRole1234', [put])).toBeUndefined();
    expect(iam.check('KeeperRole1234', [put, { ...put, action: 'dynamodb:DeleteItem' }])?.access.action).toBe(
      'dynamodb:DeleteItem',
    );
  });

  it('a condition on the partition holds for each of the items', () => {
    const own = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['A#1'] } };
    const iam = iamOf([role(allow('dynamodb:PutItem', table, own))]);
    const of = (...keys: string[]) =>
      iam.check('KeeperRole1234', [{ ...put, context: { 'dynamodb:leadingkeys': keys } }]);
    expect(of('A#1')).toBeUndefined();
    expect(of('A#2')).toBeDefined();
    expect(of('A#1', 'A#2')).toBeDefined();
    expect(of('A#1')).toBeUndefined();
  });

  it('the operator may do everything, an unknown key nothing', () => {
    const iam = iamOf([role()]);
    expect(iam.check(OPERATOR, [put])).toBeUndefined();
    expect(iam.knows('SomebodyElse')).toBe(false);
    expect(iam.check('SomebodyElse', [put])).toBeDefined();
  });

  it('a service may act only for the source that the resource policy names', () => {
    const queue = 'arn:aws:sqs:eu-west-1:000000000000:dlq';
    const rule = 'arn:aws:events:eu-west-1:000000000000:rule/main/keeper';
    const statements = policy({
      Effect: 'Allow',
      Action: 'sqs:SendMessage',
      Resource: queue,
      Principal: { Service: 'events.amazonaws.com' },
      Condition: { ArnEquals: { 'aws:SourceArn': rule } },
    });
    const iam = iamOf([], new Map([[queue, statements]]));
    const access = { action: 'sqs:SendMessage', resource: queue };
    expect(iam.serviceMay('events.amazonaws.com', access, rule)).toBe(true);
    expect(iam.serviceMay('events.amazonaws.com', access, `${rule}2`)).toBe(false);
    expect(iam.serviceMay('sns.amazonaws.com', access, rule)).toBe(false);
  });

  it('a deny in a resource policy stops a role that its own policy allows', () => {
    const deny = policy({ Effect: 'Deny', Action: '*', Resource: table, Principal: '*' });
    const iam = iamOf([role(allow('*', '*'))], new Map([[table, deny]]));
    expect(iam.check('KeeperRole1234', [put])?.message).toContain('explicit deny');
  });
});
