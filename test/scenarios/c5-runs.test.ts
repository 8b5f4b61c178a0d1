/** C5, when a run of reconcile takes place and when it does not; on real tables. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';
import { ReconcileDesk, stage } from '../helpers/reconcile-desk.ts';
import { account, minute } from '../helpers/reconcile-world.ts';

const clock = { trigger: 'schedule', by: 'clock' } as const;

describe.skipIf(!engineIsHere)('C5: continuous', () => {
  let engine: DynamoEngine;
  let count = 0;
  const openDesk = async () => {
    count += 1;
    const desk = await ReconcileDesk.open(engine, `c5-${count}`);
    desk.world.both(17);
    await desk.book();
    await desk.flags(stage);
    return desk;
  };

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(async () => engine.stop());

  it('S100 a run during a reset window is postponed, not failed', async () => {
    const desk = await openDesk();
    await desk.run();
    const resetWindows = [
      {
        name: 'always',
        timeZone: 'America/New_York',
        days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
        from: '00:00',
        to: '00:00',
      },
    ];
    for (const trigger of ['schedule', 'start', 'plan']) {
      const postponed = await desk.run({ trigger, by: 'clock' }, {}, { resetWindows });
      // The lock stays as it was.
      expect(postponed).toMatchObject({ status: 'POSTPONED', code: 'RESET_WINDOW', lock: { state: 'open' } });
      expect(postponed.reason).toContain('IB resets until');
    }
    expect(desk.commands).toHaveLength(1);
    expect(await desk.state()).toMatchObject({ last: { status: 'POSTPONED' } });
    expect(desk.alerts()).toEqual([]);
    expect((await desk.safety.flags(account)).flags.SAFE_MODE).toBe(false);
    // A person may look all the same, and afterwards the clock goes on.
    expect(await desk.run({}, {}, { resetWindows })).toMatchObject({ status: 'COMPLETED' });
    expect(await desk.run(clock)).toMatchObject({ status: 'COMPLETED' });
  });

  it('S101 every session closed: the clock asks once an hour, a start and a person at once', async () => {
    const desk = await openDesk();
    const store = async (conId: number, tradingHours: string, expectedVersion = 0) => {
      const body = { conId, tradingHours, timeZone: 'America/New_York' };
      const cause = { kind: 'event', id: 'x', name: 'instrument.resolved', reason: '' } as const;
      const writes = [{ ref: { kind: 'instrument', id: String(conId) } as const, expectedVersion, body }];
      await desk.tables.book.commit({
        account,
        writer: 'reconcile',
        cause,
        atMs: desk.nowMs,
        orderKey: '',
        writes,
      });
    };
    await store(1, '20260105:CLOSED;20260106:0930-20260106:1600');
    await store(2, '20260105:0930-20260105:2300');
    // One of them trades.
    expect(await desk.run(clock)).toMatchObject({ status: 'COMPLETED' });
    expect(await desk.run(clock)).toMatchObject({ status: 'COMPLETED' });
    await store(2, '20260105:CLOSED', 1);
    const judged = desk.commands.length;
    for (let n = 0; n < 11; n += 1) {
      expect(await desk.run(clock)).toMatchObject({
        status: 'SKIPPED',
        code: 'SESSIONS_CLOSED',
        lock: { state: 'open' },
      });
    }
    expect(desk.commands).toHaveLength(judged);
    expect(await desk.run(clock)).toMatchObject({ status: 'COMPLETED' });
    expect(await desk.run({ trigger: 'start', by: 'streamer' })).toMatchObject({ status: 'COMPLETED' });
    expect(await desk.run()).toMatchObject({ status: 'COMPLETED' });
    expect(await desk.run(clock)).toMatchObject({ status: 'SKIPPED' });
    // Closed hours raise nothing.
    expect(desk.alerts()).toEqual([]);
    desk.world.later(60 * minute);
    // What nobody knows counts as open.
    await store(3, '');
    expect(await desk.run(clock)).toMatchObject({ status: 'COMPLETED' });
    expect(await desk.run(clock)).toMatchObject({ status: 'COMPLETED' });
  });
});
