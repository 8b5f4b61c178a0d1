import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliError } from '../../../bin/evenkeel/exit.ts';
import { explain } from '../../../bin/evenkeel/failures.ts';
import type { Io } from '../../../bin/evenkeel/io.ts';
import { runEvenkeel } from '../../../bin/evenkeel/program.ts';
import { createView, grouped, plain, shortened, table } from '../../../bin/evenkeel/view.ts';
import { parseWhen } from '../../../bin/evenkeel/when.ts';

/** Runs the program where nothing may be opened: what is wrong is found before. */
async function run(
  argv: readonly string[],
  env: Record<string, string> = {},
  signal = new AbortController().signal,
) {
  const said = { out: '', err: '' };
  const io: Io = {
    out: {
      write: (text) => {
        said.out += text;
      },
      isTTY: false,
      columns: 100,
    },
    err: {
      write: (text) => {
        said.err += text;
      },
      isTTY: false,
      columns: 100,
    },
    env,
    signal,
    nowMs: () => 0,
    sleep: async () => undefined,
    ask: undefined,
  };
  const open = () => {
    throw new Error('opened');
  };
  const code = await runEvenkeel(argv, io, open, '1.2.3');
  return { code, ...said };
}

describe('wrong input is named with what is valid, exit code 2', () => {
  it.each<[string[], string[]]>([
    [
      ['ordres'],
      ["unknown command 'ordres'", 'Did you mean orders?', 'Valid commands: status, alerts, flags, halt,'],
    ],
    [
      ['orders', '--jsn'],
      ["unknown option '--jsn'", 'Did you mean --json?', 'Valid options: --all, --stage,'],
    ],
    [
      ['--stage', 'papr', 'orders'],
      ['There is no stage papr; valid: sandbox, paper, live. Did you mean paper?'],
    ],
    [
      ['--stage', 'sandbox', '--account', 'DU1234568', 'orders'],
      ['There is no account DU1234568 in the stage sandbox; valid: DU1234567. Did you mean DU1234567?'],
    ],
    [['--stage', 'paper', '--data', '.evenkeel/x', 'orders'], ['--data is the folder of a sandbox']],
    [
      ['audit', 'verify', '--limit', '3'],
      ["unknown option '--limit'", 'Valid options: --against-book, --stage,'],
    ],
    [['orders', 'show'], ["missing required argument 'ref'"]],
    [['snapshot', '--wait', 'long'], ['Allowed: seconds, from 1 to 3600.']],
    [['doctor', '--seconds', '0'], ['Allowed: seconds, from 1 to 3600.']],
    [['audit', '--limit', '-1'], ['Allowed: a whole number from 1']],
    [
      ['logs', 'strmer'],
      [
        'There is no part strmer; valid: streamer, gateway, book-keeper, candle-keeper, backup, drill, archive, reconcile, apply-plan, watchdog, alerts. Did you mean streamer?',
      ],
    ],
  ])('%j', async (argv, words) => {
    const { code, out, err } = await run(argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    for (const each of words) expect(err).toContain(each);
  });

  it('without the control characters that were typed: an error quotes them', async () => {
    for (const argv of [
      ['or\u001b[2Jders'],
      ['orders', '--x\u0007\u009b'],
      ['--stage', 'pa\r\u001b]0;x', 'orders'],
      ['plan', 'show', '\u001b[31m../../x'],
      ['audit', '--since', '\u001b[2J'],
      ['candles', 'GC', '--since', '--', '\u001b[2J'],
    ]) {
      const { code, err } = await run(argv);
      // Mistyped, or looked for where no sandbox runs.
      expect([2, 4], argv.join(' ')).toContain(code);
      expect(err).not.toMatch(/[^\P{Cc}\n]/u);
    }
  });

  it('as JSON where --json was asked for', async () => {
    const { err, out } = await run(['--json', '--stage', 'papr', 'orders']);
    expect(out).toBe('');
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'STAGE_UNKNOWN', exitCode: 2 } });
  });

  it('a configuration that cannot be used says where', async () => {
    const { code, err } = await run(['orders'], { IB_GATEWAY_PORT: 'abc' });
    expect(code).toBe(2);
    expect(err).toContain('streamers.0.gateway.port (from IB_GATEWAY_PORT)');
  });
});

describe('the stage', () => {
  it('is never live because a variable says so', async () => {
    const { code, err } = await run(['orders'], { STAGE: 'live' });
    expect(code).toBe(2);
    expect(err).toContain('repeat the command with --stage live');
  });

  it('sandbox that does not run: how to start it, exit code 4', async () => {
    const { code, err } = await run(['orders', '--data', '/nowhere/at-all']);
    expect(code).toBe(4);
    expect(err).toContain(
      'No sandbox runs in /nowhere/at-all. Start it in another terminal: npm run sandbox -- --data /nowhere/at-all',
    );
  });

  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'evenkeel-cli-'));
    writeFileSync(join(dir, 'endpoint.json'), '{"endpoint":');
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('sandbox whose file is broken: what to delete, exit code 4', async () => {
    const { code, err } = await run(['orders', '--data', dir]);
    expect(code).toBe(4);
    expect(err).toContain(`${join(dir, 'endpoint.json')} does not say where the sandbox is`);
  });
});

