import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultInput, type Gateway, startGateway } from '../../sandbox/gateway/index.ts';
import { cleanFolders, scratchFolder } from '../helpers/desk-runs.ts';
import { type Ended, programEnvironment, run } from '../helpers/programs.ts';

/** Bad input gets a message that says what, where and what to do, a non-zero exit, and nothing is left behind. */
const HEADER = 'time_ms,symbol,price,size\n';

let folder: string;
let folders = 0;

beforeAll(() => {
  folder = scratchFolder();
});
afterAll(cleanFolders);

function tape(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return file;
}

function streamerEnv(port: number, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    IB_GATEWAY_HOST: '127.0.0.1',
    IB_GATEWAY_PORT: String(port),
    SYMBOLS: 'GCZ5',
    DB_PATH: join(folder, `${Math.round(performance.now() * 1000)}.db`),
    ...more,
  };
}

function expectRefused(ended: Ended, ...words: readonly (string | RegExp)[]): void {
  const said = ended.stderr + ended.stdout;
  expect(ended.code, said).not.toBe(0);
  expect(ended.code, said).not.toBeNull();
  for (const word of words) expect(said).toMatch(word);
  expect(said, 'no stack trace for an expected failure').not.toMatch(/\n\s+at .*\.ts:\d+/);
}

describe.concurrent('bad input: tapes', () => {
  const commands = [
    ['replay', 'bin/replay.ts', ['--out', 'OUT']],
    ['gateway', 'sandbox/gateway/main.ts', ['--port', '0']],
    ['sandbox', 'bin/sandbox.ts', ['--data', 'DATA']],
  ] as const;
  for (const [name, program, args] of commands) {
    const call = (file: string): Promise<Ended> => {
      folders += 1;
      const own = join(folder, `${name}-${folders}`);
      return run(program, ['--tape', file, ...args.map((arg) => arg.replace(/^(OUT|DATA)$/, () => own))]);
    };

    it(`${name}: a malformed row names file, line and column`, async () => {
      const file = tape(
        `${name}-malformed.csv`,
        `${HEADER}1381104000000,GCZ5,1313.7,1\n1381104001000,GCZ5,13x3.7,1\n`,
      );
      expectRefused(await call(file), `${name}-malformed.csv`, ':3:20', 'price', '13x3.7');
    });

    it(`${name}: a tape out of order beyond the grace names both lines`, async () => {
      const file = tape(`${name}-order.csv.gz`, `${HEADER}1381104010000,GCZ5,1,1\n1381104007000,GCZ5,1,1\n`);
      expectRefused(await call(file), `${name}-order.csv.gz`, /3/, /2/, /order/i);
    });

    it(`${name}: a tape that is not there`, async () => {
      expectRefused(await call(join(folder, 'nowhere.csv')), 'nowhere.csv');
    });
  }
});

describe.concurrent('bad input: configuration', () => {
  it('an unknown key is named by its path, with what is allowed', async () => {
    const dir = join(folder, 'config-bad');
    mkdirSync(dir, { recursive: true });
    writeFileSync(
      join(dir, 'sandbox.yml'),
      'stage: sandbox\nstreamers:\n  - name: main\n    account: DU1234567\n    symbols: [GC]\n    gateway: { prot: 4002 }\ncandles: { graceMs: soon }\n',
    );
    const ended = await run('streamer/main.ts', ['--print'], streamerEnv(4002, { EVENKEEL_CONFIG_DIR: dir }));
    expectRefused(ended, 'streamers.0.gateway.prot', 'port', 'candles.graceMs', 'soon', /integer/);
  });

  it('a variable that is wrong is named as such', async () => {
    const ended = await run('streamer/main.ts', ['--print'], streamerEnv(4002, { IB_GATEWAY_PORT: 'four' }));
    expectRefused(ended, 'IB_GATEWAY_PORT', 'four');
  });

  it('a streamer without a bus says what to do', async () => {
    expectRefused(
      await run('streamer/main.ts', [], streamerEnv(4002)),
      'EVENT_BUS_NAME',
      'npm run sandbox',
      '--print',
    );
  });

  it('an option that does not exist', async () => {
    expectRefused(await run('streamer/main.ts', ['--prnt'], streamerEnv(4002)), '--prnt');
    expectRefused(await run('bin/sandbox.ts', ['--speed', 'fast']), 'max');
  });
});

