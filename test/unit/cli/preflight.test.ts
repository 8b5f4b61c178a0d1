import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lookForDocker } from '../../../bin/evenkeel/docker.ts';
import { preflight } from '../../../bin/evenkeel/preflight.ts';
import type { StagePorts } from '../../../bin/evenkeel/stage-ports.ts';
import { loadConfig } from '../../../config/load.ts';
import { MemorySecrets } from '../../helpers/memory-secrets.ts';
import { runOnStage } from '../../helpers/stage-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-preflight-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const yours = { account: '111122223333', arn: 'arn:aws:iam::111122223333:user/a', clockSkewMs: 0 };
const docker = async () => ({ program: 'docker', version: '28.2.2', problem: '' });
const goodLogin = { TWS_USERID: 'trader77', TWS_PASSWORD: 'Tr0ub4dor&3' };

interface World {
  readonly account: string;
  readonly aws?: string;
  readonly gateway?: string;
  readonly login?: Readonly<Record<string, string>> | undefined;
  readonly bootstrapped?: 'yes' | 'no' | 'unknown';
  readonly identity?: () => Promise<typeof yours>;
  readonly accountId?: string;
}

function sessionOf(world: World) {
  writeFileSync(
    join(folder, 'paper.yml'),
    [
      'stage: paper',
      'streamers:',
      `  - { name: main, account: ${world.account}, symbols: [GC], gateway: ${world.gateway ?? '{ port: 4002 }'} }`,
      `aws: ${world.aws ?? '{ region: eu-north-1 }'}`,
    ].join('\n'),
  );
  const loaded = loadConfig({ stage: 'paper', env: {}, dir: folder });
  const config =
    world.accountId === undefined
      ? loaded
      : { ...loaded, aws: { ...loaded.aws, accountId: world.accountId } };
  const secrets = new MemorySecrets();
  if (world.login !== undefined) secrets.values.set('evenkeel-paper-gateway-main', world.login);
  const ports: Partial<StagePorts> = {
    identity: { whoAmI: world.identity ?? (async () => yours) },
    deployment: {
      region: async () => config.aws.region ?? 'eu-west-1',
      bootstrapped: async () => world.bootstrapped ?? 'yes',
    },
    secrets,
  };
  return { stage: 'paper' as const, dataDir: undefined, config, ports: ports as StagePorts };
}

async function look(world: World, engine = docker) {
  const { ok, findings } = await preflight(sessionOf(world), engine);
  const by = (check: string) => findings.filter((one) => one.check === check);
  return { ok, findings, by };
}

