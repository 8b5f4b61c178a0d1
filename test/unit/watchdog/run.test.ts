import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bookFacts } from '../../../functions/watchdog/book-facts.ts';
import { run, WatchdogError } from '../../../functions/watchdog/run.ts';
import { barePositions } from '../../../lib/domain/safety/protection-facts.ts';
import type { ToldOrderWords } from '../../helpers/reconcile-world.ts';
import { World } from '../../helpers/reconcile-world.ts';
import { es, esJune } from '../orders/order-harness.ts';
import { minute, second, startMs, WatchedStage } from './watched-stage.ts';

const missing = 'CRITICAL heartbeat_missing streamer main';
const back = 'INFO heartbeat_back streamer main';
const unprotected = `CRITICAL unprotected_position position ${es.conId}`;
const cured = `INFO position_protected position ${es.conId}`;
const stop: ToldOrderWords = {
  side: 'SELL',
  quantity: '2',
  status: 'PreSubmitted',
  terms: { orderType: 'STP', stopPrice: '4900' },
};

describe('heartbeats', () => {
  it('S143 no heartbeat for a minute is told from outside the task, again every 15 minutes, and once when it is back', async () => {
    const stage = new WatchedStage();
    expect(await stage.look(minute, false)).toEqual([]);
    expect(await stage.look(1, false)).toEqual([missing]);
    expect(stage.sent[0]).toMatchObject({
      type: 'alert.raised',
      account: 'DU1',
      stage: 'paper',
      id: `watchdog:DU1:heartbeat_missing:${startMs}:0`,
    });
    expect(JSON.stringify(stage.sent[0]!.data)).toContain('evenkeel status --account DU1');
    expect(await stage.look(14 * minute, false)).toEqual([]);
    expect(await stage.look(minute, false)).toEqual([missing]);
    expect(await stage.look()).toEqual([back]);
    expect(await stage.look()).toEqual([]);
  });

  it('one that is late and was never told is not told to be back', async () => {
    const stage = new WatchedStage();
    stage.resetWindows = [{ name: 'night', timeZone: 'UTC', days: ['mon'], from: '15:00', to: '16:00' }];
    await stage.look(2 * minute, false);
    expect(await stage.look()).toEqual([]);
  });

  it('is not missed inside a reset window, and is right after it', async () => {
    const stage = new WatchedStage();
    stage.resetWindows = [
      { name: 'night', timeZone: 'America/New_York', days: ['mon'], from: '10:15', to: '11:00' },
    ];
    expect(await stage.look(29 * minute + 59 * second, false)).toEqual([]);
    expect(await stage.look(second, false)).toEqual([missing]);
  });

  it('a streamer that never wrote one is given ten minutes', async () => {
    const stage = new WatchedStage();
    stage.heartbeatMs = undefined;
    expect(await stage.look(0, false)).toEqual([]);
    expect(await stage.look(10 * minute - 1, false)).toEqual([]);
    expect(await stage.look(1, false)).toEqual([missing]);
    expect(JSON.stringify(stage.sent)).toContain('has never written a heartbeat');
    expect(await stage.look()).toEqual([back]);
  });
});

describe('what is done again and again', () => {
  const late = 'HIGH reconcile_late account DU1';
  const onTime = 'INFO reconcile_on_time account DU1';

  it('a reconcile that has not judged for an hour and a quarter is told, each hour, and once when it judges again', async () => {
    const stage = new WatchedStage();
    stage.judged(startMs);
    expect(await stage.look(75 * minute)).toEqual([]);
    expect(stage.rows.get('DU1')?.version ?? 0).toBeLessThanOrEqual(1);
    expect(await stage.look(1)).toEqual([late]);
    expect(JSON.stringify(stage.sent[0]!.data)).toContain('for 75 min');
    expect(await stage.look(59 * minute)).toEqual([]);
    expect(await stage.look(minute)).toEqual([late]);
    stage.judged(stage.nowMs);
    expect(await stage.look()).toEqual([onTime]);
    expect(await stage.look()).toEqual([]);
    expect(new Set(stage.sent.map(({ id }) => id)).size).toBe(3);
  });

  it('one that never judged is told too; one that a person has paused, or that a reset holds up, is not', async () => {
    const never = new WatchedStage();
    await never.look();
    expect(await never.look(75 * minute)).toEqual([late]);
    const paused = new WatchedStage();
    paused.judged(startMs, startMs + 180 * minute);
    expect(await paused.look(179 * minute)).toEqual([]);
    expect(await paused.look(minute)).toEqual([late]);
    const reset = new WatchedStage();
    reset.judged(startMs);
    reset.resetWindows = [{ name: 'night', timeZone: 'UTC', days: ['mon'], from: '16:00', to: '17:30' }];
    expect(await reset.look(76 * minute)).toEqual([]);
    expect(await reset.look(45 * minute)).toEqual([late]);
  });

  it("a streamer that lives and does not compare with the broker's lists is told; one that is silent has an alert of its own", async () => {
    const stage = new WatchedStage();
    stage.judged(startMs + 24 * 60 * minute);
    stage.syncedMs = startMs;
    expect(await stage.look(8 * minute)).toEqual([]);
    expect(await stage.look(1)).toEqual(['HIGH broker_lists_late streamer main']);
    stage.syncedMs = undefined;
    expect(await stage.look()).toEqual(['INFO broker_lists_back streamer main']);
    const silent = new WatchedStage();
    silent.judged(startMs + 24 * 60 * minute);
    silent.syncedMs = startMs;
    expect(await silent.look(9 * minute, false)).toEqual([missing]);
  });
});

