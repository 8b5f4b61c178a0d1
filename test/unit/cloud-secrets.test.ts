import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecretsManagerStore } from '../../lib/aws/secret-store.ts';
import { filled } from '../../lib/domain/safety/placeholder.ts';
import { ServiceError, writeError } from '../../sandbox/cloud/aws-errors.ts';
import { SECRETS_OPERATIONS, Secrets } from '../../sandbox/cloud/secrets.ts';

const place = { secrets: [], region: 'eu-west-1', account: '000000000000' };
const password = 'Tr0ub4dor&3';
const name = 'evenkeel-paper-gateway-main';

let folder: string;
let secrets: Secrets;
let server: Server;
let client: SecretsManagerClient;
let clockMs: number;
/** What the service answers instead, once. */
let instead: ServiceError | undefined;
let operations: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-secrets-'));
  clockMs = Date.UTC(2026, 0, 5, 15);
  secrets = new Secrets(place, folder, () => clockMs);
  operations = [];
  instead = undefined;
  server = createServer((request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    operations.push(operation);
    void json(request).then((body) => {
      try {
        const refusal = instead;
        instead = undefined;
        if (refusal !== undefined) throw refusal;
        const answer = JSON.stringify(secrets.answer(operation, body as Record<string, unknown>));
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(answer);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        writeError(response, 'secretsmanager', error, 'request');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = new SecretsManagerClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
  });
});

afterEach(async () => {
  client.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  rmSync(folder, { recursive: true, force: true });
});

const create = (value = '{"a":"1"}', Name = name) =>
  client.send(new CreateSecretCommand({ Name, SecretString: value }));

describe('Secrets Manager of the local cloud', () => {
  it('makes a secret, gives it a new value, and says when', async () => {
    const { ARN, VersionId } = await create();
    expect(ARN).toBe(`arn:aws:secretsmanager:eu-west-1:000000000000:secret:${name}-Local0`);
    clockMs += 60_000;
    const put = await client.send(new PutSecretValueCommand({ SecretId: ARN, SecretString: '{"a":"2"}' }));
    expect(put.VersionStages).toEqual(['AWSCURRENT']);
    expect(put.VersionId).not.toBe(VersionId);
    for (const SecretId of [name, ARN, ARN?.slice(0, -7)]) {
      const got = await client.send(new GetSecretValueCommand({ SecretId }));
      expect(got).toMatchObject({ Name: name, SecretString: '{"a":"2"}', VersionId: put.VersionId });
    }
    const described = await client.send(new DescribeSecretCommand({ SecretId: name }));
    expect(described.CreatedDate).toEqual(new Date(Date.UTC(2026, 0, 5, 15)));
    expect(described.LastChangedDate).toEqual(new Date(Date.UTC(2026, 0, 5, 15, 1)));
    expect(described).not.toHaveProperty('SecretString');
  });

  it('keeps them over a restart, in files that only their owner reads', async () => {
    await create();
    const again = new Secrets(place, folder);
    expect(again.get(name)).toBe('{"a":"1"}');
    expect(again.answer('DescribeSecret', { SecretId: name })).toMatchObject({
      CreatedDate: Date.UTC(2026, 0, 5, 15) / 1000,
    });
    for (const file of ['secrets.json', 'secret-versions.json'])
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'secret-versions.json'), 'utf8')).not.toContain('"a"');
  });

  it('lists by the beginning of the name, in pages', async () => {
    for (const each of ['evenkeel-paper-b', 'evenkeel-live-a', 'evenkeel-paper-a']) {
      clockMs += 1_000;
      await create('{"a":"1"}', each);
    }
    const list = (input: object) =>
      client.send(
        new ListSecretsCommand({ Filters: [{ Key: 'name', Values: ['evenkeel-paper-'] }], ...input }),
      );
    const first = await list({ MaxResults: 1 });
    expect(first.SecretList?.map((one) => one.Name)).toEqual(['evenkeel-paper-a']);
    const second = await list({ MaxResults: 1, NextToken: first.NextToken });
    expect(second.SecretList?.map((one) => one.Name)).toEqual(['evenkeel-paper-b']);
    expect(second.NextToken).toBeUndefined();
    await expect(list({ MaxResults: 101 })).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(list({ Filters: [{ Key: 'all', Values: ['x'] }] })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 501 },
    });
  });

  it('refuses what the service refuses', async () => {
    await create();
    await expect(create('{"a":"2"}')).rejects.toMatchObject({ name: 'ResourceExistsException' });
    await expect(create('{}', 'a name')).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(create('')).rejects.toMatchObject({ name: 'InvalidRequestException' });
    await expect(create('x'.repeat(65_537), 'large')).rejects.toMatchObject({ name: 'ValidationException' });
    for (const command of [
      new PutSecretValueCommand({ SecretId: 'nowhere', SecretString: '{}' }),
      new PutSecretValueCommand({ SecretId: `${name}x`, SecretString: '{}' }),
    ])
      await expect(client.send(command)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(
      client.send(new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSPREVIOUS' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(() => secrets.answer('CreateSecret', { Name: 'b', SecretString: '{}' })).toThrow(
      'ClientRequestToken must be 32-64 characters long',
    );
    expect(() => secrets.answer('CreateSecret', { Name: 'b', SecretString: '{}', KmsKeyId: 'k' })).toThrow(
      'does not have the parameter KmsKeyId',
    );
  });

  it('the same request again changes nothing; another value under its token is refused', async () => {
    await create();
    const ClientRequestToken = 'a'.repeat(36);
    const put = (SecretString: string) =>
      client.send(new PutSecretValueCommand({ SecretId: name, SecretString, ClientRequestToken }));
    await put('{"a":"2"}');
    clockMs += 1_000;
    await put('{"a":"2"}');
    expect(secrets.answer('DescribeSecret', { SecretId: name })).toMatchObject({
      LastChangedDate: (clockMs - 1_000) / 1000,
    });
    await expect(put('{"a":"3"}')).rejects.toMatchObject({ name: 'ResourceExistsException' });
    expect(secrets.get(name)).toBe('{"a":"2"}');
  });

  it('names the permission and the ARN that each operation needs', () => {
    const arn = `arn:aws:secretsmanager:eu-west-1:000000000000:secret:${name}-Local0`;
    const needs = (operation: string, input: object) =>
      secrets.access(operation, input as Record<string, unknown>);
    for (const operation of SECRETS_OPERATIONS) {
      const input = operation === 'CreateSecret' ? { Name: name } : { SecretId: name };
      const resource = operation === 'ListSecrets' ? '*' : arn;
      expect(needs(operation, input)).toEqual([{ action: `secretsmanager:${operation}`, resource }]);
    }
    expect(needs('CreateSecret', { Name: name, Tags: [{ Key: 'a', Value: 'b' }] })).toHaveLength(2);
  });
});

