/** Parameters that the store knows; a request with another one would be done without a part of it. */
import { MemoryDynamoDbError } from './dynamodb-errors.ts';

const condition = [
  'ConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ReturnValuesOnConditionCheckFailure',
];

const known: Readonly<Record<string, ReadonlySet<string>>> = {
  GetItem: new Set(['TableName', 'Key', 'ConsistentRead']),
  TransactGetItems: new Set(['TransactItems']),
  Get: new Set(['TableName', 'Key']),
  PutItem: new Set(['TableName', 'Item', 'ReturnValues', ...condition]),
  UpdateItem: new Set(['TableName', 'Key', 'UpdateExpression', 'ReturnValues', ...condition]),
  DeleteItem: new Set(['TableName', 'Key', 'ReturnValues', ...condition]),
  TransactWriteItems: new Set(['TransactItems', 'ClientRequestToken']),
  Put: new Set(['TableName', 'Item', ...condition]),
  Update: new Set(['TableName', 'Key', 'UpdateExpression', ...condition]),
  Delete: new Set(['TableName', 'Key', ...condition]),
  ConditionCheck: new Set(['TableName', 'Key', ...condition]),
  BatchWriteItem: new Set(['RequestItems']),
  Query: new Set([
    'TableName',
    'IndexName',
    'ConsistentRead',
    'KeyConditionExpression',
    'ProjectionExpression',
    'ExpressionAttributeNames',
    'ExpressionAttributeValues',
    'ExclusiveStartKey',
    'ScanIndexForward',
    'Limit',
  ]),
  Scan: new Set([
    'TableName',
    'ConsistentRead',
    'ProjectionExpression',
    'ExpressionAttributeNames',
    'ExclusiveStartKey',
    'Limit',
    'Segment',
    'TotalSegments',
  ]),
  CreateTable: new Set([
    'TableName',
    'BillingMode',
    'AttributeDefinitions',
    'KeySchema',
    'GlobalSecondaryIndexes',
  ]),
  DescribeTable: new Set(['TableName']),
  DeleteTable: new Set(['TableName']),
  ListTables: new Set(['ExclusiveStartTableName', 'Limit']),
};

/** @throws MemoryDynamoDbError */
export function checkParameters(operation: string, input: object): void {
  const names = known[operation];
  for (const name in input) {
    if (names?.has(name) !== true && (input as Record<string, unknown>)[name] !== undefined)
      throw new MemoryDynamoDbError(`the parameter ${name} of ${operation}`);
  }
}
