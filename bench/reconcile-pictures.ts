/**
 * A desk of many contracts as broker and book have it, for the benchmark of reconcile: 5 orders, 10 executions with their
 * costs, a position and a stop for each contract. What the book has was made by its own folds, and came through JSON.
 */
import { positionReport } from '../lib/domain/accounts/position-change.ts';
import type { PositionBody } from '../lib/domain/book/accounts.ts';
import type { FillBody } from '../lib/domain/book/fills.ts';
import { apiId } from '../lib/domain/book/item.ts';
import type { OrderBody } from '../lib/domain/book/orders.ts';
import { refText } from '../lib/domain/book/seen.ts';
import type {
  CommissionFact,
  CompletedOrderFact,
  ExecutionFact,
  OpenOrderFact,
  OrderStatusFact,
  PositionFact,
} from '../lib/domain/orders/broker-facts.ts';
import { commissionReport } from '../lib/domain/orders/commission-ledger.ts';
import type { TradedContract } from '../lib/domain/orders/contract.ts';
import { fillKey, parseExecId } from '../lib/domain/orders/exec-id.ts';
import type { FillReport } from '../lib/domain/orders/fill-report.ts';
import type { OrderReport, OrderTerms } from '../lib/domain/orders/order-report.ts';
import {
  foldCommission,
  foldFill,
  foldReport,
  type OrderState,
  viewOf,
} from '../lib/domain/orders/order-state.ts';
import type { ReconcileInput, ReconcileRules, Versioned } from '../lib/domain/reconcile/types.ts';

/** In which way the broker and the book differ. */
export type Drift = 'none' | 'some' | 'positions' | 'ended';

const account = 'DU1';
const startMs = Date.UTC(2026, 0, 5, 14, 30);
const endMs = startMs + 4 * 3_600_000;
const at = { epoch: 1, seq: 1 };

const rules: ReconcileRules = {
  mode: 'warn',
  autoSync: [],
  quantityTolerance: '0',
  cashTolerance: '1',
  priceTolerance: '0.0001',
  quietMs: 5_000,
  absentRuns: 3,
  escalateAfterRuns: 3,
  queriesPerRun: 10,
  executionsSinceMs: Date.UTC(2026, 0, 5, 5),
  snapshotMaxAgeMs: 60_000,
  ignoredOrders: [],
  ownClientIds: [7],
  initialStateSymbols: ['ES', 'MES', 'SPY'],
  riskThreshold: '0.05',
  profitThreshold: '0.05',
  massChange: { share: '0.2', atLeast: 10 },
  planValidMs: 3_600_000,
};

/** One order with all that was told of it. */
interface Told {
  readonly permId: number;
  readonly contract: TradedContract;
  readonly terms: OrderTerms;
  readonly isOpen: boolean;
  readonly executions: readonly ExecutionFact[];
  readonly costs: readonly CommissionFact[];
}

export interface Pictures {
  readonly input: ReconcileInput;
  /** Discrepancies that a run must find. */
  readonly planted: number;
}