describe('positions of the book', () => {
  it('without working stops in two looks are told, again every 15 minutes, and once when they are cured', async () => {
    const stage = new WatchedStage();
    stage.world.toldPosition('2');
    expect(await stage.look()).toEqual([]);
    // The clock calls each minute, and never to the millisecond.
    expect(await stage.look(minute - 400)).toEqual([unprotected]);
    expect(JSON.stringify(stage.sent[0]!.data)).toContain('by what the book has');
    for (let n = 1; n < 15; n += 1) expect(await stage.look()).toEqual([]);
    expect(await stage.look()).toEqual([unprotected]);
    stage.world.told(5, stop);
    expect(await stage.look()).toEqual([cured]);
    expect(await stage.look()).toEqual([]);
    expect(new Set(stage.sent.map(({ id }) => id)).size).toBe(3);
  });

  it('a fill whose stop comes within the minute is not told', async () => {
    const stage = new WatchedStage();
    stage.world.toldPosition('2');
    await stage.look();
    stage.world.told(5, stop);
    expect(await stage.look()).toEqual([]);
  });

  it.each([
    { what: 'a stop that ended', told: { ...stop, status: 'Cancelled' as const } },
    { what: 'a limit order', told: { ...stop, terms: { orderType: 'LMT' } } },
    { what: 'a stop that buys', told: { ...stop, side: 'BUY' as const } },
    { what: 'a stop of another contract', told: { ...stop, contract: esJune } },
  ])('are not protected by $what', async ({ told }) => {
    const stage = new WatchedStage();
    stage.world.toldPosition('2').told(5, told);
    await stage.look();
    expect(await stage.look()).toEqual([unprotected]);
  });

  it('are protected by a child as far as its parent is filled', async () => {
    const stage = new WatchedStage();
    const child = { ...stop, terms: { ...stop.terms, parentId: 1, parentKey: 'P1' } };
    // The child comes before its parent in the book.
    stage.world.toldPosition('2').told(5, child).told(1, { quantity: '3', status: 'Submitted', filled: '1' });
    await stage.look();
    expect(await stage.look()).toEqual([unprotected]);
    stage.world.told(1, { quantity: '3', status: 'Submitted', filled: '2' });
    expect(await stage.look()).toEqual([cured]);
  });

  it('need none where the configuration says so', async () => {
    const stage = new WatchedStage();
    stage.noStopNeeded = ['ES'];
    stage.world.toldPosition('2');
    for (let n = 0; n < 4; n += 1) expect(await stage.look()).toEqual([]);
  });

  it('orphaned children are not looked for: not all orders are read', async () => {
    const stage = new WatchedStage();
    const terms = { ...stop.terms, parentId: 1, parentKey: 'P1' };
    stage.world.toldPosition('2').told(1, { status: 'Cancelled' });
    stage.world.told(5, { ...stop, contract: esJune, terms });
    await stage.look();
    expect(await stage.look()).toEqual([unprotected]);
    expect(await stage.look()).toEqual([]);
  });

  it('are not judged while the streamer lives and has not compared with the broker; they are when it is gone', async () => {
    const stage = new WatchedStage();
    stage.world.toldPosition('2');
    stage.synced = false;
    for (let n = 0; n < 10; n += 1) expect(await stage.look()).toEqual([]);
    await stage.look(61 * second, false);
    expect(await stage.look(minute, false)).toEqual([unprotected]);
  });

  it('the orders of the book are read only when the stops of the last look do not cover any more', async () => {
    const stage = new WatchedStage();
    stage.world.told(1, { status: 'Filled', filled: '5' }).told(2, { status: 'Cancelled' });
    await stage.look();
    expect(stage.listings).toBe(0);
    const child = { ...stop, terms: { ...stop.terms, parentId: 1, parentKey: 'P1' } };
    stage.world.toldPosition('2').told(5, child);
    await stage.look();
    expect(stage.listings).toBe(1);
    for (let n = 0; n < 5; n += 1) await stage.look();
    expect(stage.listings).toBe(1);
    expect(new Set(stage.readByName.filter((id) => id !== 'STATE'))).toEqual(new Set(['P5', 'P1']));
    // Replaced by another stop: found, and known from then on.
    stage.world.told(5, { ...child, status: 'Cancelled' }).told(6, stop);
    await stage.look();
    await stage.look();
    expect(stage.listings).toBe(2);
    expect(stage.sent).toEqual([]);
  });

  it('what is remembered of stops never changes the verdict', async () => {
    const order = fc.record({
      permId: fc.integer({ min: 1, max: 6 }),
      quantity: fc.integer({ min: 1, max: 3 }),
      side: fc.constantFrom('BUY' as const, 'SELL' as const),
      status: fc.constantFrom('PreSubmitted' as const, 'Submitted' as const, 'Cancelled' as const),
      contract: fc.constantFrom(es, esJune),
      orderType: fc.constantFrom('STP', 'LMT'),
    });
    const size = fc.integer({ min: -3, max: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(order, { maxLength: 8 }),
        fc.tuple(size, size),
        fc.subarray(['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P99']),
        async (orders, sizes, remembered) => {
          const stage = new WatchedStage();
          stage.world = new World();
          for (const { permId, quantity, orderType, ...words } of orders)
            stage.world.told(permId, { ...words, quantity: String(quantity), terms: { orderType } });
          stage.world.toldPosition(String(sizes[0])).toldPosition(String(sizes[1]), '1', esJune);
          const judge = async (stops: readonly string[]) => {
            const { facts } = await bookFacts('DU1', stops, [], stage.options.book);
            return barePositions(facts, []).map(({ contract, covered }) => [
              contract.conId,
              covered.toFixed(),
            ]);
          };
          expect(await judge(remembered)).toEqual(await judge([]));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('a look', () => {
  it('that the bus does not take is not remembered: the next one raises the same under the same id', async () => {
    const stage = new WatchedStage();
    stage.world.toldPosition('2');
    await stage.look();
    stage.busTakes = false;
    const before = stage.rows.get('DU1');
    await expect(stage.look()).rejects.toThrow(WatchdogError);
    expect(stage.rows.get('DU1')).toEqual(before);
    stage.busTakes = true;
    const sinceMs = startMs + minute;
    expect(await stage.look()).toEqual([unprotected]);
    expect(stage.sent[0]!.id).toBe(`watchdog:DU1:unprotected_position:${es.conId}:${sinceMs}:0`);
  });

  it('beside another one raises the same ids, and one of them is remembered', async () => {
    const stage = new WatchedStage();
    stage.world.toldPosition('2');
    await stage.look();
    stage.nowMs += minute;
    stage.heartbeatMs = stage.nowMs;
    const { version } = stage.rows.get('DU1')!;
    await Promise.all([run(stage.options), run(stage.options)]);
    expect(stage.sent).toHaveLength(2);
    expect(stage.sent[0]!.id).toBe(stage.sent[1]!.id);
    expect(stage.rows.get('DU1')!.version).toBe(version + 1);
    expect(stage.logged).toEqual(['another look came first']);
    expect(await stage.look()).toEqual([]);
  });

  it('that finds all as it was writes nothing', async () => {
    const stage = new WatchedStage();
    stage.world.toldPosition('2').told(5, stop);
    await stage.look();
    const row = stage.rows.get('DU1');
    expect(row?.version).toBe(1);
    await stage.look();
    expect(stage.rows.get('DU1')).toBe(row);
  });

  it('begins anew with a memory that it cannot read', async () => {
    const stage = new WatchedStage();
    stage.world.toldPosition('2');
    for (const memory of ['', '{"form":0}', 'null']) {
      stage.rows.set('DU1', { version: 7, memory });
      expect(await stage.look()).toEqual([]);
      expect(stage.rows.get('DU1')!.version).toBe(8);
    }
    expect(await stage.look()).toEqual([unprotected]);
  });

  it('at one account that fails keeps no other from being looked at, and says so from the second time on', async () => {
    const stage = new WatchedStage();
    stage.accounts = [
      { account: 'DU2', streamer: 'second' },
      { account: 'DU1', streamer: 'main' },
    ];
    stage.broken.add('DU2');
    stage.world.toldPosition('2');
    await expect(stage.look()).rejects.toThrow(
      /WATCHDOG_FAILED: 1 accounts .*DU2: the table does not answer/,
    );
    expect(stage.sent).toEqual([]);
    await expect(stage.look()).rejects.toThrow(WatchdogError);
    const failed = 'HIGH watchdog_failed account DU2';
    const names = () => stage.sent.map(({ data }) => (data as { alert: string }).alert);
    expect(names()).toEqual(['unprotected_position', 'watchdog_failed']);
    for (let n = 0; n < 14; n += 1) await expect(stage.look()).rejects.toThrow(WatchdogError);
    expect(names().filter((name) => name === 'watchdog_failed')).toHaveLength(1);
    await expect(stage.look()).rejects.toThrow(WatchdogError);
    expect(names().filter((name) => name === 'watchdog_failed')).toHaveLength(2);
    stage.broken.clear();
    expect(await stage.look()).not.toContain(failed);
    expect(stage.failures.size).toBe(0);
  });

  it('sends more than ten alerts in batches that the bus takes', async () => {
    const stage = new WatchedStage();
    for (let n = 1; n <= 23; n += 1) stage.world.toldPosition('1', '1', { ...es, conId: n });
    await stage.look();
    expect(await stage.look()).toHaveLength(23);
  });
});