describe('the store over it', () => {
  const store = () => new SecretsManagerStore(client);

  it('makes a secret, changes it, keeps other keys only when told so', async () => {
    expect(await store().write(name, { a: { url: 'x1' } }, true)).toBe('created');
    expect(await store().write(name, { b: { url: 'x2' } }, true)).toBe('changed');
    expect(JSON.parse(secrets.get(name))).toEqual({ a: { url: 'x1' }, b: { url: 'x2' } });
    await store().write(name, { c: 'x3' }, false);
    expect(JSON.parse(secrets.get(name))).toEqual({ c: 'x3' });
  });

  it('looks at a secret without giving a value away', async () => {
    await store().write(name, { TWS_USERID: 'trader77', TWS_PASSWORD: '...' }, false);
    await create('no json', 'evenkeel-paper-text');
    const facts = await store().list('evenkeel-paper-');
    expect(facts).toEqual([
      {
        name,
        changedAtMs: clockMs,
        keys: [
          { name: 'TWS_USERID', state: 'filled' },
          { name: 'TWS_PASSWORD', state: 'placeholder' },
        ],
        problem: '',
      },
      {
        name: 'evenkeel-paper-text',
        changedAtMs: clockMs,
        keys: undefined,
        problem: 'its value is no JSON object',
      },
    ]);
    expect(JSON.stringify(facts)).not.toContain('trader77');
    expect(await store().look('evenkeel-paper-nothing')).toBeUndefined();
  });

  it('a list is of use to somebody who may not read the values', async () => {
    await create();
    const listed = store().list('evenkeel-paper-');
    // The list has been answered by the time its secret is asked for.
    while (!operations.includes('ListSecrets')) await new Promise((wake) => void setTimeout(wake, 1));
    instead = new ServiceError('AccessDeniedException', 'not authorized to perform: GetSecretValue');
    expect(await listed).toMatchObject([{ keys: undefined, problem: 'you may not read it' }]);
  });

  it('somebody else made it in between: ours is the later word', async () => {
    const writing = store().write(name, { a: '2' }, false);
    while (!operations.includes('PutSecretValue')) await new Promise((wake) => void setTimeout(wake, 1));
    secrets.answer('CreateSecret', { Name: name, SecretString: '{}', ClientRequestToken: 'b'.repeat(32) });
    expect(await writing).toBe('changed');
    expect(secrets.get(name)).toBe('{"a":"2"}');
  });

  it('a secret that is being deleted keeps its name: how to take it back', async () => {
    instead = new ServiceError(
      'InvalidRequestException',
      'You can’t perform this operation on the secret because it was marked for deletion.',
    );
    await expect(store().write(name, { a: '1' }, false)).rejects.toMatchObject({
      code: 'SECRET_BEING_DELETED',
      message: expect.stringContaining(`aws secretsmanager restore-secret --secret-id ${name}`),
    });
  });

  it('an error that repeats the value loses it on the way', async () => {
    instead = new ServiceError('ValidationException', `Value '${password}' is not allowed`);
    const error = (await store()
      .write(name, { login: { TWS_PASSWORD: password } }, false)
      .catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toBe("Value '***' is not allowed");
    expect(error.stack).not.toContain(password);
  });

  it('more than the service keeps, and a value that is no JSON, are refused before anything is sent', async () => {
    await expect(store().write(name, { a: 'x'.repeat(65_536) }, false)).rejects.toMatchObject({
      code: 'SECRET_TOO_LARGE',
    });
    expect(operations).toEqual([]);
    await create('plain');
    await expect(store().write(name, { a: '1' }, true)).rejects.toMatchObject({ code: 'SECRET_NOT_JSON' });
    expect(secrets.get(name)).toBe('plain');
  });
});

describe('placeholders', () => {
  it.each([
    '...',
    '<password>',
    'changeme',
    'your-user',
    'TODO',
    '$TWS_PASSWORD',
    'xxxx',
    'https://example.com/x',
  ])('%s is one', (text) => expect(filled(text)).toBe('placeholder'));
  it.each(['trader77', 'Tr0ub4dor&3', 'https://hooks.slack.com/services/T0/B0/x', 'passw0rd!'])(
    '%s is none',
    (text) => expect(filled(text)).toBe('filled'),
  );
  it('an object is as bad as the worst of its values', () => {
    expect(filled({ url: 'https://a.se/b', key: 'k1' })).toBe('filled');
    expect(filled({ url: 'https://a.se/b', key: '...' })).toBe('placeholder');
    expect(filled({ url: '', key: '...' })).toBe('empty');
    expect(filled({})).toBe('empty');
  });
});
