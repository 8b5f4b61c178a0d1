import { CloudError } from './errors.ts';
import type { TableModel } from './model.ts';

/** Creates the template's tables that the engine does not have yet, and compares the others with the template. */
export async function ensureTables(
  endpoint: string,
  region: string,
  tables: readonly TableModel[],
): Promise<void> {
  for (const table of tables) {
    const stored = await describeTable(endpoint, region, table.name);
    if (stored === undefined) {
      await call(endpoint, region, 'CreateTable', table.create);
    } else {
      compare(table, stored);
    }
    await ensureTtl(endpoint, region, table);
  }
}

type Description = Readonly<Record<string, unknown>>;

async function describeTable(
  endpoint: string,
  region: string,
  name: string,
): Promise<Description | undefined> {
  try {
    const { Table: table } = await call(endpoint, region, 'DescribeTable', { TableName: name });
    return table as Description;
  } catch (error) {
    if (error instanceof EngineError && error.type === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

async function ensureTtl(endpoint: string, region: string, table: TableModel): Promise<void> {
  const { TimeToLiveDescription: stored } = await call(endpoint, region, 'DescribeTimeToLive', {
    TableName: table.name,
  });
  const { TimeToLiveStatus: status, AttributeName: attribute } = (stored ?? {}) as Record<
    string,
    string | undefined
  >;
  const enabled = status === 'ENABLED' || status === 'ENABLING';
  if (table.ttlAttribute === (enabled ? attribute : undefined)) return;
  if (enabled) {
    await setTtl(endpoint, region, table.name, attribute ?? '', false);
  }
  if (table.ttlAttribute !== undefined) await setTtl(endpoint, region, table.name, table.ttlAttribute, true);
}

async function setTtl(
  endpoint: string,
  region: string,
  name: string,
  attribute: string,
  enabled: boolean,
): Promise<void> {
  await call(endpoint, region, 'UpdateTimeToLive', {
    TableName: name,
    TimeToLiveSpecification: { AttributeName: attribute, Enabled: enabled },
  });
}

/** Throws CloudError TABLE_DIFFERS, with both schemas, when keys or indexes are not those of the template. */
function compare(table: TableModel, stored: Description): void {
  const wanted = schemaText(table.create);
  const found = schemaText(stored);
  if (wanted === found) return;
  throw new CloudError(
    'TABLE_DIFFERS',
    `The stored table ${table.name} has another schema than the template (${table.logicalId}). Stored: ${found}. Template: ${wanted}.`,
    'Keys cannot be changed in place: start with another data folder, or delete this one (what it holds is lost).',
  );
}

/** Keys with their types, and the indexes, in one comparable line. */
function schemaText(description: Description): string {
  type Attribute = { AttributeName: string; AttributeType: string };
  type Key = { AttributeName: string; KeyType: string };
  type Index = { IndexName: string; KeySchema: Key[]; Projection?: { ProjectionType?: string } };
  const types = new Map(
    ((description.AttributeDefinitions ?? []) as Attribute[]).map((a) => [a.AttributeName, a.AttributeType]),
  );
  const keys = (schema: unknown): string =>
    ((schema ?? []) as Key[])
      .map((k) => `${k.AttributeName}:${types.get(k.AttributeName)}:${k.KeyType}`)
      .join(',');
  const indexes = (kind: string): string =>
    ((description[kind] ?? []) as Index[])
      .map((index) => `${index.IndexName}(${keys(index.KeySchema)} ${index.Projection?.ProjectionType})`)
      .toSorted()
      .join(' ');
  return `key(${keys(description.KeySchema)}) global[${indexes('GlobalSecondaryIndexes')}] local[${indexes('LocalSecondaryIndexes')}]`;
}

class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly type: string;

  constructor(operation: string, type: string, message: string) {
    super(`DynamoDB ${operation}: ${type}: ${message}`);
    this.type = type;
  }
}

async function call(
  endpoint: string,
  region: string,
  operation: string,
  input: unknown,
): Promise<Description> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20000101T000000Z',
      authorization: `AWS4-HMAC-SHA256 Credential=operator/20000101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) {
    const type = String(answer.__type ?? '')
      .split('#')
      .at(-1);
    const message = String(answer.message ?? answer.Message ?? JSON.stringify(answer));
    throw new EngineError(operation, type || `HTTP ${response.status}`, message);
  }
  return answer;
}
