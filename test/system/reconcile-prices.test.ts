import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { CandlesTable } from '../../lib/aws/candles-table.ts';
import { LastPriceTable } from '../../lib/aws/last-price-table.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { Recommendation } from '../../lib/domain/reconcile/types.ts';
import { rejudge } from '../../lib/reconcile/rejudge.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';
import { ReconcileDesk, stage } from '../helpers/reconcile-desk.ts';
import { account, minute } from '../helpers/reconcile-world.ts';
import { es, spy } from '../unit/orders/order-harness.ts';

const dayMs = 24 * 60 * minute;

describe.skipIf(!engineIsHere)('prices of what the first run finds', () => {
  let engine: DynamoEngine;
  let count = 0;
  const openDesk = async () => {
    count += 1;
    const desk = await ReconcileDesk.open(engine, `prices${count}`);
    desk.world.position('2', '250000', es).position('10', '500', spy);
    await desk.flags(stage);
    const tableName = `prices${count}-candles`;
    await engine.createTable(tableName);
    const { client } = engine;
    const candles = new CandlesTable({ client, tableName, retentionDays: 30, nowMs: () => desk.nowMs });
    const lastPrices = new LastPriceTable({ client, tableName });
    return { desk, candles, lastPrices };
  };
  const recommended = (desk: ReconcileDesk, evidence: string): Recommendation[] =>
    desk.store.json<{ recommendations: Recommendation[] }>(evidence.replace('evidence', 'verdict'))
      .recommendations;

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(async () => engine.stop());

  it('are the last closes of one-minute candles, and part of the evidence', async () => {
    const { desk, candles, lastPrices } = await openDesk();
    const nowMs = desk.world.marketMs + 5 * minute;
    await candles.put(candleOf(es.conId, nowMs - 4 * dayMs, '4000'));
    await candles.put(candleOf(es.conId, nowMs - 10 * minute, '4500.25'));
    // Later than the snapshot, and of another interval.
    await candles.put(candleOf(es.conId, nowMs + 10 * minute, '9999'));
    await candles.put({ ...candleOf(es.conId, nowMs - minute, '1'), intervalMs: 1_000 });
    // Nobody knows what a share is worth that has not traded for so long.
    await candles.put(candleOf(spy.conId, nowMs - 6 * dayMs, '600'));
    const answer = await desk.run({}, { lastPrices });
    const evidence = desk.store.json<{ input: { prices: object } }>(answer.evidence);
    expect(evidence.input.prices).toEqual({ [es.conId]: '4500.25' });
    expect(recommended(desk, answer.evidence)).toMatchObject([
      { symbol: es.localSymbol, recommendation: 'review_loss' },
      { symbol: spy.symbol, recommendation: 'no_price' },
    ]);
    const ports = { audit: desk.tables.audit, store: desk.store, canonicalJson };
    expect(await rejudge(account, answer.run_id, ports)).toMatchObject({ same: true, samePlan: true });
  });

  it('that cannot be read are left out, and the run goes on', async () => {
    const { desk, lastPrices } = await openDesk();
    const warnings: unknown[] = [];
    const log = { info() {}, warn: (_: string, more?: object) => warnings.push(more), error() {} };
    const asked: number[] = [];
    const answer = await desk.run(
      {},
      {
        log,
        lastPrices: {
          async read(conId, range) {
            asked.push(conId);
            if (conId === spy.conId) throw new Error('throttled');
            return lastPrices.read(conId, range);
          },
        },
      },
    );
    expect(answer.status).toBe('AWAITING_DRY_RUN_CONFIRM');
    expect(recommended(desk, answer.evidence).map((one) => one.recommendation)).toEqual([
      'no_price',
      'no_price',
    ]);
    expect(new Set(asked)).toEqual(new Set([es.conId, spy.conId]));
    expect(warnings).toEqual([{ problem: 'throttled' }]);
  });

  it('are not asked for once a run has been completed', async () => {
    const { desk } = await openDesk();
    desk.world.askedAgain().cash('1000');
    await desk.book();
    const read = async () => Promise.reject(new Error('asked for'));
    expect(await desk.run()).toMatchObject({ status: 'COMPLETED' });
    desk.world.position('2', '250000', es);
    const warnings: unknown[] = [];
    const log = { info() {}, warn: (_: string, more?: object) => warnings.push(more), error() {} };
    expect(await desk.run({}, { log, lastPrices: { read } })).toMatchObject({
      by_type: { MISSING_FROM_BOOK: 1 },
    });
    expect(warnings).toEqual([]);
  });
});

function candleOf(conId: number, startMs: number, close: string): Candle {
  return {
    conId,
    symbol: 'x',
    intervalMs: minute,
    startMs,
    sessionDate: '2026-01-05',
    open: close,
    high: close,
    low: close,
    close,
    volume: '1',
    tickCount: 1,
    source: 'live',
    volumeSource: 'rtvolume',
    partial: false,
    noTrades: false,
    epoch: 1,
    revision: 0,
  };
}