describe.concurrent('bad input: ports and platforms', () => {
  it('a gateway port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    try {
      expectRefused(await run('sandbox/gateway/main.ts', ['--port', String(port)]), String(port), /in use/);
    } finally {
      server.close();
    }
  });

  it('a DynamoDB endpoint that does not answer', async () => {
    const ended = await run('bin/sandbox.ts', ['--data', join(folder, 'no-engine')], {
      EVENKEEL_DYNAMODB_ENDPOINT: 'http://127.0.0.1:9',
    });
    expectRefused(ended, 'EVENKEEL_DYNAMODB_ENDPOINT', '127.0.0.1:9');
  });

  it('a Node that is not 24 is told before anything is read', async () => {
    const ended = await run(
      'bin/sandbox.ts',
      ['--help'],
      {},
      {
        node: [
          '--import',
          `data:text/javascript,${encodeURIComponent("Object.defineProperty(process.versions,'node',{value:'20.20.2'})")}`,
          '--import',
          './bin/require-node-24.mjs',
        ],
      },
    );
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/20\.20\.2.*needs Node 24[\s\S]*npm ci/);
  });

  it('a tape for a real gateway is refused rather than ignored', async () => {
    const ended = await run('bin/sandbox.ts', ['--gateway', '127.0.0.1:4998', '--tape', 'day.csv']);
    expectRefused(ended, '--gateway', '--tape');
  });

  it('a reader of --print that goes away ends the streamer at once and quietly', async () => {
    const gateway = await startGateway({ port: 0, seed: 1, speed: 60 });
    const env = streamerEnv(gateway.port, { SYMBOLS: gateway.tape.contracts[0]!.localSymbol });
    const beganMs = performance.now();
    const ended = await run('streamer/main.ts', ['--print'], env, { closeStdoutAfterFirstLine: true });
    await gateway.stop();
    expect(ended.code).toBe(0);
    expect(ended.stderr).not.toContain('EPIPE');
    expect(performance.now() - beganMs).toBeLessThan(50_000);
  });

  it('an outbox that another streamer holds', async () => {
    const gateway = await startGateway({ port: 0, seed: 1 });
    const env = streamerEnv(gateway.port, { SYMBOLS: gateway.tape.contracts[0]!.localSymbol });
    const first = spawn(process.execPath, ['streamer/main.ts', '--print'], {
      env: { ...programEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      // It prints once it is connected, and that is after it has opened its outbox.
      await once(first.stdout, 'data');
      expectRefused(await run('streamer/main.ts', ['--print'], env), 'in use by another process', 'DB_PATH');
    } finally {
      first.kill('SIGKILL');
      await gateway.stop();
    }
  });
});

describe.concurrent('bad input: what the gateway says', () => {
  async function against(
    faults: readonly FaultInput[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    const gateway: Gateway = await startGateway({ port: 0, seed: 1 });
    try {
      for (const fault of faults) gateway.fault(fault);
      const symbol = gateway.tape.contracts[0]!.localSymbol;
      return await run(
        'streamer/main.ts',
        ['--print'],
        streamerEnv(gateway.port, { SYMBOLS: symbol, ...env }),
        {
          timeoutMs: 60_000,
        },
      );
    } finally {
      await gateway.stop();
    }
  }

  it('an unknown symbol is named, with how to name one exactly', async () => {
    expectRefused(await against([], { SYMBOLS: 'NOSUCH' }), 'NOSUCH', 'SYMBOLS', 'localSymbol');
  });

  it('a login that does not manage the configured account: both are named, with what to do', async () => {
    const ended = await against([], { IB_ACCOUNT: 'DU7654321' });
    expectRefused(ended, 'manages DU1234567', 'says DU7654321', 'IB_ACCOUNT');
    expect(ended.code).toBe(2);
  });

  it('a gateway that refuses the connection: host, port, what to check', async () => {
    expectRefused(
      await run('streamer/main.ts', ['--print'], streamerEnv(4998)),
      '127.0.0.1:4998',
      '4002 (IB Gateway) or 7497 (TWS)',
    );
    const ended = await run('bin/sandbox.ts', [
      '--gateway',
      '127.0.0.1:4998',
      '--data',
      join(folder, 'refused'),
    ]);
    expectRefused(ended, '127.0.0.1:4998', '4002 (IB Gateway) or 7497 (TWS)');
  });

  it('a read-only API (321)', async () => {
    expectRefused(
      await against([{ type: 'read-only', on: true }]),
      '321',
      'Read-Only API',
      'readOnlyApi: true',
    );
  });

  it('no market data permission (354)', async () => {
    expectRefused(await against([{ type: 'no-permission', on: true }]), '354', /permission/, 'Client Portal');
  });

  it('only delayed data where live data is configured (10167)', async () => {
    expectRefused(await against([{ type: 'delayed', on: true }]), '10167', 'marketDataType: delayed');
  });
});
