import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTape, readTape, TapeError, type TapeRow, tapeFromRows } from '../../sandbox/tapes/tape.ts';
import { sharedDataDir, whenAbsent } from '../helpers/shared-data.ts';

const header = 'time_ms,symbol,price,size';
let dir = '';
let files = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tape-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function file(content: string | Buffer, name = 'tape.csv'): Promise<string> {
  files += 1;
  const path = join(dir, `${files}-${name}`);
  await writeFile(path, content);
  return path;
}
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}
async function rowsOf(content: string | Buffer, name?: string): Promise<TapeRow[]> {
  return collect(readTape(await file(content, name)));
}
async function refusal(content: string | Buffer, name?: string): Promise<TapeError> {
  const path = await file(content, name);
  const problem = await collect(readTape(path)).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(TapeError);
  expect((problem as TapeError).file).toBe(path);
  return problem as TapeError;
}

describe('a good tape', () => {
  it('keeps prices and sizes as written, equal times and repeated rows in order, and size 0', async () => {
    const rows = await rowsOf(
      `${header}\n1381104000276,GCZ3,1313.70,1\n1381104000276,GCZ3,1313.70,1\n1381104000277,GCZ3,-0.5,0\n`,
    );
    expect(rows).toEqual([
      { timeMs: 1381104000276, symbol: 'GCZ3', price: '1313.70', size: '1', kind: 'trade', line: 2 },
      { timeMs: 1381104000276, symbol: 'GCZ3', price: '1313.70', size: '1', kind: 'trade', line: 3 },
      { timeMs: 1381104000277, symbol: 'GCZ3', price: '-0.5', size: '0', kind: 'trade', line: 4 },
    ]);
  });

  it('reads the optional columns in any order, tells quotes from trades, and halts by kind', async () => {
    const rows = await rowsOf(
      [
        'symbol,time_ms,bid,ask,price,size,kind,bid_size,ask_size',
        'ESH6,1767623400000,6900.25,6900.5,,,,3,4',
        'ESH6,1767623400001,6900.25,6900.5,6900.5,2,,3,4',
        'ESH6,1767623400002,,,,,halt,,',
        'ESH6,1767623400003,,,,,resume,,',
      ].join('\n'),
    );
    expect(rows.map((row) => row.kind)).toEqual(['quote', 'trade', 'halt', 'resume']);
    expect(rows[0]).toMatchObject({ price: '', bid: '6900.25', ask: '6900.5', bidSize: '3', askSize: '4' });
    expect(rows[1]).toMatchObject({ price: '6900.5', size: '2', bid: '6900.25' });
    expect(rows[2]).not.toHaveProperty('bid');
  });

  it('takes a byte order mark, carriage returns, blank lines and a last line without an end', async () => {
    const rows = await rowsOf(`\uFEFF${header}\r\n1767623400000,A,1,1\r\n\r\n1767623400001,A,2,1`);
    expect(rows.map((row) => [row.price, row.line])).toEqual([
      ['1', 2],
      ['2', 4],
    ]);
  });

  it('reads gzip by its content, whatever the name says', async () => {
    const rows = await rowsOf(gzipSync(`${header}\n1767623400000,A,1,1\n`), 'named.csv');
    expect(rows.length).toBe(1);
  });

  it('takes rows out of order up to the grace and keeps the order of the file', async () => {
    const rows = await rowsOf(`${header}\n1767623402000,A,1,1\n1767623400000,A,2,1\n1767623402001,A,3,1\n`);
    expect(rows.map((row) => row.price)).toEqual(['1', '2', '3']);
  });
});

