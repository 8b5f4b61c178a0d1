/** A stage in memory for the console: as many orders and bars as the budget names, as the commands would answer. */
import type { Answer, CommandRunner } from '../console/server/commands.ts';
import type { OrderShown, StatusShown } from '../console/wire/shapes.ts';
import type { Candle } from '../lib/domain/market/candle.ts';
import { readFlags } from '../lib/domain/safety/flags.ts';
import { firstLock } from '../lib/domain/safety/lock.ts';

const minute = 60_000;
const account = 'DU1234567';
const beganMs = Date.UTC(2026, 0, 5, 14, 30);

export interface Planted {
  readonly orders: number;
  readonly contracts: number;
  readonly bars: number;
}

export function plantedRunner({ orders, contracts, bars }: Planted): CommandRunner {
  const rows = Array.from({ length: orders }, (_, at) => orderAt(at, contracts));
  const candles = Array.from({ length: contracts }, (_, at) => barsOf(at + 1, bars));
  const status = statusOf(contracts, orders);
  const answer = (argv: readonly string[]): unknown => {
    const [command = '', id = ''] = argv;
    if (command === 'status') return status;
    if (command === 'orders') return { account, orders: rows };
    if (command === 'fills') return { account, fills: [] };
    if (command === 'positions') return { account, positions: [] };
    if (command === 'candles') {
      const all = candles[Number(id) - 1] ?? [];
      const from = argv[2] === '--from' ? Date.parse(argv[3] ?? '') : 0;
      return { candles: all.filter(({ startMs }) => startMs >= from) };
    }
    return null;
  };
  const read = async (argv: readonly string[]): Promise<Answer> => {
    const result = answer(argv);
    if (result !== null) return { ok: true, result, exitCode: 0 };
    const code = argv[0] === 'alerts' ? 'USAGE' : 'RUN_UNKNOWN';
    return { ok: false, code, message: 'There is none here.', exitCode: 2 };
  };
  return { read, act: read };
}

const nameOf = (contract: number) => `SY${String(contract).padStart(2, '0')}H6`;

function orderAt(at: number, contracts: number): OrderShown {
  const contract = (at % contracts) + 1;
  const status = (['Filled', 'Filled', 'Cancelled', 'Submitted', 'Rejected'] as const)[at % 5]!;
  const quantity = String((at % 7) + 1);
  return {
    orderKey: `P${1_873_000 + at}`,
    permId: 1_873_000 + at,
    clientId: 1,
    orderId: at + 1,
    orderRef: `breakout-${at}`,
    origin: 'api',
    contract: {
      conId: contract,
      symbol: nameOf(contract).slice(0, 4),
      localSymbol: nameOf(contract),
      secType: 'FUT',
      currency: 'USD',
      exchange: 'CME',
      multiplier: '50',
    } as OrderShown['contract'],
    terms: {
      action: at % 2 === 0 ? 'BUY' : 'SELL',
      quantity,
      orderType: 'LMT',
      limitPrice: `${2_600 + (at % 100)}.25`,
      stopPrice: null,
      trailingPercent: null,
      trailStopPrice: null,
      timeInForce: 'DAY',
      goodTillDate: '',
      outsideRth: false,
      ocaGroup: '',
      ocaType: 0,
      parentId: 0,
      parentKey: null,
    },
    status,
    working: status === 'Submitted',
    brokerStatus: status,
    whyHeld: '',
    reason: status === 'Rejected' ? { code: 201, message: 'Order rejected: margin' } : null,
    filled: status === 'Filled' ? quantity : '0',
    remaining: status === 'Filled' ? '0' : quantity,
    endedInPart: false,
    averagePrice: status === 'Filled' ? `${2_600 + (at % 100)}.25` : null,
    reportedFilled: status === 'Filled' ? quantity : '0',
    reportedAveragePrice: null,
    missing: '0',
    synthetic: '0',
    quarantined: [],
    busted: [],
    corrected: [],
    noisy: [],
    liquidation: false,
    commissions: {},
    realizedPnl: {},
    withoutCommission: [],
  };
}

function barsOf(conId: number, bars: number): readonly Candle[] {
  let price = 2_600 * 4;
  return Array.from({ length: bars }, (_, at) => {
    const open = price;
    // A walk that is the same each time.
    price += ((at * 7_919 + conId * 104_729) % 11) - 5;
    const quarter = (value: number) => String(value / 4);
    return {
      conId,
      symbol: nameOf(conId),
      intervalMs: minute,
      startMs: beganMs + at * minute,
      sessionDate: '2026-01-05',
      open: quarter(open),
      high: quarter(Math.max(open, price) + 2),
      low: quarter(Math.min(open, price) - 2),
      close: quarter(price),
      volume: String(50 + ((at * conId) % 200)),
      tickCount: 40,
      source: at % 60 === 0 ? 'backfill' : 'live',
      volumeSource: 'rtvolume',
      partial: false,
      noTrades: false,
      epoch: 7,
      revision: 0,
    };
  });
}

function statusOf(contracts: number, orders: number): StatusShown {
  const at = '2026-01-05T14:00:00.000Z';
  const flags = { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true, FORCE_SYNC_DELETE: false };
  const feeds = Array.from({ length: contracts }, (_, index) => ({
    symbol: nameOf(index + 1),
    conId: index + 1,
    feed: 'live',
    trades: 1_000,
  }));
  return {
    at,
    stage: 'sandbox',
    account,
    streamer: 'main',
    lease: { holder: 'a', token: 7, version: 1, renewedAtMs: Date.now(), released: false },
    heartbeat: {
      epoch: 7,
      atMs: Date.now(),
      phase: 'ready',
      ready: true,
      marketMs: Date.now(),
      startedAtMs: beganMs,
      feeds,
      orders: { synced: true, syncedAtMs: Date.now() },
      outboxDepth: 0,
      bookDepth: 0,
    },
    alive: true,
    flags: readFlags({ ...flags, changedAt: at, changedBy: 'anna', reason: 'go' }),
    lock: { ...firstLock, state: 'open', token: 7, source: 'stored', changedAt: at, changedBy: 'reconcile' },
    trading: { mode: 'active', by: '', reason: '', at: '', source: 'first' },
    reconcile: { state: null, plan: null, lost: false },
    orders: { open: Math.floor(orders / 5), all: orders },
    positions: 0,
    queues: [],
    chains: [{ writer: 'book-keeper', seq: 1 }],
    alerts: { open: 0, untaken: 0, worst: null },
    restoring: null,
  };
}