/** @param contracts 2,000 for 10,000 orders, 20,000 executions */
export function picturesOf(contracts: number, drift: Drift): Pictures {
  let planted = 0;
  const positions: PositionFact[] = [];
  const openOrders: (OpenOrderFact | OrderStatusFact)[] = [];
  const completedOrders: CompletedOrderFact[] = [];
  const executions: (ExecutionFact | CommissionFact)[] = [];
  const orders = new Map<string, Versioned<OrderBody>>();
  const fills = new Map<string, Versioned<FillBody>>();
  const pointers: [string, { version: number; body: { orderKey: string; permId: number } }][] = [];
  const booked: [string, Versioned<PositionBody>][] = [];
  for (let n = 0; n < contracts; n += 1) {
    const contract = contractOf(n);
    for (let k = 0; k < 5; k += 1) {
      const told = orderOf(n, k, contract, drift === 'ended');
      const turn = n * 5 + k;
      // Each nineteenth order differs, in one of the ways in which it can.
      const way =
        drift === 'some' && turn % 19 === 7 ? waysOf(k)[Math.floor(turn / 19) % waysOf(k).length] : '';
      if (way !== '' || drift === 'ended') planted += 1;
      const inBook = way === 'fill' ? withoutLastFill(told) : told;
      const key = `P${told.permId}`;
      if (way !== 'order') {
        orders.set(key, { version: 3, body: bodyOf(inBook), changedAtMs: endMs - 600_000 });
        for (const fill of inBook.executions) {
          const cost = way === 'cost' ? undefined : inBook.costs.find(({ execId }) => execId === fill.execId);
          const item = fillBodyOf(fill, cost);
          fills.set(fillKey(item), { version: 2, body: item });
        }
        const body = { orderKey: key, permId: told.permId };
        pointers.push([refText({ kind: 'perm', id: String(told.permId) }), { version: 1, body }]);
        pointers.push([refText({ kind: 'api', id: apiId(7, told.permId) }), { version: 1, body }]);
        pointers.push([refText({ kind: 'ref', id: `ref-${told.permId}` }), { version: 1, body }]);
      }
      if (told.isOpen && drift !== 'ended') openOrders.push(...openRows(told, way === 'price'));
      else completedOrders.push(completedRow(told));
      executions.push(...told.executions, ...told.costs);
    }
    const report = positionReport({
      kind: 'position',
      account,
      contract,
      position: '10',
      averageCost: '5005',
    });
    const other = drift === 'positions' || (drift === 'some' && n % 20 === 3);
    // Where all orders have ended, so have the stops.
    if (other || drift === 'ended') planted += 1;
    booked.push([
      String(contract.conId),
      {
        version: 4,
        body: asStored({ ...report, position: other ? '9' : report.position, stamp: at }),
        changedAtMs: endMs - 600_000,
      },
    ]);
    positions.push({ kind: 'position', account, contract, position: '10', averageCost: '5005' });
  }
  const list = <T>(rows: readonly T[]) => ({ outcome: 'ok' as const, rows: asStored(rows) });
  const cash = {
    kind: 'account-value' as const,
    account,
    key: 'TotalCashBalance',
    value: '100000',
    currency: 'USD',
  };
  const input: ReconcileInput = {
    account,
    runId: 'run-1',
    nowMs: endMs + 1_000,
    rules,
    broker: {
      id: 'snapshot-1',
      sha256: 'f'.repeat(64),
      epoch: 1,
      startedAtMs: endMs - 2_000,
      completedAtMs: endMs,
      brokerTimeMs: endMs,
      positions: list(positions),
      openOrders: list(openOrders),
      completedOrders: list(completedOrders),
      executions: list(executions),
      accountValues: list([cash]),
    },
    book: {
      orders,
      fills,
      positions: new Map(booked),
      cash: new Map([['USD', { version: 1, body: { currency: 'USD', cash: '100000', stamp: at } }]]),
      pointers: new Map(pointers),
      instruments: new Map(),
      isFirstRun: false,
    },
    memory: { noted: [], absent: {}, nextQuery: '' },
  };
  return { input, planted };
}

/** Of a stop, of an order that works, of one that is filled: what can be otherwise in the book. */
function waysOf(k: number): readonly string[] {
  if (k === 0) return ['price', 'order'];
  return k === 1 ? ['fill', 'order', 'cost', 'price'] : ['fill', 'order', 'cost'];
}

/**
 * The first order of a contract is the stop of its position, the second works on, the others are filled.
 *
 * @param isLarger what the others ask for is more than is filled
 */
function orderOf(n: number, k: number, contract: TradedContract, isLarger: boolean): Told {
  const permId = 1_000_000 + n * 5 + k;
  const count = k === 0 ? 0 : k === 1 ? 1 : 3;
  const isStop = k === 0;
  const terms: OrderTerms = {
    action: isStop ? 'SELL' : 'BUY',
    quantity: isStop ? '10' : k === 1 || isLarger ? '5' : '3',
    orderType: isStop ? 'STP' : 'LMT',
    limitPrice: isStop ? null : '100.5',
    stopPrice: isStop ? '90.25' : null,
    trailingPercent: null,
    trailStopPrice: null,
    timeInForce: 'GTC',
    goodTillDate: '',
    outsideRth: true,
    ocaGroup: '',
    ocaType: 0,
    parentId: 0,
    parentKey: null,
  };
  const executions = Array.from(
    { length: count },
    (_, i): ExecutionFact => ({
      kind: 'execution',
      account,
      orderId: permId,
      clientId: 7,
      permId,
      orderRef: `ref-${permId}`,
      contract,
      execId: `0000e0d5.${permId.toString(16)}.0${i + 1}.01`,
      timeMs: startMs + ((n * 7 + k * 3 + i) % 7_200) * 1_000,
      side: 'BUY',
      quantity: '1',
      price: String(100 + i * 0.1),
      exchange: 'CME',
      liquidation: false,
      liquidity: 1,
      cumulativeQuantity: String(i + 1),
      averagePrice: '100.1',
    }),
  );
  const costs = executions.map(
    ({ execId }): CommissionFact => ({
      kind: 'commission',
      execId,
      commission: '2.25',
      currency: 'USD',
      realizedPnl: null,
    }),
  );
  return { permId, contract, terms, isOpen: k < 2 || isLarger, executions, costs };
}

