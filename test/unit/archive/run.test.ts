import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../../config/env.ts';
import { readArchiveEnv } from '../../../functions/archive/env.ts';
import { type RunOptions, run } from '../../../functions/archive/run.ts';
import { parseNotice } from '../../../lib/events/envelope.ts';

const env = {
  STAGE: 'paper',
  BOOK_TABLE: 'book',
  AUDIT_TABLE: 'audit',
  CANDLES_TABLE: 'candles',
  ARCHIVE_BUCKET: 'bucket',
  EVENT_BUS_NAME: 'bus',
};

async function* none(): AsyncGenerator<never> {}

function optionsOf(answers: readonly boolean[], changes: Partial<RunOptions> = {}) {
  const sent: unknown[] = [];
  const logged: string[] = [];
  const options: RunOptions = {
    source: { series: none, accounts: none },
    candles: { query: none },
    audit: { chains: async () => [], rows: none },
    book: { list: none },
    store: { put: async () => 'stored', get: async () => undefined, list: none },
    refOf: () => undefined,
    nowMs: () => Date.UTC(2026, 0, 6, 2, 30),
    stage: 'paper',
    publisher: {
      publish: async (events) => {
        sent.push(...events);
        return [answers[sent.length - 1] ? { ok: true } : { ok: false, code: 'Throttled', message: 'slow' }];
      },
    },
    logger: {
      info: () => undefined,
      error: (input) => {
        logged.push(typeof input === 'string' ? input : input.message);
      },
    },
    ...changes,
  };
  return { options, sent, logged };
}

describe('environment of the archive', () => {
  it('is taken as it is', () => {
    expect(readArchiveEnv(env)).toEqual(env);
  });

  it('is refused with a line for each variable that is wrong', () => {
    const wrong = { ...env, STAGE: 'papr', BOOK_TABLE: '', EVENT_BUS_NAME: undefined };
    expect(() => readArchiveEnv(wrong)).toThrow(EnvironmentError);
    expect(() => readArchiveEnv(wrong)).toThrow(
      /STAGE is "papr"; it must be one of sandbox, paper, live\n.*BOOK_TABLE is "".*\n.*EVENT_BUS_NAME is missing/,
    );
  });
});

describe('a run of the archive', () => {
  it('with nothing to archive marks its days and says so', async () => {
    const { options, sent } = optionsOf([]);
    const { days } = await run({}, options);
    expect(days.map(({ date, files }) => [date, files])).toEqual([
      ['2026-01-03', 0],
      ['2026-01-04', 0],
      ['2026-01-05', 0],
    ]);
    expect(sent).toEqual([]);
  });

  it('raises the alert until the bus takes it, under one id, and throws', async () => {
    const source = {
      accounts: none,
      series: () => {
        throw new Error('the table is away');
      },
    };
    const { options, sent, logged } = optionsOf([false, true], { source });
    await expect(run({ date: '2026-01-05' }, options)).rejects.toThrow('the table is away');
    expect(sent).toHaveLength(2);
    expect(sent[0]).toEqual(sent[1]);
    expect(parseNotice(sent[0])).toMatchObject({
      id: 'archive:2026-01-05..2026-01-05',
      data: { alert: 'archive_failed', message: 'the table is away' },
    });
    expect(logged).toEqual(['failed']);
  });

  it('a bus that takes nothing does not hide what failed', async () => {
    const { options, logged } = optionsOf([]);
    await expect(run({ days: 0 }, options)).rejects.toThrow('ARCHIVE_REQUEST_INVALID');
    expect(logged).toEqual(['failed', 'the alert could not be raised']);
  });

  it('a trail that cannot be read leaves its days without a marker', async () => {
    const put: string[] = [];
    const { options } = optionsOf([true], {
      source: {
        series: none,
        async *accounts() {
          yield 'DU1';
        },
      },
      audit: {
        chains: async () => {
          throw new Error('no trail');
        },
        rows: none,
      },
      store: {
        put: async ({ key }) => {
          put.push(key);
          return 'stored';
        },
        get: async () => undefined,
        list: none,
      },
    });
    await expect(run({}, options)).rejects.toThrow('positions of account DU1: no trail');
    expect(put).toEqual([]);
  });
});
