/** `npm run replay` as a person starts it, and the replay behind it. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Decimal } from 'decimal.js';
import { afterAll, describe, expect, it } from 'vitest';
import { runReplay } from '../../../bin/replay.ts';
import { areSame, repeatsText } from '../../../sandbox/replay/repeat.ts';
import { replayTape } from '../../../sandbox/replay/replay.ts';
import { generateTape, writeTape } from '../../../sandbox/tapes/generate.ts';
import type { TapeRow } from '../../../sandbox/tapes/tape.ts';
import { sharedDataDir, whenAbsent } from '../../helpers/shared-data.ts';

const program = fileURLToPath(new URL('../../../bin/replay.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The program in this process: starting it anew for each call would be most of the work. */
async function replay(
  ...args: readonly string[]
): Promise<{ status: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof said) => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const status = await runReplay(args, { stdout: stream('stdout'), stderr: stream('stderr') });
  return { status, ...said };
}

const path = (name: string) => join(folder, name);

function file(name: string, text: string): string {
  writeFileSync(path(name), text);
  return path(name);
}

/** What the bars of a tape must be, by decimal.js and the order of the file, as the lines of a CSV file. */
function naive(rows: readonly TapeRow[], symbol: string): string[] {
  const bars = new Map<number, Decimal[]>();
  for (const row of rows) {
    if (row.kind !== 'trade' || row.symbol !== symbol) continue;
    const price = new Decimal(row.price);
    const startMs = row.timeMs - (row.timeMs % 60_000);
    const bar = bars.get(startMs);
    if (!bar) bars.set(startMs, [price, price, price, price, new Decimal(row.size)]);
    else {
      bar[1] = Decimal.max(bar[1]!, price);
      bar[2] = Decimal.min(bar[2]!, price);
      bar[3] = price;
      bar[4] = bar[4]!.plus(row.size);
    }
  }
  return [...bars].map(([startMs, bar]) => [startMs, ...bar.map(String)].join(','));
}

const header = 'time_ms,open,high,low,close,volume';
/** Rows of a file without its header. */
const body = (name: string) => readFileSync(path(name), 'utf8').trimEnd().split('\n').slice(1);

describe('replay of a generated tape', () => {
  it.each([1, 2, 3])(
    'seed %i: every bar is that of a plain aggregation, with none too many',
    async (seed) => {
      const rows = generateTape({ seed, minutes: 90, halt: seed === 3 });
      await writeTape(path(`tape-${seed}.csv`), rows);
      const expected = naive(rows, 'GCG6');
      file(`bars-${seed}.csv`, `${[header, ...expected].join('\n')}\n`);

      const args = ['--tape', path(`tape-${seed}.csv`), '--out', path(`out-${seed}.csv`)];
      const done = await replay(...args, '--bars', path(`bars-${seed}.csv`), '--json');

      expect(done.stderr).toBe('');
      const summary = JSON.parse(done.stdout);
      expect(summary).toMatchObject({
        bars: expected.length,
        exact: expected.length,
        missing: 0,
        extra: 0,
        gaps: 0,
      });
      expect(summary.differences).toEqual([]);
      expect(summary.ticks).toBe(rows.filter((row) => row.kind === 'trade').length);
      expect(done.status).toBe(0);
      expect(body(`out-${seed}.csv`)).toEqual(expected);
    },
  );

  it('shows silent minutes when asked to, at the last price', async () => {
    const rows = generateTape({ seed: 4, minutes: 60 });
    await writeTape(path('silent.csv'), rows);
    expect(
      (await replay('--tape', path('silent.csv'), '--out', path('flat.csv'), '--include-flat')).status,
    ).toBe(0);
    const expected = naive(rows, 'GCG6');
    const flat = body('flat.csv').filter((line) => !expected.includes(line));
    expect(flat.length).toBeGreaterThan(0);
    for (const line of flat) expect(line).toMatch(/^\d+,([\d.]+),\1,\1,\1,0$/);
    expect(body('flat.csv')).toHaveLength(expected.length + flat.length);
  });

  it('keeps the symbols of a tape apart, by a column or one at a time', async () => {
    const rows = generateTape({ seed: 5, minutes: 20, symbols: ['GCG6', 'ESH6'] });
    await writeTape(path('two.csv'), rows);
    expect((await replay('--tape', path('two.csv'), '--out', path('two-out.csv'))).status).toBe(0);
    expect(readFileSync(path('two-out.csv'), 'utf8')).toMatch(/^time_ms,symbol,open,high,low,close,volume\n/);
    for (const symbol of ['GCG6', 'ESH6']) {
      const own = body('two-out.csv').filter((line) => line.includes(symbol));
      expect(own.map((line) => line.replace(`${symbol},`, ''))).toEqual(naive(rows, symbol));
      const bars = file('one-bars.csv', [header, ...naive(rows, symbol)].join('\n'));
      expect((await replay('--tape', path('two.csv'), '--symbol', symbol, '--bars', bars)).status).toBe(0);
      expect(await replay('--tape', path('two.csv'), '--bars', bars)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('choose with --symbol'),
      });
    }
    expect((await replay('--tape', path('two.csv'), '--bars', path('two-out.csv'))).status).toBe(0);
  });

  it('is a program of its own, with its exit code', async () => {
    await writeTape(path('own.csv'), generateTape({ seed: 7, minutes: 5 }));
    const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    expect(run('--tape', path('own.csv'), '--json')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\{.*\}\n$/),
    });
    expect(run('--tape', path('own.csv'), '--speed', '3')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining("unknown option '--speed'"),
    });
  });

  it('gives the same bytes twice', async () => {
    await writeTape(path('same.csv'), generateTape({ seed: 6, minutes: 30 }));
    const candles = async () => JSON.stringify((await replayTape(path('same.csv'))).symbols);
    expect(await candles()).toBe(await candles());
  });
});