function withoutLastFill(told: Told): Told {
  return { ...told, executions: told.executions.slice(0, -1), costs: told.costs.slice(0, -1) };
}

function bodyOf({ permId, contract, terms, isOpen, executions, costs }: Told): OrderBody {
  const word = isOpen ? (terms.orderType === 'STP' ? 'PreSubmitted' : 'Submitted') : 'Filled';
  const report: OrderReport = {
    ...identityOf(permId),
    contract,
    terms,
    status: word,
    brokerStatus: word,
    whyHeld: '',
    reason: null,
    reportedFilled: String(executions.length),
    reportedAveragePrice: executions.length === 0 ? null : '100.1',
  };
  let state: OrderState = foldReport(undefined, report, at).state;
  for (const execution of executions) state = foldFill(state, reportOf(execution), at).state;
  for (const cost of costs) state = foldCommission(state, commissionReport(cost, `P${permId}`)!, at).state;
  return asStored({ ...viewOf(state), state });
}

function fillBodyOf(fill: ExecutionFact, cost: CommissionFact | undefined): FillBody {
  const report = reportOf(fill);
  const { execId, execBase, revision, orderKey } = report;
  const commission = cost ? { commission: '2.25', currency: 'USD', realizedPnl: null, stamp: at } : null;
  return asStored({ execId, execBase, revision, orderKey, report, stamp: at, commission });
}

function reportOf({ kind: _kind, account: _account, ...fill }: ExecutionFact): FillReport {
  return { ...fill, ...identityOf(fill.permId), ...parseExecId(fill.execId), synthetic: false };
}

function identityOf(permId: number) {
  const orderKey = `P${permId}`;
  return {
    orderKey,
    permId,
    clientId: 7,
    orderId: permId,
    orderRef: `ref-${permId}`,
    origin: 'api' as const,
  };
}

function openRows(
  { permId, contract, terms: { parentKey: _parentKey, ...terms }, executions }: Told,
  isMoved: boolean,
): (OpenOrderFact | OrderStatusFact)[] {
  const { orderKey: _key, origin: _origin, ...ids } = identityOf(permId);
  const status = terms.orderType === 'STP' ? 'PreSubmitted' : 'Submitted';
  const filled = String(executions.length);
  const remaining = String(Number(terms.quantity) - executions.length);
  return [
    {
      kind: 'open-order',
      account,
      ...ids,
      contract,
      terms: isMoved ? { ...terms, ...movedPrice(terms) } : terms,
      transmit: true,
      status,
      warning: '',
    },
    {
      kind: 'order-status',
      orderId: permId,
      clientId: 7,
      permId,
      parentId: 0,
      status,
      filled,
      remaining,
      averageFillPrice: '100.1',
      whyHeld: '',
    },
  ];
}

function movedPrice({ limitPrice }: Pick<OrderTerms, 'limitPrice'>): Partial<OrderTerms> {
  return limitPrice === null ? { stopPrice: '90' } : { limitPrice: '98' };
}

function completedRow({
  permId,
  contract,
  terms: { parentKey: _parentKey, ...terms },
  isOpen,
  executions,
}: Told): CompletedOrderFact {
  return {
    kind: 'completed-order',
    account,
    permId,
    parentPermId: 0,
    orderRef: `ref-${permId}`,
    contract,
    terms: { ...terms, quantity: '0' },
    status: isOpen ? 'Cancelled' : 'Filled',
    filled: String(executions.length),
    completedStatus: isOpen ? 'Cancelled by Trader' : `Filled Size: ${executions.length}`,
    completedAtMs: endMs - 300_000,
  };
}

function contractOf(n: number): TradedContract {
  return {
    conId: 500_000 + n,
    symbol: `Q${n}`,
    secType: 'FUT',
    localSymbol: `Q${n}H6`,
    exchange: 'CME',
    currency: 'USD',
    multiplier: '50',
    lastTradeDate: '20260320',
    strike: '0',
    right: '',
    tradingClass: `Q${n}`,
  };
}

/** As a table or an object gives it: nothing in it is shared with anything else. */
function asStored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
