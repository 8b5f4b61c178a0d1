/** Tables for the soak: the engine in memory where it is here, else what the sandbox runs on. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startDynamoDb } from '../../sandbox/cloud/dynamodb-engine.ts';
import { engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';

export interface Engine {
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  stop(): Promise<void>;
}

export async function startEngine(folder: string, names: readonly string[]): Promise<Engine> {
  if (engineIsHere) {
    const engine = await startDynamoEngine();
    for (const name of names) await engine.createTable(name);
    return engine;
  }
  const engine = await startDynamoDb({ dataDir: folder });
  const { endpoint } = engine;
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'soak', secretAccessKey: 'soak' },
  });
  for (const TableName of names) {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S' as const,
        })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
  }
  return {
    endpoint,
    client,
    stop: async () => {
      client.destroy();
      await engine.stop();
    },
  };
}
