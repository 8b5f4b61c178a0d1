import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ConfigError } from '../../config/config-error.ts';
import { environmentWithDotenv } from '../../config/dotenv.ts';
import { EnvironmentError, envInt, envText, readEnv } from '../../config/env.ts';
import { type LoadOptions, loadConfig } from '../../config/load.ts';
import { nearest } from '../../config/nearest.ts';
import { variables } from '../../config/overlay.ts';
import { stages } from '../../lib/events/stage.ts';
import { configKeys, renderConfigDocs } from '../helpers/render-config-docs.ts';

const dir = mkdtempSync(join(tmpdir(), 'evenkeel-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

const minimal = 'stage: paper\nstreamers:\n  - { name: main, account: DU1234567, symbols: [GC] }\n';

function load(yaml: string, options: Partial<LoadOptions> = {}) {
  const stage = options.stage ?? 'paper';
  writeFileSync(join(dir, `${stage}.yml`), yaml);
  return loadConfig({ env: {}, ...options, stage, dir });
}

function errorOf(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

function paths(error: ConfigError): string[] {
  return error.problems.map(({ path }) => path);
}

describe('stage files', () => {
  it.each(stages)('%s is valid', (stage) => {
    expect(loadConfig({ stage, env: {} }).stage).toBe(stage);
  });

  it('is the sandbox without a stage, never live', () => {
    expect(loadConfig({ env: {} }).stage).toBe('sandbox');
    expect(loadConfig({ env: { STAGE: '' } }).stage).toBe('sandbox');
    expect(loadConfig({ env: { STAGE: 'paper' } }).stage).toBe('paper');
    expect(loadConfig({ stage: 'sandbox', env: { STAGE: 'live' } }).stage).toBe('sandbox');
  });

  it('fills in the defaults, the gateway port by stage', () => {
    const config = load(minimal);
    expect(config.streamers[0]?.gateway).toEqual({
      host: '127.0.0.1',
      port: 4002,
      clientId: 1,
      maxRequestsPerSecond: 40,
      marketDataLines: 100,
      handshakeTimeoutMs: 10_000,
      probeIntervalMs: 30_000,
      probeTimeoutMs: 10_000,
      readOnlyApi: false,
      timeZone: 'America/New_York',
    });
    expect(config.resetWindows.map(({ name }) => name)).toEqual(['north-america', 'weekend']);
    const live = load(minimal.replace('paper', 'live').replace('DU', 'U'), { stage: 'live' });
    expect(live.streamers[0]?.gateway.port).toBe(4001);
  });

  it('takes each form of a symbol, digits as a conId', () => {
    const yaml = minimal.replace('[GC]', "[GC, '495512563', 265598, { localSymbol: SPY, secType: STK }]");
    expect(load(yaml).streamers[0]?.symbols).toEqual([
      'GC',
      495512563,
      265598,
      { localSymbol: 'SPY', secType: 'STK' },
    ]);
  });
});

describe('mistakes', () => {
  it('says that a file is missing', () => {
    const error = errorOf(() => loadConfig({ stage: 'live', env: {}, dir: join(dir, 'nowhere') }));
    expect(error.code).toBe('CONFIG_FILE_MISSING');
    expect(error.message).toContain(join(dir, 'nowhere', 'live.yml'));
  });

  it('says where a file is not YAML', () => {
    const error = errorOf(() => load('stage: paper\nstreamers: [\n'));
    expect(error.code).toBe('CONFIG_NOT_YAML');
    expect(error.message).toMatch(/paper\.yml:\d+:\d+/);
  });

  it.each(['', 'just text', '- a\n- list\n'])('refuses a file that holds %j', (yaml) => {
    expect(errorOf(() => load(yaml)).message).toContain('keys and values');
  });

  it('refuses a stage that does not exist, and lists those that do', () => {
    const error = errorOf(() => loadConfig({ stage: 'production', env: {} }));
    expect(error.code).toBe('CONFIG_STAGE_UNKNOWN');
    expect(error.message).toContain('"production"; allowed: one of: sandbox, paper, live');
  });

  it('refuses a file of another stage', () => {
    expect(errorOf(() => load(minimal.replace('paper', 'sandbox'))).message).toContain(
      'the file is that of stage paper',
    );
  });

  it('lists every problem, each with path, value and what is allowed', () => {
    const error = errorOf(() =>
      load(
        'stage: paper\nlogLevel: loud\nstreamers:\n  - name: Main Street\n    symbols: []\n    gateway: { port: 70000 }\ncandles: { graceMs: "2" }\n',
      ),
    );
    expect(
      error.message
        .split('\n')
        .slice(1)
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual([
      '  candles.graceMs is "2"; allowed: an integer from 0 to 60000',
      '  logLevel is "loud"; allowed: one of: debug, info, warn, error',
      '  streamers.0.account: is missing; allowed: an IB account, for example DU1234567',
      '  streamers.0.gateway.port is 70000; allowed: an integer from 1 to 65535',
      '  streamers.0.name is "Main Street"; allowed: kebab-case, for example main',
      '  streamers.0.symbols is []; allowed: at least one symbol',
    ]);
  });

  it.each([
    ['loglevel: info', 'loglevel', 'did you mean logLevel?'],
    ['candle: {}', 'candle', 'did you mean candles?'],
    ['candles: { grace_ms: 1 }', 'candles.grace_ms', 'did you mean graceMs?'],
    [
      'marketData: { tickSampling: { enable: true } }',
      'marketData.tickSampling.enable',
      'did you mean enabled?',
    ],
    ['shutdown: { fire: 1 }', 'shutdown.fire', 'known here: timeoutMs'],
  ])('refuses the unknown key in %j', (line, path, hint) => {
    const error = errorOf(() => load(`${minimal}${line}\n`));
    expect(error.problems).toEqual([{ path, allowed: `there is no such key; ${hint}` }]);
  });

  it('finds an unknown key inside a list', () => {
    const error = errorOf(() => load(minimal.replace('name:', 'clientID: 2, name:')));
    expect(paths(error)).toEqual(['streamers.0.clientID']);
    const nested = errorOf(() => load(minimal.replace('name:', 'gateway: { clientID: 2 }, name:')));
    expect(nested.message).toContain(
      'streamers.0.gateway.clientID: there is no such key; did you mean clientId?',
    );
  });

  it.each([
    ['paper', 4001, 'DU1', 'live port of IB Gateway'],
    ['paper', 7496, 'DU1', 'live port of TWS'],
    ['sandbox', 4001, 'DU1', 'live port of IB Gateway'],
    ['live', 4002, 'U1', 'paper port of IB Gateway'],
    ['live', 7497, 'U1', 'paper port of TWS'],
  ])('refuses stage %s on port %i', (stage, port, account, text) => {
    const yaml = `stage: ${stage}\nstreamers:\n  - { name: main, account: ${account}234567, symbols: [GC], gateway: { port: ${port} } }\n`;
    const error = errorOf(() => load(yaml, { stage }));
    expect(paths(error)).toEqual(['streamers.0.gateway.port']);
    expect(error.message).toContain(text);
  });

  it('refuses a paper account on stage live and a live one on stage paper', () => {
    expect(paths(errorOf(() => load(minimal.replace('DU', 'U'))))).toEqual(['streamers.0.account']);
    const live = errorOf(() => load(minimal.replace('paper', 'live'), { stage: 'live' }));
    expect(paths(live)).toEqual(['streamers.0.account']);
  });

  it.each([
    ['marketData: { drainAt: 20000 }', 'marketData.drainAt'],
    ['candles: { intervalMs: 70000 }', 'candles.intervalMs'],
    ['candles: { intervalMs: 2000 }', 'candles.graceMs'],
    ['candles: { correctionMs: 1000 }', 'candles.correctionMs'],
    ['reconnect: { firstMs: 61000 }', 'reconnect.firstMs'],
    ['lease: { ttlMs: 12000 }', 'lease.renewMs'],
    [
      'resetWindows: [{ name: x, timeZone: UTC, days: [mon], from: "01:00", to: "01:00" }]',
      'resetWindows.0.to',
    ],
    [
      'resetWindows: [{ name: x, timeZone: EST, days: [mon], from: "01:00", to: "02:00" }]',
      'resetWindows.0.timeZone',
    ],
    [
      'resetWindows: [{ name: x, timeZone: UTC, days: [monday], from: "01:00", to: "02:00" }]',
      'resetWindows.0.days.0',
    ],
    ['aws: { gatewayImage: "ghcr.io/gnzsnz/ib-gateway:stable" }', 'aws.gatewayImage'],
    ['aws: { streamerCpu: 2048 }', 'aws.streamerMemoryMiB'],
    ['aws: { gatewayImage: ghcr.io/gnzsnz/ib-gateway }', 'aws.gatewayImage'],
  ])('refuses %s', (line, path) => {
    expect(paths(errorOf(() => load(`${minimal}${line}\n`)))).toEqual([path]);
  });

  it.each([
    'ghcr.io/gnzsnz/ib-gateway:10.37.1n',
    `ghcr.io/gnzsnz/ib-gateway@sha256:${'a'.repeat(64)}`,
    `ghcr.io/gnzsnz/ib-gateway:stable@sha256:${'a'.repeat(64)}`,
    'registry.example:5000/desk/ib-gateway:7',
  ])('takes %s as a pinned image', (image) => {
    expect(load(`${minimal}aws: { gatewayImage: "${image}" }\n`).aws.gatewayImage).toBe(image);
  });

  it('refuses two streamers of one name, or with one client id on one gateway, and a symbol twice', () => {
    const second = '  - { name: main, account: DU7654321, symbols: [ES, ES] }\n';
    expect(paths(errorOf(() => load(minimal + second)))).toEqual([
      'streamers.1.name',
      'streamers.1.gateway.clientId',
      'streamers.1.symbols.1',
    ]);
  });

  it('refuses two streamers of one account: its lease has one holder', () => {
    const second =
      '  - { name: second, account: DU1234567, symbols: [ES], gateway: { host: gateway-2.example } }\n';
    expect(paths(errorOf(() => load(minimal + second)))).toEqual(['streamers.1.account']);
  });

  it('refuses more symbols than market data lines', () => {
    const yaml = minimal.replace('[GC]', '[GC, ES], gateway: { marketDataLines: 1 }');
    expect(paths(errorOf(() => load(yaml)))).toEqual(['streamers.0.symbols']);
  });
});

describe('variables of the environment', () => {
  const env = {
    IB_GATEWAY_HOST: 'ib-gateway',
    IB_GATEWAY_PORT: '7497',
    IB_CLIENT_ID: '9',
    IB_ACCOUNT: 'DU7654321',
    SYMBOLS: 'GC, 265598 ,ESZ5,',
    DB_PATH: '/data/outbox.db',
    HEALTH_PORT: '0',
    LOG_LEVEL: 'DEBUG',
    DISPLAY_TIME_ZONE: 'Europe/London',
  };

  it('lie on top of the file', () => {
    const config = load(minimal, { env });
    expect(config).toMatchObject({
      logLevel: 'debug',
      displayTimeZone: 'Europe/London',
      streamers: [
        {
          account: 'DU7654321',
          gateway: { host: 'ib-gateway', port: 7497, clientId: 9 },
          symbols: ['GC', 265598, 'ESZ5'],
          dbPath: '/data/outbox.db',
          health: { port: 0 },
        },
      ],
    });
    expect(Object.keys(env).toSorted((a, b) => a.localeCompare(b))).toEqual(
      variables.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b)),
    );
  });

  it('do nothing when empty, as in a fresh copy of .env.template', () => {
    const template = readFileSync(new URL('../../.env.template', import.meta.url), 'utf8');
    writeFileSync(join(dir, '.env'), template);
    const read = environmentWithDotenv(dir, {});
    expect(Object.keys(read)).toEqual(expect.arrayContaining(Object.keys(env)));
    expect(load(minimal, { env: read })).toEqual(load(minimal));
  });

  it('are named in the error that they cause', () => {
    const error = errorOf(() => load(minimal, { env: { IB_CLIENT_ID: 'one', SYMBOLS: ' , ' } }));
    expect(error.message).toContain('streamers.0.gateway.clientId (from IB_CLIENT_ID) is "one"');
    expect(error.message).toContain('streamers.0.symbols (from SYMBOLS) is []');
  });

  it('of the process win over .env, and a missing .env is none', () => {
    writeFileSync(join(dir, '.env'), 'IB_CLIENT_ID=3\nIB_ACCOUNT=DU3333333\n');
    expect(environmentWithDotenv(dir, { IB_CLIENT_ID: '4' })).toEqual({
      IB_CLIENT_ID: '4',
      IB_ACCOUNT: 'DU3333333',
    });
    expect(environmentWithDotenv(join(dir, 'nowhere'), { A: '1' })).toEqual({ A: '1' });
  });
});

describe('documentation', () => {
  it('docs/configuration.md is what the schema says', async () => {
    await expect(renderConfigDocs()).toMatchFileSnapshot('../../docs/configuration.md');
  });

  it('says of every key what it means and what is allowed', () => {
    const keys = configKeys();
    expect(keys.length).toBeGreaterThan(60);
    expect(keys.filter(({ allowed, meaning }) => allowed === '' || meaning === '')).toEqual([]);
  });
});

describe('nearest', () => {
  it('finds a close key and nothing for a far one', () => {
    expect(nearest('clientID', ['clientId', 'port'])).toBe('clientId');
    expect(nearest('prot', ['clientId', 'port'])).toBe('port');
    expect(nearest('wholly-else', ['clientId', 'port'])).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});

describe('readEnv', () => {
  const shape = { TABLE: envText(), DAYS: envInt(1, 10), MODE: z.enum(['a', 'b']).default('a') };

  it('gives checked and converted values', () => {
    expect(readEnv(shape, { TABLE: 't', DAYS: '7', OTHER: 'x' })).toEqual({ TABLE: 't', DAYS: 7, MODE: 'a' });
  });

  it('names every variable that is missing or wrong', () => {
    try {
      readEnv(shape, { DAYS: '70' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(EnvironmentError);
      expect((error as EnvironmentError).variables).toEqual(['TABLE', 'DAYS']);
      expect((error as Error).message).toContain('TABLE is missing');
      expect((error as Error).message).toContain('DAYS is "70"; it must be an integer from 1 to 10');
    }
  });
});
