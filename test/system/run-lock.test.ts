import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunLockTable } from '../../lib/aws/run-lock-table.ts';
import type { Envelope } from '../../lib/events/envelope.ts';
import { keepInstrument, resolvedInstrument } from '../../lib/reconcile/instruments.ts';
import { createBookTables } from '../helpers/book-tables.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';
import { readExample } from '../helpers/render-event-docs.ts';

describe.skipIf(!engineIsHere)('the run lock in the control table', () => {
  let engine: DynamoEngine;
  let locks: RunLockTable;

  beforeAll(async () => {
    engine = await startDynamoEngine();
    await engine.createTable('control');
    locks = new RunLockTable({ client: engine.client, tableName: 'control' });
  });
  afterAll(async () => engine.stop());

  const wish = (runId: string, nowMs: number) => ({ runId, nowMs, untilMs: nowMs + 100 });

  it('one run of many gets it; its token counts up; what is given back or expired is free', async () => {
    const taken = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => locks.take('DU1', wish(`run${n}`, 1_000))),
    );
    const winners = taken.filter((one) => one.taken);
    expect(winners).toEqual([{ taken: true, token: 1 }]);
    const row = (await locks.read('DU1'))!;
    expect(row).toMatchObject({ token: 1, untilMs: 1_100 });
    for (const one of taken) if (!one.taken) expect(one.heldBy).toEqual(row);
    expect(await locks.take('DU1', wish('late', 1_099))).toEqual({ taken: false, heldBy: row });
    expect(await locks.take('DU1', wish('later', 1_100))).toEqual({ taken: true, token: 2 });
    // The first one comes to its end: the lock is no longer its own to give back.
    await locks.release('DU1', 1);
    expect(await locks.take('DU1', wish('other', 1_150))).toMatchObject({ taken: false });
    await locks.release('DU1', 2);
    expect(await locks.take('DU1', wish('other', 1_150))).toEqual({ taken: true, token: 3 });
    // Accounts do not know of each other.
    expect(await locks.take('DU2', wish('other', 1_150))).toEqual({ taken: true, token: 1 });
    expect(await locks.read('DU3')).toBeUndefined();
  });

  it('a request that is carried out twice takes it once, and a late one takes nothing that was given back', async () => {
    const taken = { taken: true, token: 1 };
    expect(await locks.take('DU4', wish('run', 1_000))).toEqual(taken);
    // The first request was answered too late, and was sent again.
    expect(await locks.take('DU4', wish('run', 1_000))).toEqual(taken);
    await locks.release('DU4', 1);
    // A third one lay in a buffer until now.
    expect(await locks.take('DU4', wish('run', 1_000))).toMatchObject({ taken: false });
    expect(await locks.take('DU4', wish('next', 1_001))).toEqual({ taken: true, token: 2 });
  });

  it('an instrument is kept once, by its latest word', async () => {
    const tables = await createBookTables(engine, 'instruments');
    const example = readExample('instrument.resolved') as Envelope<'instrument.resolved'>;
    const detail = { ...example, epoch: 2, seq: 5 };
    const event = (changes: object) => ({
      'detail-type': 'instrument.resolved',
      source: 'x',
      detail: { ...detail, ...changes },
    });
    const keep = async (changes: object) =>
      keepInstrument(resolvedInstrument(event(changes))!, { book: tables.book, nowMs: () => 0 });
    expect(await keep({})).toBe(true);
    expect(await keep({})).toBe(false);
    expect(await keep({ epoch: 1, seq: 99 })).toBe(false);
    expect(await keep({ seq: 6, data: { ...detail.data, tradingHours: 'later' } })).toBe(true);
    const ref = { kind: 'instrument', id: String(detail.data.conId) } as const;
    const [item] = await tables.book.read(detail.account, [ref]);
    expect(item).toMatchObject({ version: 2, body: { tradingHours: 'later', conId: detail.data.conId } });
    expect(resolvedInstrument({ trigger: 'operator', by: 'anna' })).toBeUndefined();
  });
});
