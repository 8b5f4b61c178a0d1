/** CreateTable, DescribeTable, DeleteTable and ListTables: a table is there as soon as it is made. */
import type {
  CreateTableCommandInput,
  CreateTableCommandOutput,
  DeleteTableCommandInput,
  DeleteTableCommandOutput,
  DescribeTableCommandInput,
  DescribeTableCommandOutput,
  KeySchemaElement,
  ListTablesCommandInput,
  ListTablesCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { compareText } from './attribute-values.ts';
import { MemoryDynamoDbError, tableInUse, tableNotFound } from './dynamodb-errors.ts';
import { checkParameters } from './parameters.ts';
import { answered, type Store } from './store.ts';
import type { IndexSchema, KeyNames } from './table-schema.ts';

const namesMax = 100;

export function createTable(store: Store, input: CreateTableCommandInput): CreateTableCommandOutput {
  checkParameters('CreateTable', input);
  const { TableName: name = '', KeySchema, AttributeDefinitions = [], GlobalSecondaryIndexes = [] } = input;
  if (store.tables.has(name)) throw tableInUse(name);
  const other = AttributeDefinitions.find(({ AttributeType }) => AttributeType !== 'S');
  if (other !== undefined) throw new MemoryDynamoDbError(`keys of the type ${other.AttributeType}`);
  const indexes = GlobalSecondaryIndexes.map(
    ({ IndexName = '', KeySchema: keys, Projection }): IndexSchema => {
      const projection = Projection?.ProjectionType;
      if (projection !== 'ALL' && projection !== 'KEYS_ONLY')
        throw new MemoryDynamoDbError(`an index with the projection ${projection}`);
      return { name: IndexName, ...keysOf(keys), projection };
    },
  );
  store.createTable(name, { key: keysOf(KeySchema), indexes });
  return { $metadata: answered, TableDescription: { TableName: name, TableStatus: 'CREATING' } };
}

function keysOf(schema: readonly KeySchemaElement[] = []): KeyNames {
  const name = (type: string) => schema.find(({ KeyType }) => KeyType === type)?.AttributeName;
  const [partition, sort] = [name('HASH'), name('RANGE')];
  if (partition === undefined || sort === undefined)
    throw new MemoryDynamoDbError('a table or an index without a partition and a sort key');
  return { partition, sort };
}

export function describeTable(store: Store, input: DescribeTableCommandInput): DescribeTableCommandOutput {
  checkParameters('DescribeTable', input);
  const { TableName: name = '' } = input;
  if (!store.tables.has(name)) throw tableNotFound(name);
  return { $metadata: answered, Table: { TableName: name, TableStatus: 'ACTIVE' } };
}

export function deleteTable(store: Store, input: DeleteTableCommandInput): DeleteTableCommandOutput {
  checkParameters('DeleteTable', input);
  const { TableName: name = '' } = input;
  if (!store.tables.delete(name)) throw tableNotFound(name);
  return { $metadata: answered, TableDescription: { TableName: name, TableStatus: 'DELETING' } };
}

export function listTables(store: Store, input: ListTablesCommandInput): ListTablesCommandOutput {
  checkParameters('ListTables', input);
  const { ExclusiveStartTableName: start, Limit: limit = namesMax } = input;
  const all = [...store.tables.keys()]
    .filter((name) => start === undefined || compareText(name, start) > 0)
    .sort(compareText);
  const TableNames = all.slice(0, limit);
  const last = all.length > limit ? TableNames.at(-1) : undefined;
  return { $metadata: answered, TableNames, ...(last === undefined ? {} : { LastEvaluatedTableName: last }) };
}
