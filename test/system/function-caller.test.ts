import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callPatience, LambdaCaller } from '../../lib/aws/function-caller.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { fixtureTemplate, names, STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';

const { folder, remove } = temporaryFolder();
let cloud: LocalCloud;

beforeAll(async () => {
  cloud = await startCloud({
    assembly: writeAssembly(folder, fixtureTemplate()),
    stack: STACK,
    dataDir: `${folder}/data`,
  });
});

afterAll(async () => {
  await cloud?.stop();
  remove();
});

function callerAt(endpoint: string, requestTimeout: number = callPatience.requestTimeout): LambdaCaller {
  return new LambdaCaller(
    new LambdaClient({
      endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
      maxAttempts: 1,
      requestHandler: { ...callPatience, requestTimeout },
    }),
  );
}

describe('calling a function', () => {
  it('gives what it answers', async () => {
    const answer = await callerAt(cloud.endpoint).call(names.worker, { a: [1, 'ü', null] });
    expect(answer).toMatchObject({ name: names.worker, event: { a: [1, 'ü', null] } });
  });

  it('gives its error with what it said', async () => {
    await expect(
      callerAt(cloud.endpoint).call(names.worker, { do: 'throw', message: 'NO_ROOM: The bucket is full.' }),
    ).rejects.toMatchObject({
      name: 'FunctionFailedError',
      functionName: names.worker,
      errorType: 'RangeError',
      said: 'NO_ROOM: The bucket is full.',
    });
  });

  it('tells a function that ran out of time from one that said something', async () => {
    await expect(callerAt(cloud.endpoint).call(names.worker, { do: 'hang' })).rejects.toMatchObject({
      name: 'FunctionFailedError',
      errorType: 'Sandbox.Timedout',
      said: expect.stringContaining('Task timed out after 1.00 seconds'),
    });
  });

  it('of a stage that does not have it', async () => {
    await expect(callerAt(cloud.endpoint).call('evenkeel-sandbox-nothing', {})).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

describe('a connection that ends before the answer', () => {
  async function served(
    onRequest: Parameters<typeof createServer>[1],
    work: (at: string) => Promise<void>,
  ): Promise<void> {
    const server: Server = createServer(onRequest as never);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  let calls = 0;
  const hangUp: Parameters<typeof createServer>[1] = ((request: { socket: { destroy(): void } }) => {
    calls += 1;
    request.socket.destroy();
  }) as never;

  it('is lost, and is not called a second time', async () => {
    await served(hangUp, async (at) => {
      await expect(callerAt(at).call('evenkeel-paper-backup', {})).rejects.toMatchObject({
        code: 'CALL_LOST',
        functionName: 'evenkeel-paper-backup',
        message: expect.stringContaining('It may still run'),
      });
    });
    expect(calls).toBe(1);
  });

  it('is lost where the answer takes longer than a function may', async () => {
    await served((() => undefined) as never, async (at) => {
      await expect(callerAt(at, 50).call('evenkeel-paper-backup', {})).rejects.toMatchObject({
        code: 'CALL_LOST',
      });
    });
  });

  it('is not lost where nobody listens: nothing began', async () => {
    let at = '';
    await served(hangUp, async (url) => {
      at = url;
    });
    await expect(callerAt(at).call('evenkeel-paper-backup', {})).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
});
