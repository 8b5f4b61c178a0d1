import type { SQSRecord } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import { handleGroups } from '../../../functions/book-keeper/batch.ts';
import { createKeeper } from '../../../functions/book-keeper/keeper.ts';
import type { Notice } from '../../../lib/events/envelope.ts';
import type { DeadLetter } from '../../../lib/ports/dead-letter-queue.ts';
import type { PublishResult } from '../../../lib/ports/event-publisher.ts';
import { orderEvent } from '../../helpers/book-events.ts';
import { MemoryBook } from '../../helpers/memory-book.ts';

function record(messageId: string, group: string): SQSRecord {
  return { messageId, body: messageId, attributes: { MessageGroupId: group } } as unknown as SQSRecord;
}

describe('a batch of the FIFO queue', () => {
  const batch = [
    record('a1', 'A'),
    record('b1', 'B'),
    record('a2', 'A'),
    record('a3', 'A'),
    record('b2', 'B'),
  ];

  it('after a message that fails, the later ones of its group are not tried and fail too', async () => {
    const tried: string[] = [];
    const answer = await handleGroups(
      batch,
      async ({ id }) => {
        tried.push(id);
        if (id === 'a2') throw new Error('no');
      },
      () => true,
    );
    expect(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['a2', 'a3']);
    expect(tried.toSorted()).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  it('messages of one group are handled one after the other', async () => {
    const at = new Map<string, number>();
    let most = 0;
    await handleGroups(
      batch,
      async ({ group }) => {
        at.set(group, (at.get(group) ?? 0) + 1);
        most = Math.max(most, at.get(group) ?? 0);
        await Promise.resolve();
        at.set(group, (at.get(group) ?? 0) - 1);
      },
      () => true,
    );
    expect(most).toBe(1);
  });

  it('what is left when the time is nearly over comes again', async () => {
    let left = 3;
    const mayGoOn = (): boolean => {
      left -= 1;
      return left >= 0;
    };
    const answer = await handleGroups(batch, async () => undefined, mayGoOn);
    expect(answer.batchItemFailures).toHaveLength(2);
  });
});

describe('a message that can never be booked', () => {
  const message = { id: 'm-1', group: 'DU1', body: 'not JSON' };

  function createDesk(answers: readonly PublishResult[], put?: () => Promise<void>) {
    const letters: DeadLetter[] = [];
    const notices: Notice[] = [];
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const keep = createKeeper({
      book: new MemoryBook(),
      deadLetters: { put: put ?? (async (letter) => void letters.push(letter)) },
      publisher: {
        async publish(events) {
          notices.push(...(events as Notice[]));
          return [answers[Math.min(notices.length, answers.length) - 1]!];
        },
      },
      stage: 'paper',
      logger,
      nowMs: () => 0,
      sleep: async () => undefined,
      random: () => 0,
    });
    return { letters, notices, logger, keep };
  }

  const busy: PublishResult = { ok: false, code: 'ThrottlingException', message: 'slow down' };

  it('is put aside as it came, then the alert is raised', async () => {
    const { keep, letters, notices } = createDesk([{ ok: true }]);
    await keep(message);
    expect(letters).toMatchObject([
      { messageId: 'm-1', group: 'DU1', body: 'not JSON', reason: 'EVENT_NOT_JSON' },
    ]);
    expect(notices).toMatchObject([
      { id: 'book-keeper:m-1', stage: 'paper', account: 'DU1', type: 'alert.raised' },
    ]);
    expect(notices[0]).not.toHaveProperty('epoch');
  });

  it('fails when it cannot be put aside, and no alert says otherwise', async () => {
    const { keep, notices } = createDesk([{ ok: true }], async () => {
      throw new Error('no queue');
    });
    await expect(keep(message)).rejects.toThrow('no queue');
    expect(notices).toEqual([]);
  });

  it('the alert is tried again, and is logged when the bus does not take it', async () => {
    const recovering = createDesk([busy, { ok: true }]);
    await recovering.keep(message);
    expect(recovering.notices).toHaveLength(2);
    const down = createDesk([busy]);
    await down.keep(message);
    expect(down.letters).toHaveLength(1);
    expect(down.logger.error).toHaveBeenLastCalledWith('the alert could not be raised', {
      messageId: 'm-1',
      problem: 'ThrottlingException: slow down',
    });
  });

  it('an event that only failed is not put aside', async () => {
    const { letters, logger } = createDesk([{ ok: true }]);
    const book = new MemoryBook();
    book.commit = async () => 'conflict';
    const keep = createKeeper({
      book,
      deadLetters: { put: async (letter) => void letters.push(letter) },
      publisher: { publish: async () => [{ ok: true }] },
      stage: 'paper',
      logger,
      nowMs: () => 0,
      sleep: async () => undefined,
      random: () => 0,
    });
    const body = JSON.stringify(orderEvent('order.placed', 13, {}, { seq: 1 }));
    await expect(keep({ ...message, body })).rejects.toMatchObject({ code: 'BOOK_CONTENTION' });
    expect(letters).toEqual([]);
  });
});

describe('the handler at start', () => {
  it('refuses an environment that is not whole, and names the variables', async () => {
    vi.stubEnv('STAGE', 'production');
    vi.stubEnv('BOOK_TABLE', '');
    vi.stubEnv('AUDIT_TABLE', 'audit');
    await expect(import('../../../functions/book-keeper/handler.ts')).rejects.toThrow(
      /STAGE is "production".*\n.*BOOK_TABLE is "".*\n.*DEAD_LETTER_QUEUE_URL is missing/,
    );
    vi.unstubAllEnvs();
  });
});
