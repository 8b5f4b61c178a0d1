import { expect, it, vi } from 'vitest';
import { configSchema } from '../../../config/schema.ts';
import { newsOf } from '../../../lib/alerts/news-of.ts';
import { streamerSource } from '../../../lib/events/sources.ts';
import type { EventPublisher, OutgoingEvent, PublishResult } from '../../../lib/ports/event-publisher.ts';
import { isDiskFault, tellLastWord } from '../../../streamer/last-word.ts';
import { OutboxError, unwritable } from '../../../streamer/outbox-file.ts';

const config = configSchema.parse({
  stage: 'sandbox',
  streamers: [
    {
      name: 'main',
      account: 'DU1234567',
      symbols: ['GC'],
      gateway: { clientId: 1, port: 4002 },
      dbPath: '/data/streamer.db',
    },
  ],
});
const error = unwritable('/data/streamer.db', new Error('database or disk is full'));

function options(publish: EventPublisher['publish']) {
  const logger = { warn: vi.fn() };
  const [streamer] = config.streamers;
  return { config, streamer: streamer!, bus: { publish }, logger, nowMs: () => 1_795_281_234_567 };
}

it('a disk that takes no write is told past the outbox, as an alert that the desk of alerts understands', async () => {
  const sent: OutgoingEvent[] = [];
  const publish = async (events: readonly OutgoingEvent[]): Promise<PublishResult[]> => {
    sent.push(...events);
    return events.map(() => ({ ok: true }));
  };
  await tellLastWord(error, options(publish));
  expect(sent).toHaveLength(1);
  expect(newsOf({ source: streamerSource, detail: JSON.parse(JSON.stringify(sent[0])) })).toMatchObject([
    {
      kind: 'raised',
      atMs: 1_795_281_234_567,
      news: {
        alert: 'outbox_unwritable',
        severity: 'CRITICAL',
        account: 'DU1234567',
        message: expect.stringMatching(
          /\/data\/streamer\.db cannot be written \(database or disk is full\).*DB_PATH/,
        ),
      },
    },
  ]);
});

it('a bus that refuses it, throws, or never answers holds up nobody, and is logged', async () => {
  vi.useFakeTimers();
  try {
    for (const publish of [
      async () => [{ ok: false, code: 'InternalFailure', message: 'try later' } as const],
      async () => Promise.reject(new Error('no network')),
      () => new Promise<never>(() => undefined),
    ]) {
      const given = options(publish);
      const told = tellLastWord(error, given);
      await vi.advanceTimersByTimeAsync(5_000);
      await told;
      expect(given.logger.warn).toHaveBeenCalledTimes(1);
    }
  } finally {
    vi.useRealTimers();
  }
});

it('only the disk has a last word', () => {
  expect(isDiskFault(error)).toBe(true);
  expect(isDiskFault(new OutboxError('OUTBOX_UNUSABLE', 'no space'))).toBe(true);
  expect(isDiskFault(new OutboxError('OUTBOX_IN_USE', 'another process'))).toBe(false);
  expect(isDiskFault(new Error('database or disk is full'))).toBe(false);
});