describe('S144 a replay held against itself', () => {
  it('twice is the same to the byte, and with faults on the way the bars are the same', async () => {
    const rows = generateTape({ seed: 6, minutes: 300, halt: true, symbols: ['GCG6', 'ESH6'] });
    await writeTape(path('repeated.csv'), rows);
    const done = await replay('--tape', path('repeated.csv'), '--twice', '--faults', '3', '--json');
    expect(done.stderr).toBe('');
    const { hash, hashAgain, faulty, gaps } = JSON.parse(done.stdout);
    expect(hashAgain).toBe(hash);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    // The first replay is the one without faults.
    expect(gaps).toBe(0);
    expect(faulty).toMatchObject({ seed: 3, differs: 0, differences: [] });
    for (const what of ['late', 'twice', 'lost', 'outages', 'backfilled'])
      expect(faulty[what], what).toBeGreaterThan(0);
    expect(done.status).toBe(0);
  });

  it('the same tape has the same hash in every process, another has another', async () => {
    const hashOf = async (name: string): Promise<string> =>
      JSON.parse((await replay('--tape', path(name), '--json')).stdout).hash;
    await writeTape(path('one.csv'), generateTape({ seed: 7, minutes: 20 }));
    await writeTape(path('other.csv'), generateTape({ seed: 8, minutes: 20 }));
    expect(await hashOf('one.csv')).toBe(await hashOf('one.csv'));
    expect(await hashOf('other.csv')).not.toBe(await hashOf('one.csv'));
  });

  it('a bar that differs is told, with the exit code 1', () => {
    const same = { hash: 'a', hashAgain: 'a' };
    const faulty = { seed: 1, late: 1, twice: 1, lost: 1, outages: 1, backfilled: 0, untold: 0 };
    expect(areSame(same)).toBe(true);
    expect(areSame({ ...same, hashAgain: 'b' })).toBe(false);
    expect(areSame({ ...same, faulty: { ...faulty, differs: 1, differences: ['x'] } })).toBe(false);
    expect(repeatsText({ ...same, faulty: { ...faulty, differs: 1, differences: ['x'] } }).join()).toContain(
      '1 bars differ',
    );
  });
});

describe('comparison', () => {
  const tape = () =>
    file('small.csv', 'time_ms,symbol,price,size\n1767625800000,X,10,5\n1767625860000,X,11,2\n');

  it('ends with 1 on a difference, and says which', async () => {
    const bars = file('wrong.csv', `${header}\n1767625800000,10,10,10,10,6\n1767625920000,1,1,1,1,1\n`);
    const done = await replay('--tape', tape(), '--bars', bars);
    expect(done.status).toBe(1);
    expect(done.stdout).toContain('0 of 2 bars of wrong.csv are exact');
    expect(done.stdout).toContain('1 differ, 1 are missing, 1 are extra');
    expect(done.stdout).toContain('2026-01-05T15:10:00.000Z X differs: volume 5, not 6');
    expect(done.stdout).toContain('2026-01-05T15:11:00.000Z X extra: 11 11 11 11 2');
    expect(done.stdout).toContain('2026-01-05T15:12:00.000Z X missing: 1 1 1 1 1');
  });

  it('takes what is within the tolerance for equal', async () => {
    const bars = file(
      'near.csv',
      `${header}\n1767625800000,10.1,10.1,10,10,6\n1767625860000,11,11,11,11,2.0\n`,
    );
    const json = async (...more: string[]) =>
      JSON.parse((await replay('--tape', tape(), '--bars', bars, '--json', ...more)).stdout);
    expect(await json()).toMatchObject({ exact: 1, tolerated: 0, differs: 1 });
    expect(await json('--tolerance', '0.1')).toMatchObject({ exact: 1, tolerated: 0, differs: 1 });
    expect(await json('--tolerance', '0.1,0.2')).toMatchObject({ exact: 1, tolerated: 1, differs: 0 });
    expect((await replay('--tape', tape(), '--bars', bars, '--tolerance', '0.1,0.2')).status).toBe(0);
  });
});

