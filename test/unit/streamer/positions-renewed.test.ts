import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrackerEmit } from '../../../lib/domain/orders/tracker.ts';
import { ListDesk } from '../../../streamer/broker-lists.ts';
import { TrackerDriver } from '../../../streamer/tracker-driver.ts';
import { position } from '../orders/tracker-harness.ts';
import { FakeLink } from './fake-link.ts';

const account = 'DU1';
const TIMEOUT = 20_000;

let link: FakeLink;
let lists: ListDesk;
let tracker: TrackerDriver;
let told: string[];

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  let reqId = 1;
  link = new FakeLink(undefined, {} as never);
  lists = new ListDesk(link as never, { account, timeoutMs: TIMEOUT, nextReqId: () => reqId++ });
  const silent = () => undefined;
  tracker = new TrackerDriver({
    options: { account, roundTimeoutMs: 3 * TIMEOUT },
    memory: [],
    epoch: 1,
    lists,
    recorder: {
      record: (events: readonly TrackerEmit[]) => {
        for (const event of events) if (event.name === 'position.changed') told.push(event.data.position);
      },
    } as never,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    systemMs: Date.now,
  });
  tracker.connected();
});
afterEach(() => {
  tracker.stop();
  vi.useRealTimers();
});

/** Answers what is asked; positions with rows of these sizes, `null` for a list that does not end. */
function answer(sizes: readonly string[] | null): void {
  for (const size of sizes ?? []) tracker.fact(position(size));
  if (sizes !== null) lists.onEnd({ list: 'positions' });
  lists.onEnd({ list: 'open-orders' });
  lists.onEnd({ list: 'completed-orders' });
  lists.onEnd({ list: 'executions', reqId: link.reqId('executions') });
  lists.onEnd({ list: 'account-values', account });
}

const held = () => tracker.positions(account).map((report) => report.position);
const asked = () => link.sent.filter(({ what }) => what === 'positions').length;
const nextRound = () => vi.advanceTimersByTimeAsync(1_500);

describe('a position that closes while somebody renews the subscription', () => {
  it('is closed by the next list that lacks it too; until then nobody takes the picture for whole', async () => {
    answer(['2']);
    expect([held(), tracker.synced]).toEqual([['2'], true]);
    void lists.collect('positions'); // as a snapshot does
    answer([]);
    expect([held(), tracker.synced, tracker.protection()]).toEqual([['2'], false, undefined]);
    expect(tracker.stats().synced).toBe(false);
    await nextRound();
    expect(asked()).toBe(3);
    answer([]);
    expect([held(), tracker.synced, told]).toEqual([[], true, ['2', '0']]);
  });

  it('stays where the next list has it', async () => {
    answer(['2']);
    void lists.collect('positions');
    answer([]);
    await nextRound();
    answer(['2']);
    expect([held(), tracker.synced, told]).toEqual([['2'], true, ['2']]);
    await vi.advanceTimersByTimeAsync(55_000);
    expect(asked()).toBe(3);
  });

  it('is found closed although its last word but one came behind the question', async () => {
    answer(['5']);
    void lists.collect('positions');
    // Of the subscription that ends; that 3 became 0 is told to nobody.
    answer(['3']);
    expect(tracker.synced).toBe(true);
    for (let round = 0; round < 2; round += 1) {
      await nextRound();
      answer([]);
    }
    expect([held(), tracker.synced, told]).toEqual([[], true, ['5', '3', '0']]);
  });

  it('is asked for again where the new list does not end: nobody knows what was missed', async () => {
    answer(['2']);
    void lists.collect('positions');
    answer(null);
    await vi.advanceTimersByTimeAsync(TIMEOUT);
    lists.onEnd({ list: 'positions' }); // too late
    await vi.advanceTimersByTimeAsync(60_000 - TIMEOUT);
    answer([]);
    expect(held()).toEqual(['2']);
    await nextRound();
    answer([]);
    expect([held(), tracker.synced]).toEqual([[], true]);
  });

  it('draws nothing from two lists of two connections', async () => {
    answer(['2']);
    void lists.collect('positions');
    answer([]);
    tracker.disconnected();
    tracker.connected();
    answer([]);
    expect([held(), tracker.synced]).toEqual([['2'], false]);
    await nextRound();
    answer(['2']);
    expect([held(), tracker.synced, told]).toEqual([['2'], true, ['2']]);
  });
});
