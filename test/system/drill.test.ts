/** Restore drills on a real engine: into tables of their own, which are gone afterwards whatever happens. */
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunOptions, run } from '../../functions/drill/run.ts';
import { openRestoreTarget, restoreTools } from '../../lib/aws/restore-target.ts';
import { DynamoScratchTables, NotAScratchTableError } from '../../lib/aws/scratch-tables.ts';
import type { Notice } from '../../lib/events/envelope.ts';
import { parseNotice } from '../../lib/events/envelope.ts';
import type { SnapshotDocument } from '../../lib/events/snapshot-document.ts';
import type { OutgoingEvent } from '../../lib/ports/event-publisher.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { createDesk, type Desk, place, startMs, tradeDay, tradeDays } from '../helpers/restore-desk.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const arn = `arn:aws:lambda:${place.region}:${place.awsAccount}:function:evenkeel-paper-drill`;
const account = 'DU1';
const dayMs = 86_400_000;
const prefix = 'evenkeel-paper-drill-';
const silent = { info: () => undefined, error: () => undefined };

describe.skipIf(!engineIsHere)(`the restore drill${skipped}`, () => {
  let engine: DynamoEngine;
  let desk: Desk;
  let scratch: DynamoScratchTables;
  let said: Notice[] = [];

  beforeAll(async () => {
    engine = await startDynamoEngine();
    scratch = new DynamoScratchTables({ client: engine.client, prefix, pollSeconds: 1 });
    desk = await createDesk(engine, 'live');
    await tradeDays(desk, account, 3);
    await desk.backup();
    await tradeDay(desk.tables.book, account, 8);
  });
  afterAll(() => engine?.stop());

  function options(changes: Partial<RunOptions> = {}): RunOptions {
    said = [];
    return {
      store: desk.bucket,
      tools: restoreTools,
      prefix,
      scratch,
      open: (tables) => openRestoreTarget(engine.client, tables),
      live: desk.tables.book,
      snapshots: desk.bucket,
      stage: 'paper',
      programVersion: '1.0.0',
      nowMs: () => startMs + 30 * dayMs,
      logger: silent,
      publisher: {
        async publish(events: readonly OutgoingEvent[]) {
          said.push(...events.map((event) => parseNotice(JSON.parse(JSON.stringify(event)))));
          return events.map(() => ({ ok: true }) as const);
        },
      },
      ...changes,
    };
  }

  async function tables(): Promise<readonly string[]> {
    const { TableNames = [] } = await engine.client.send(new ListTablesCommand({}));
    return TableNames.filter((name) => !name.startsWith('live-'));
  }

  it('restores, compares with the last snapshot, reports, and removes its tables and those that were left', async () => {
    await scratch.create(`${prefix}20260101000000-book`, 'book');
    putSnapshot();
    const before = [await desk.dump('book'), await desk.dump('audit'), await desk.dump('control')];
    const report = await run({ trigger: 'schedule', by: 'weekly' }, arn, options());
    expect(report).toMatchObject({
      id: 'drill_20260204_143000',
      ok: true,
      findings: [],
      by: 'weekly',
      // From the last row, the plan's of the fourth day.
      recoveryPointMs: 27 * dayMs,
      accounts: [{ account, rowsSince: 5, snapshot: { key: `snapshots/${account}/one.json` } }],
    });
    for (const { manifest, restored } of report.accounts[0]!.counts) expect(restored).toBe(manifest);
    expect(report.accounts[0]?.snapshot?.positions).toEqual({
      same: 1,
      differ: ['GCZ3 (7): 2 in the backup, 3 in the snapshot'],
    });
    expect(report.accounts[0]?.snapshot?.openOrders).toEqual({
      same: 0,
      differ: ['P77 is open in the snapshot, and not in the backup'],
    });
    expect(await tables()).toEqual([]);
    expect([await desk.dump('book'), await desk.dump('audit'), await desk.dump('control')]).toEqual(before);
    expect(JSON.parse(Buffer.from((await desk.bucket.get(report.key))!).toString())).toEqual(report);
    expect(said).toMatchObject([
      { type: 'drill.completed', account: '*', data: { ok: true, report: report.key } },
    ]);
  });

  it('a backup that does not restore is found, and the alert is raised', async () => {
    const damaged = await createDesk(engine, 'live-damaged');
    await tradeDays(damaged, account, 1);
    const { manifest } = await damaged.backup();
    const { key } = manifest.parts.at(-1)!;
    damaged.bucket.remove(key);
    const failed = run({}, arn, options({ store: damaged.bucket, live: damaged.tables.book }));
    await expect(failed).rejects.toMatchObject({
      code: 'DRILL_FAILED',
      message: expect.stringContaining(key),
    });
    expect(said).toMatchObject([
      { type: 'drill.completed', data: { ok: false } },
      { type: 'alert.raised', data: { alert: 'drill_failed', severity: 'CRITICAL' } },
    ]);
    expect(await tables()).toEqual([]);
  });

  it('whatever fails on the way, its tables are removed', async () => {
    const open: RunOptions['open'] = (names) => ({
      ...openRestoreTarget(engine.client, names),
      load: { put: () => Promise.reject(new Error('the engine is gone')) },
    });
    await expect(run({}, arn, options({ open }))).rejects.toThrow('the engine is gone');
    expect(said).toMatchObject([{ type: 'alert.raised', data: { alert: 'drill_failed' } }]);
    expect(await tables()).toEqual([]);
  });

  it('makes and removes no table of another name', async () => {
    await expect(scratch.remove('live-book')).rejects.toThrow(NotAScratchTableError);
    await expect(scratch.create('evenkeel-paper-book', 'book')).rejects.toThrow(NotAScratchTableError);
    expect(() => new DynamoScratchTables({ client: engine.client, prefix: '' })).toThrow(
      NotAScratchTableError,
    );
    await scratch.remove(`${prefix}never-there`);
    expect((await desk.dump('book')).size).toBeGreaterThan(0);
  });

  /** The third day's position as it was, the second's with another size, and an order that the book does not have. */
  function putSnapshot(): void {
    const contract = {
      conId: 0,
      symbol: 'GC',
      secType: 'FUT',
      exchange: 'COMEX',
      currency: 'USD',
      lastTradeDate: '20131227',
      strike: '0',
      right: '',
      multiplier: '100',
      tradingClass: 'GC',
      localSymbol: 'GCZ3',
    } as const;
    const position = (conId: number, size: string) => ({
      kind: 'position' as const,
      account,
      contract: { ...contract, conId },
      position: size,
      averageCost: '1',
    });
    const terms = {
      action: 'BUY',
      quantity: '1',
      orderType: 'LMT',
      limitPrice: '1',
      stopPrice: null,
      trailingPercent: null,
      trailStopPrice: null,
      timeInForce: 'DAY',
      goodTillDate: '',
      outsideRth: false,
      ocaGroup: '',
      ocaType: 0,
      parentId: 0,
    } as const;
    const open = {
      kind: 'open-order' as const,
      account,
      orderId: 1,
      clientId: 1,
      permId: 77,
      orderRef: '',
      contract,
      terms,
      transmit: true,
      status: 'Submitted',
      warning: '',
    };
    const document: SnapshotDocument = {
      kind: 'evenkeel.snapshot',
      version: 1,
      commandId: 'one',
      stage: 'paper',
      streamer: 'main',
      account,
      epoch: 1,
      serverVersion: 193,
      startedAt: '2026-01-20T00:00:00.000Z',
      completedAt: '2026-01-20T00:00:01.000Z',
      brokerTimeMs: 1,
      parts: {
        positions: { outcome: 'ok', rows: [position(6, '1'), position(7, '3')] },
        openOrders: { outcome: 'ok', rows: [open] },
        completedOrders: { outcome: 'ok', rows: [] },
        executions: { outcome: 'ok', rows: [] },
        accountValues: { outcome: 'ok', rows: [] },
      },
    };
    desk.bucket.overwrite(`snapshots/${account}/one.json`, Buffer.from(JSON.stringify(document)));
  }
});
