import { describe, expect, it } from 'vitest';
import type { Io } from '../../../bin/evenkeel/io.ts';
import { barLine, counted, createMeter } from '../../../bin/evenkeel/meter.ts';

function meterOn({ isTTY = true, json = false, columns = 100 } = {}) {
  let said = '';
  let clockMs = 0;
  const write = (text: string) => {
    said += text;
  };
  const output = { write, isTTY, columns };
  const io: Io = {
    out: output,
    err: output,
    env: {},
    signal: new AbortController().signal,
    nowMs: () => clockMs,
    sleep: async () => undefined,
    ask: undefined,
  };
  const meter = createMeter({ io, json });
  return {
    meter,
    at: (ms: number) => {
      clockMs = ms;
    },
    said: () => said,
  };
}

const half = { what: 'Restoring the book', done: 50, total: 100, detail: '50 of 100 items' };

describe('a progress bar', () => {
  it('fills from the left, and says 100 % only of what is done', () => {
    const bars = [0, 1, 50, 99.9, 100].map((done) =>
      barLine({ what: 'Reading', done, total: 100, detail: 'x' }, 0),
    );
    expect(bars).toEqual([
      'Reading  ░░░░░░░░░░░░░░░░░░░░░░░░   0 %  x',
      'Reading  ░░░░░░░░░░░░░░░░░░░░░░░░   1 %  x',
      'Reading  ████████████░░░░░░░░░░░░  50 %  x',
      'Reading  ████████████████████████  99 %  x',
      'Reading  ████████████████████████ 100 %  x',
    ]);
  });

  it('of nothing is whole', () => {
    expect(barLine({ what: 'Reading', done: 0, total: 0, detail: 'nothing' }, 5_000)).toContain('100 %');
  });

  it('says how long it may still take, once there is something to judge by', () => {
    expect(barLine({ ...half, done: 25 }, 1_000)).not.toContain('left');
    expect(barLine({ ...half, done: 25 }, 10_000)).toMatch(/50 of 100 items, about 30 s left$/);
    expect(barLine({ ...half, done: 1 }, 10_000)).toMatch(/about 16 min 30 s left$/);
  });

  it('is one line of a terminal that is drawn over and taken away', () => {
    const { meter, at, said } = meterOn();
    meter.show(half);
    at(10);
    meter.show({ ...half, done: 51 });
    at(200);
    meter.show({ ...half, done: 60 });
    meter.clear();
    meter.clear();
    expect(said().split('\r\u001B[K').slice(1)).toEqual([
      barLine(half, 0),
      barLine({ ...half, done: 60 }, 200),
      '',
    ]);
  });

  it('never wraps', () => {
    const { meter, said } = meterOn({ columns: 40 });
    meter.show(half);
    expect(said().replace('\r\u001B[K', '')).toHaveLength(39);
  });

  it('is a plain line every five seconds where nobody watches', () => {
    const { meter, at, said } = meterOn({ isTTY: false });
    for (let ms = 0; ms <= 11_000; ms += 1_000) {
      at(ms);
      meter.show({ ...half, done: ms / 1_000 });
    }
    meter.clear();
    expect(said()).toBe(
      'Restoring the book: 5 %, 50 of 100 items\nRestoring the book: 10 %, 50 of 100 items\n',
    );
  });

  it('is nothing with --json', () => {
    const { meter, at, said } = meterOn({ json: true });
    at(60_000);
    meter.show(half);
    meter.clear();
    expect(said()).toBe('');
  });
});

it('what comes is counted while it comes, and comes as it is', async () => {
  const { meter, at, said } = meterOn({ isTTY: false });
  async function* coming() {
    for (const ms of [0, 6_000, 7_000, 12_000]) {
      at(ms);
      yield ms;
    }
  }
  const all: number[] = [];
  for await (const one of counted(coming(), meter, { what: 'Reading', noun: 'row' })) all.push(one);
  expect(all).toEqual([0, 6_000, 7_000, 12_000]);
  expect(said()).toBe('Reading: 2 rows\nReading: 4 rows\n');
});