describe('a bad tape is refused with its place', () => {
  it.each([
    ['price', '1767623400001,A,abc,1', 2, 17],
    ['price', '1767623400001,A,1e3,1', 2, 17],
    ['price', '1767623400001,A,NaN,1', 2, 17],
    ['price', '1767623400001,A,,1', 2, 17],
    ['size', '1767623400001,A,1.5,-2', 2, 21],
    ['size', '1767623400001,A,1.5,', 2, 21],
    ['time_ms', '1767623400,A,1.5,1', 2, 1],
    ['time_ms', '2026-01-05T14:30:00Z,A,1.5,1', 2, 1],
    ['time_ms', '1767623400001.5,A,1.5,1', 2, 1],
    ['symbol', '1767623400001,,1.5,1', 2, 15],
    ['symbol', '1767623400001,"A",1.5,1', 2, 15],
  ])('malformed %s in %j', async (name, line, row, column) => {
    const error = await refusal(`${header}\n${line}\n`);
    expect(error.code).toBe('TAPE_MALFORMED_ROW');
    expect([error.line, error.column]).toEqual([row, column]);
    expect(error.message).toContain(`:${row}:${column}: ${name} is `);
    expect(error.message).toContain('Allowed: ');
  });

  it('too few and too many fields', async () => {
    const few = await refusal(`${header}\n1767623400001,A,1\n`);
    expect(few.message).toContain('the row has 3 fields, the header 4');
    const many = await refusal(`${header}\n1767623400000,A,1,1\n1767623400001,A,1,1,9\n`);
    expect([many.line, many.column]).toEqual([3, 20]);
  });

  it('an unknown kind, and a quote without sides', async () => {
    const unknown = await refusal(`${header},kind\n1767623400001,A,1,1,cancel\n`);
    expect(unknown.message).toContain('kind is "cancel". Allowed: trade, quote, halt, resume, or nothing.');
    const empty = await refusal(`${header},kind\n1767623400001,A,1,1,quote\n`);
    expect(empty.message).toContain('quote only with a bid or an ask');
  });

  it('a malformed side', async () => {
    const error = await refusal(`${header},bid,ask\n1767623400001,A,1,1,1.2,x\n`);
    expect([error.line, error.column]).toEqual([2, 25]);
  });

  it('out of order beyond the grace: both lines and both times', async () => {
    const error = await refusal(`${header}\n1767623402001,A,1,1\n1767623402001,A,1,1\n1767623400000,A,2,1\n`);
    expect(error.code).toBe('TAPE_OUT_OF_ORDER');
    expect(error.line).toBe(4);
    expect(error.message).toContain('1767623400000 on line 4 is 2001 ms before 1767623402001 on line 2');
    const allowed = await file(`${header}\n1767623402001,A,1,1\n1767623400000,A,2,1\n`);
    expect((await collect(readTape(allowed, { outOfOrderGraceMs: 5_000 }))).length).toBe(2);
  });

  it.each([
    ['time_ms,symbol,price', 'missing size', 1],
    ['time_ms,symbol,price,size,volume', 'unknown column "volume"', 27],
    ['time_ms,symbol,price,size,price', 'column price is there twice', 27],
    ['1767623400001,A,1,1', 'unknown column "1767623400001"', 1],
  ])('header %j', async (line, what, column) => {
    const error = await refusal(`${line}\n1767623400001,A,1,1\n`);
    expect(error.code).toBe('TAPE_BAD_HEADER');
    expect(error.message).toContain(what);
    expect([error.line, error.column]).toEqual([1, column]);
  });

  it('an empty file and a header without rows', async () => {
    expect((await refusal('')).code).toBe('TAPE_BAD_HEADER');
    expect((await refusal(`${header}\n`)).code).toBe('TAPE_EMPTY');
  });

  it('broken gzip: cut short, damaged, or not gzip at all', async () => {
    const whole = gzipSync(`${header}\n${'1767623400001,A,1.5,1\n'.repeat(5_000)}`);
    expect((await refusal(whole.subarray(0, whole.length - 20))).code).toBe('TAPE_BAD_GZIP');
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 12, 40);
    expect((await refusal(damaged)).code).toBe('TAPE_BAD_GZIP');
    expect((await refusal(`${header}\n`, 'plain.csv.gz')).code).toBe('TAPE_BAD_GZIP');
  });

  it('no such file, and a folder', async () => {
    for (const [path, what] of [
      [join(dir, 'absent.csv'), 'there is no such file'],
      [dir, 'this is a folder'],
    ] as const) {
      const error: unknown = await collect(readTape(path)).catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(TapeError);
      expect((error as TapeError).code).toBe('TAPE_UNREADABLE');
      expect((error as TapeError).message).toContain(what);
    }
  });

  it('a binary file without line ends is refused without being read whole', async () => {
    const error = await refusal(Buffer.alloc(200_000, 0x61));
    expect(error.message).toContain('longer than 65536 characters');
  });

  it('no rows in memory', () => {
    expect(() => tapeFromRows('nothing', [])).toThrow(TapeError);
  });
});