describe('preflight', () => {
  it('an account that is ready: nothing to do', async () => {
    const { ok, findings } = await look({ account: 'DU7654321', login: goodLogin, accountId: yours.account });
    expect(ok).toBe(true);
    expect(findings.map(({ check, state }) => `${check} ${state}`)).toEqual([
      'configuration ok',
      'credentials ok',
      'clock ok',
      'aws account ok',
      'region ok',
      'secret ok',
      'secret ok',
      'cdk bootstrap ok',
      'docker ok',
    ]);
    expect(findings.every(({ advice }) => advice === '')).toBe(true);
  });

  it('a missing secret: what ECS would do, and the command that makes it', async () => {
    const { ok, by } = await look({ account: 'DU7654321' });
    expect(ok).toBe(false);
    expect(by('secret')[0]).toEqual({
      check: 'secret',
      state: 'problem',
      message:
        'evenkeel-paper-gateway-main is not there (login of IB Gateway for DU7654321): ECS would not start the task (ResourceInitializationError)',
      advice: 'npm run ops -- secrets set gateway-main --stage paper',
    });
    // Alert channels are a choice.
    expect(by('secret')[1]?.state).toBe('ok');
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['a key that is missing', { TWS_USERID: 'trader77' }, 'TWS_PASSWORD is missing'],
    ['an empty value', { ...goodLogin, TWS_PASSWORD: ' ' }, 'TWS_PASSWORD is empty'],
    [
      'the placeholder of an example',
      { TWS_USERID: '...', TWS_PASSWORD: 'changeme' },
      'TWS_USERID is a placeholder, TWS_PASSWORD is a placeholder',
    ],
  ])('a secret with %s', async (_what, login, words) => {
    const { by } = await look({ account: 'DU7654321', login });
    expect(by('secret')[0]).toMatchObject({
      state: 'problem',
      message: `evenkeel-paper-gateway-main: ${words}`,
      advice: 'Write it anew: npm run ops -- secrets set gateway-main --stage paper',
    });
  });

  it("the example's account, and a region that only the environment says", async () => {
    const { by } = await look({ account: 'DU1234567', login: goodLogin, aws: '{}' });
    expect(by('configuration')[0]).toMatchObject({
      state: 'problem',
      advice: expect.stringContaining('config/paper.yml'),
    });
    expect(by('region')[0]).toMatchObject({
      state: 'warning',
      advice: 'Set aws.region: eu-west-1 in config/paper.yml.',
    });
    expect(by('aws account')[0]).toMatchObject({ state: 'warning' });
  });

  it('credentials of another account: nothing else is looked at there', async () => {
    const { ok, by } = await look({ account: 'DU7654321', login: goodLogin, accountId: '999988887777' });
    expect(ok).toBe(false);
    expect(by('aws account')[0]).toMatchObject({
      state: 'problem',
      message: 'these credentials are of 111122223333, and the configuration says 999988887777',
      advice: expect.stringContaining('AWS_PROFILE'),
    });
    expect([by('secret')[0]?.state, by('cdk bootstrap')[0]?.state]).toEqual(['skipped', 'skipped']);
  });

  it('no credentials: what rests on them is skipped, Docker is looked at all the same', async () => {
    const identity = async () => {
      throw Object.assign(new Error('Could not load'), { name: 'CredentialsProviderError' });
    };
    const { ok, findings, by } = await look({ account: 'DU7654321', identity });
    expect(ok).toBe(false);
    expect(by('credentials')[0]?.message).toContain('CREDENTIALS_MISSING');
    expect(findings.filter(({ state }) => state === 'skipped').map(({ check }) => check)).toEqual([
      'aws account',
      'region',
      'secret',
      'cdk bootstrap',
    ]);
    expect(by('docker')[0]?.state).toBe('ok');
  });

  it('a region that is not bootstrapped, and one that cannot be seen', async () => {
    const world = { account: 'DU7654321', login: goodLogin };
    expect((await look({ ...world, bootstrapped: 'no' })).by('cdk bootstrap')[0]).toMatchObject({
      state: 'problem',
      advice: 'npx cdk bootstrap -c stage=paper aws://111122223333/eu-north-1',
    });
    expect((await look({ ...world, bootstrapped: 'unknown' })).by('cdk bootstrap')[0]?.state).toBe('warning');
  });

  it('a gateway of your own needs no login here', async () => {
    const { ok, by } = await look({ account: 'DU7654321', gateway: '{ host: gw.desk.se, port: 4002 }' });
    expect(ok).toBe(true);
    expect(by('secret')).toHaveLength(1);
    expect(by('configuration')[0]?.message).toContain('gateway of your own at gw.desk.se');
  });

  it('a sandbox on this machine needs nothing prepared', async () => {
    const session = { ...sessionOf({ account: 'DU7654321' }), dataDir: '.evenkeel/sandbox' };
    await expect(preflight(session, docker)).rejects.toMatchObject({ code: 'PREFLIGHT_OF_SANDBOX' });
  });
});

describe('bad input is refused with what to do, before anything is asked', () => {
  it.each([
    [
      'a live port with a paper account',
      'paper',
      { account: 'DU7654321', gateway: '{ port: 4001 }' },
      ['streamers.0.gateway.port is 4001', 'for it use 4002 (IB Gateway) or 7497 (TWS)'],
    ],
    [
      'a paper stage with the live port of TWS',
      'paper',
      { account: 'DU7654321', gateway: '{ port: 7496 }' },
      ['that is the live port of TWS'],
    ],
    [
      'an account that does not match the stage',
      'paper',
      { account: 'U7654321' },
      ['streamers.0.account is U7654321', 'use one that begins with D'],
    ],
  ])('%s', async (_what, _stage, world, words) => {
    try {
      sessionOf(world);
    } catch {
      // The file lies there now; the program has to find the same.
    }
    const env = { EVENKEEL_CONFIG_DIR: folder };
    const { code, err } = await runOnStage({}, ['preflight', '--stage', 'paper'], { env });
    expect(code).toBe(2);
    expect(err).toContain('CONFIG_INVALID');
    for (const each of words) expect(err).toContain(each);
  });
});

describe('looking for Docker', () => {
  function program(name: string, script: string): string {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  it('an engine that answers, one that does not run, a program that is not there', async () => {
    const engine = program('docker', 'echo 28.2.2');
    expect(await lookForDocker({ CDK_DOCKER: engine })).toEqual({
      program: engine,
      version: '28.2.2',
      problem: '',
    });
    const dead = program('podman', 'echo "Cannot connect to the Docker daemon" >&2; exit 1');
    expect(await lookForDocker({ CDK_DOCKER: dead })).toMatchObject({
      version: undefined,
      problem: 'Cannot connect to the Docker daemon',
    });
    const missing = join(folder, 'nowhere');
    expect(await lookForDocker({ CDK_DOCKER: missing, PATH: `/bin${delimiter}/usr/bin` })).toMatchObject({
      problem: 'it is not installed',
    });
  });
});
