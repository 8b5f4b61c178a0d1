import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { unlogged } from '../../lib/aws/unlogged.ts';

const binary = fileURLToPath(new URL('../../node_modules/@dynoxide/linux-x64/dynoxide', import.meta.url));

/** The engine comes as an optional dependency for Linux on x64. */
export const engineIsHere = process.platform === 'linux' && process.arch === 'x64' && existsSync(binary);

export const whenNoEngine = 'needs the dynoxide engine (@dynoxide/linux-x64), which is not here';

export interface DynamoEngine {
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  /** A table with the keys `pk` and `sk`. */
  createTable(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** A DynamoDB engine in memory on a free port. */
export async function startDynamoEngine(): Promise<DynamoEngine> {
  const port = await freePort();
  const engine = spawn(binary, ['--host', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' });
  const exited = once(engine, 'exit');
  await untilListening(port, engine);
  const endpoint = `http://127.0.0.1:${port}`;
  const client = unlogged(
    new DynamoDBClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    }),
  );
  return {
    endpoint,
    client,
    async createTable(name) {
      await client.send(
        new CreateTableCommand({
          TableName: name,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'S' },
          ],
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
        }),
      );
    },
    async stop() {
      client.destroy();
      engine.kill('SIGKILL');
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the free port has no number');
  return address.port;
}

async function untilListening(port: number, engine: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (engine.exitCode !== null)
      throw new Error(`dynoxide ended with ${engine.exitCode} before it listened on ${port}`);
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await sleep(25);
  }
  engine.kill('SIGKILL');
  throw new Error(`dynoxide did not listen on ${port} within 5 s`);
}

/** Everything that an async iterable yields. */
export async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}