describe('contracts beside the tape', () => {
  const rows = `${header}\n1381104000276,GCZ3,1313.7,1\n`;

  async function withContracts(json: string) {
    const path = await file(rows);
    await writeFile(`${path}.contracts.json`, json);
    return loadTape(path);
  }

  it('say what they say, the rest is derived', async () => {
    const tape = await withContracts(
      JSON.stringify([
        {
          localSymbol: 'GCZ3',
          conId: 99,
          multiplier: '10',
          minTick: '0.05',
          timeZone: 'America/Chicago',
          tradingHours: '20131006:1700-20131007:1615;20131012:CLOSED',
        },
      ]),
    );
    expect(tape.contracts).toEqual([
      expect.objectContaining({
        conId: 99,
        symbol: 'GC',
        secType: 'FUT',
        multiplier: '10',
        minTick: '0.05',
        timeZone: 'America/Chicago',
        liquidHours: '20131006:1700-20131007:1615;20131012:CLOSED',
        expiry: '20131227',
        derived: false,
      }),
    ]);
  });

  it.each([
    ['{', 'is no JSON'],
    ['{}', '(all): '],
    ['[]', '(all): '],
    ['[{"localSymbol":"GCZ3","multiplier":"ten"}]', '0.multiplier: a decimal number as text'],
    ['[{"localSymbol":"GCZ3","timeZone":"Mars/Olympus"}]', '0.timeZone: an IANA time zone'],
    ['[{"localSymbol":"GCZ3","tradingHours":"always"}]', '0.tradingHours: sessions as IB writes them'],
    ['[{"localSymbol":"GCZ3","hours":""}]', '"hours"'],
  ])('%s is refused', async (json, what) => {
    const error: unknown = await withContracts(json).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(TapeError);
    expect((error as TapeError).code).toBe('TAPE_BAD_CONTRACTS');
    expect((error as TapeError).message).toContain(what);
    expect((error as TapeError).message).toContain('localSymbol (the symbol column of the tape)');
  });
});

describe.skipIf(sharedDataDir === undefined)(`real gold tapes (${whenAbsent} when skipped)`, () => {
  it.each([
    ['GCZ3_2013-10-07', 39_701, 1_314, '20131006:2000-20131007:1715;20131007:1800-20131007:2000'],
    ['GCZ3_2013-10-08', 52_037, 1_377, '20131007:2000-20131008:1715;20131008:1800-20131008:2000'],
  ])(
    '%s: %i rows in %i minutes, gold of December 2013, hours split at the daily halt',
    async (day, count, minutes, hours) => {
      const tape = await loadTape(join(sharedDataDir!, `ticks/${day}.ticks.csv.gz`));
      expect(tape.rows.length).toBe(count);
      expect(new Set(tape.rows.map((row) => Math.floor(row.timeMs / 60_000))).size).toBe(minutes);
      expect(tape.contracts).toEqual([
        expect.objectContaining({
          localSymbol: 'GCZ3',
          symbol: 'GC',
          secType: 'FUT',
          exchange: 'COMEX',
          multiplier: '100',
          minTick: '0.1',
          expiry: '20131227',
          contractMonth: '201312',
          timeZone: 'US/Eastern',
          tradingHours: hours,
          derived: true,
        }),
      ]);
      expect(tape.contracts[0]!.longName).toContain('derived');
    },
  );
});