it('--version and --help are no errors; no command at all is', async () => {
  expect(await run(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  const help = await run(['flags', 'set', '--help']);
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toContain('npm run ops -- flags set SAFE_MODE true --reason "gateway restarts"');
  expect(await run([])).toMatchObject({ code: 2, out: '' });
});

it('an interrupted run ends with 130', async () => {
  expect((await run(['orders', '--data', '/nowhere'], {}, AbortSignal.abort())).code).toBe(130);
});

describe('failures in words', () => {
  const named = (name: string, message: string, more: object = {}) =>
    Object.assign(new Error(message), { name, ...more });
  const refused = new AggregateError(
    [named('Error', 'connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' })],
    '',
  );

  it.each<[string, unknown, string | undefined, string, RegExp]>([
    ['a sandbox that has gone', refused, '.evenkeel/sandbox', 'UNREACHABLE', /npm run sandbox/],
    ['no network', refused, undefined, 'UNREACHABLE', /network/],
    [
      'expired credentials',
      named('ExpiredTokenException', 'x'),
      undefined,
      'CREDENTIALS_EXPIRED',
      /aws sso login/,
    ],
    [
      'no credentials',
      named('CredentialsProviderError', 'Could not load'),
      undefined,
      'CREDENTIALS_MISSING',
      /AWS_PROFILE/,
    ],
    [
      'a role that may not',
      named('AccessDeniedException', 'User: x is not authorized to perform: dynamodb:Query'),
      undefined,
      'ACCESS_DENIED',
      /dynamodb:Query/,
    ],
    [
      'a transaction of a role that may not',
      Object.assign(new Error('BOOK_WRITE_FAILED: x', { cause: named('AccessDeniedException', 'y') }), {
        code: 'BOOK_WRITE_FAILED',
      }),
      undefined,
      'ACCESS_DENIED',
      /not allowed/,
    ],
    [
      'a missing table',
      named('ResourceNotFoundException', 'Requested resource not found'),
      undefined,
      'STAGE_NOT_DEPLOYED',
      /docs\/deploy\.md/,
    ],
    ['no region', new Error('Region is missing'), undefined, 'REGION_MISSING', /AWS_REGION/],
    [
      'a clock that is off',
      named('InvalidSignatureException', 'Signature expired'),
      undefined,
      'SIGNATURE_REFUSED',
      /clock/,
    ],
    ['throttling', named('ThrottlingException', 'Rate exceeded'), undefined, 'THROTTLED', /Wait/],
    [
      'what the local cloud does not have',
      named('NotImplemented', 'The local cloud does not have logs'),
      'd',
      'NOT_IN_SANDBOX',
      /d\/logs/,
    ],
  ])('%s', (_, error, dataDir, code, words) => {
    const told = explain(error, { stage: 'paper', dataDir });
    expect(told).toMatchObject({ code, exitCode: 4 });
    expect(told.message).toMatch(words);
  });

  it('a mistake of ours keeps its stack, exit code 1', () => {
    const told = explain(new TypeError('x is not a function'), { stage: 'paper' });
    expect(told.exitCode).toBe(1);
    expect(told.message).toContain('input.test.ts');
  });
});

describe('times as a person writes them', () => {
  const now = Date.UTC(2026, 0, 5, 15);
  it.each([
    ['15m', now - 900_000],
    ['2h', now - 7_200_000],
    ['1.5d', now - 129_600_000],
    ['2026-01-05', Date.UTC(2026, 0, 4, 23)],
    ['2026-07-05', Date.UTC(2026, 6, 4, 22)],
    ['2026-01-05T14:30', Date.UTC(2026, 0, 5, 13, 30)],
    ['2026-01-05 14:30:15', Date.UTC(2026, 0, 5, 13, 30, 15)],
    ['2026-01-05T14:30Z', Date.UTC(2026, 0, 5, 14, 30)],
    ['2026-01-05T14:30+01:00', Date.UTC(2026, 0, 5, 13, 30)],
  ])('%s', (text, expected) => {
    expect(parseWhen(text, now, 'Europe/Stockholm')).toBe(expected);
  });

  it.each(['', 'noon', '2026-13-01', '2026-02-30', '5', '-2h'])('%j is none', (text) => {
    expect(() => parseWhen(text, now, 'UTC')).toThrow(CliError);
  });
});

describe('numbers and text for people', () => {
  it('keep every digit of a decimal', () => {
    expect(['1234567.5', '-1000', '999', '0.12345678901234567890', '-0.5'].map(grouped)).toEqual([
      '1,234,567.5',
      '-1,000',
      '999',
      '0.12345678901234567890',
      '-0.5',
    ]);
    expect(shortened('1323.333333333333')).toBe('1,323.333333');
  });

  it('cannot move the cursor', () => {
    expect(plain('a\u001B[2Jb\r\nc\u0007')).toBe('a [2Jb c ');
    const view = createView('UTC', true);
    const drawn = table(view, [{ name: 'x' }], [[`${view.colours.red('red')} \u001B[2J`]]);
    expect(drawn).toContain('\u001B[31mred\u001B[39m');
    expect(drawn).not.toContain('\u001B[2J');
  });
});