describe('bad input ends with 2, a clear word, and nothing written', () => {
  const good = 'time_ms,symbol,price,size\n1767625800000,X,10,5\n';
  it.each([
    ['no such tape', ['--tape', '/nowhere/tape.csv'], /no such file/],
    ['no tape at all', [], /--tape <file>/],
    ['an unknown option', ['--tape', 'x', '--speed', '3'], /unknown option '--speed'/],
    ['a tolerance that is none', ['--tape', 'x', '--tolerance', 'much'], /0\.1,0\.02/],
    ['an unknown symbol', ['--tape', '@good', '--symbol', 'Y'], /no rows of Y.*It has X/],
    ['an output that is the input', ['--tape', '@good', '--out', '@good'], /input of this run/],
    ['an output that cannot be written', ['--tape', '@good', '--out', '/nowhere/x.csv'], /cannot be written/],
  ] as const)('%s', async (_, args, message) => {
    const tape = file('good.csv', good);
    const done = await replay(...args.map((arg) => (arg === '@good' ? tape : arg)));
    expect(done.stderr).toMatch(message);
    expect(done.status).toBe(2);
    expect(readFileSync(tape, 'utf8')).toBe(good);
  });

  it.each([
    ['a malformed tape row', `${good}1767625800001,X,ten,5\n`, /tape\.csv:3:17: price is "ten"/],
    [
      'a tape out of order',
      `${good}1767625700000,X,10,5\n`,
      /1767625700000 on line 3.*1767625800000 on line 2/,
    ],
    [
      'a price that is too fine',
      `${good}1767625800001,X,10.123456789,5\n`,
      /tape\.csv:3:1: price 10\.123456789/,
    ],
    [
      'a volume that is too large',
      `${good}1767625800001,X,10,999999999999\n`,
      /tape\.csv:3:1: price 10 or size 9/,
    ],
  ])('%s', async (_, text, message) => {
    const done = await replay('--tape', file('tape.csv', text));
    expect(done.stderr).toMatch(message);
    expect(done.status).toBe(2);
  });

  it.each([
    ['a bars header', 'time_ms,open,high,low,close\n', /bars\.csv:1:1: bad header: missing volume/],
    ['a bars header with more', `${header},oi\n`, /unknown or repeated oi/],
    [
      'a bar with a missing field',
      `${header}\n1767625800000,1,1,1,1\n`,
      /bars\.csv:2:1: the row has 5 fields/,
    ],
    ['a bar with a word', `${header}\n1767625800000,1,1,low,1,1\n`, /bars\.csv:2:19: low is "low"/],
    [
      'a bar given twice',
      `${header}\n1767625800000,1,1,1,1,1\n1767625800000,1,1,1,1,1\n`,
      /on line 2 already/,
    ],
    ['no bars', `${header}\n`, /no bars to compare with/],
    [
      'bars of another symbol',
      `symbol,${header}\nY,1767625800000,1,1,1,1,1\n`,
      /bars of Y, the tape has none/,
    ],
  ])('%s', async (_, text, message) => {
    const done = await replay('--tape', file('good.csv', good), '--bars', file('bars.csv', text));
    expect(done.stderr).toMatch(message);
    expect(done.status).toBe(2);
  });
});

describe('Ctrl-C', () => {
  it('stops at once with 130 and leaves no file behind', async () => {
    const own = mkdtempSync(join(folder, 'interrupted-'));
    const rows = Array.from({ length: 400_000 }, (_, index) => `${1_767_625_800_000 + index * 10},X,10,1`);
    writeFileSync(join(own, 'long.csv'), `time_ms,symbol,price,size\n${rows.join('\n')}\n`);
    // The signal is sent when the program has begun to listen for it.
    const tell = `process.on('newListener', (name) => name === 'SIGINT' && process.stdout.write('listening\\n'))`;
    const child = spawn(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(tell)}`, program].concat([
        '--tape',
        join(own, 'long.csv'),
        '--out',
        join(own, 'out.csv'),
      ]),
    );
    let told = '';
    child.stderr.on('data', (data: Buffer) => {
      told += data.toString();
    });
    child.stdout.once('data', () => child.kill('SIGINT'));
    const code = await new Promise<number | null>((done) => {
      child.once('close', done);
    });
    expect(told).toBe('Interrupted: nothing was written.\n');
    expect(code).toBe(130);
    expect(readdirSync(own)).toEqual(['long.csv']);
  });
});

describe.skipIf(sharedDataDir === undefined)(`real gold tapes (${whenAbsent} when skipped)`, () => {
  it.each([
    ['2013-10-07', 39_701, 1_314],
    ['2013-10-08', 52_037, 1_377],
  ])("%s: all of the vendor's bars are exact", async (day, ticks, bars) => {
    const base = join(sharedDataDir!, 'ticks', `GCZ3_${day}`);
    const out = path(`gold-${day}.csv`);
    const done = await replay(
      '--tape',
      `${base}.ticks.csv.gz`,
      '--bars',
      `${base}.bars_1m.csv`,
      '--out',
      out,
      '--json',
    );
    expect(JSON.parse(done.stdout)).toMatchObject({
      ticks,
      candles: bars,
      bars,
      exact: bars,
      missing: 0,
      extra: 0,
    });
    expect(done.status).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(readFileSync(`${base}.bars_1m.csv`, 'utf8'));
  });
});
