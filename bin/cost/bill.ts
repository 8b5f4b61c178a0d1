/** The monthly bill of a stage as a sum of quantities and list prices: pure, so that a test and the docs have the same. */
import { Decimal } from 'decimal.js';
import { hoursPerMonth, type PriceName, prices } from './prices.ts';

export interface Load {
  /** Instruments with a candle a minute, over all streamers. */
  readonly symbols: number;
  /** Events of orders, fills, positions and balances, over all streamers, while the market is open. */
  readonly orderEventsPerMinute: number;
  readonly streamers: number;
  readonly architecture: 'x86' | 'arm';
  /** How many months the stage has run: what is stored grows. */
  readonly month: number;
}

export const budgetLoad: Load = {
  symbols: 50,
  orderEventsPerMinute: 20,
  streamers: 1,
  architecture: 'x86',
  month: 1,
};

/** Of DESIGN: the load above, in US dollars a month. */
export const budgetUsd = 75;

export interface Line {
  readonly group: string;
  readonly what: string;
  readonly price: PriceName;
  /** In single units, not in millions. */
  readonly quantity: Decimal;
  readonly usd: Decimal;
  /** The same in an account that uses AWS's lasting free allowances nowhere else. */
  readonly usdAfterFree: Decimal;
}

export interface Bill {
  readonly load: Load;
  readonly lines: readonly Line[];
  readonly usd: Decimal;
  readonly usdAfterFree: Decimal;
}

/**
 * What the model rests on. `measured` ones come from this repository's code run on a local engine, the others from the
 * stack's own settings; those with `assumed` are guesses that nothing here can measure: only AWS's bill will.
 */
export const assumptions = {
  /** CME index futures: 23 hours a day, 5 of 7 days. */
  openHours: (23 * 365.25 * 5) / 7 / 12,
  /** The task: aws.streamerCpu and aws.streamerMemoryMiB. */
  vcpu: 1,
  memoryGib: 3,
  /** Counted in the template by a test: the metrics that alarms look at (each is paid for), and those that we tell. */
  alarms: { stage: 41, streamer: 10 },
  metrics: { stage: 6, streamer: 18 },
  /** Measured: items of the transactions of an order's life (placed, changed, fill, filled, commission, position, balance). */
  writeUnitsPerOrderEvent: 18,
  readUnitsPerOrderEvent: 6,
  auditKbPerOrderEvent: 3.4,
  /** One order in so many events; its intent is reserved and resolved by two transactions of about 12 units each. */
  eventsPerOrder: 7,
  writeUnitsPerOrder: 24,
  bookKbPerOrder: 6,
  candleKb: 0.35,
  candleMonthsKept: 13,
  /** lease.renewMs and heartbeat.everyMs. */
  leaseSeconds: 5,
  heartbeatSeconds: 8,
  reconcileMinutes: 5,
  writeUnitsPerReconcile: 60,
  readUnitsPerReconcile: 200,
  objectsPerReconcile: 4,
  kbPerReconcile: 200,
  /** snapshots, evidence: 90 days; backups: 30 days. */
  objectMonthsKept: 3,
  eventKb: 1.1,
  archiveMonths: 3,
  /** Assumed: no Lambda has run on AWS. Milliseconds, and memory in MB from the stack. */
  candleKeeper: { ms: 25, mb: 256, logKb: 0.8 },
  bookKeeper: { ms: 80, mb: 512, logKb: 1 },
  reconcile: { ms: 4_000, mb: 1_769, logKb: 3 },
  watchdog: { ms: 300, mb: 512, logKb: 1 },
  dailyJobs: { ms: 60_000, mb: 1_769, logKb: 20, perMonth: 65 },
  /** Of the streamer and the gateway together. */
  containerLogKbPerMinute: 3,
  /** A FIFO queue that a function reads is polled by about five pollers of 20 s each. */
  pollsPerQueueMinute: 15,
  backupGb: 1,
  imageGb: 0.5,
} as const;

/** Costs are exact: nothing is rounded. */
export function bill(load: Load): Bill {
  const left = new Map<PriceName, Decimal>();
  const lines = quantities(load).map(([group, what, name, quantity]): Line => {
    const { usd, units, free } = prices[name];
    // An allowance is one for all lines of a price: it is taken from them in their order.
    const before = left.get(name) ?? new Decimal(free);
    const used = Decimal.min(before, quantity);
    left.set(name, before.minus(used));
    const cost = (amount: Decimal) => amount.mul(usd).div(units);
    return {
      group,
      what,
      price: name,
      quantity,
      usd: cost(quantity),
      usdAfterFree: cost(quantity.minus(used)),
    };
  });
  const sum = (of: (line: Line) => Decimal) =>
    lines.reduce((total, line) => total.plus(of(line)), new Decimal(0));
  return { load, lines, usd: sum((line) => line.usd), usdAfterFree: sum((line) => line.usdAfterFree) };
}

type Quantity = readonly [group: string, what: string, price: PriceName, quantity: Decimal];

function quantities(load: Load): Quantity[] {
  return [...always(load), ...watching(load), ...flow(load), ...tables(load), ...objects(load)];
}

/** What costs the same whether anything is traded or not. */
function always({ streamers, architecture }: Load): Quantity[] {
  const hours = new Decimal(hoursPerMonth).mul(streamers);
  const group = 'task';
  return [
    [group, 'Fargate, processor', `fargate-${architecture}-vcpu`, hours.mul(assumptions.vcpu)],
    [group, 'Fargate, memory', `fargate-${architecture}-memory`, hours.mul(assumptions.memoryGib)],
    [group, 'public address of the task', 'public-ipv4', hours],
    [group, 'image of the streamer', 'image-storage', new Decimal(assumptions.imageGb)],
    [group, 'secrets: a login for each streamer, alert channels', 'secret', new Decimal(streamers).plus(1)],
  ];
}

function watching(load: Load): Quantity[] {
  const { streamers, month } = load;
  const { alarms, metrics } = assumptions;
  const each = ({ stage, streamer }: { stage: number; streamer: number }) =>
    new Decimal(streamer).mul(streamers).plus(stage);
  const logs = logGb(load);
  return [
    ['watching', 'alarms', 'alarm', each(alarms)],
    ['watching', 'custom metrics', 'metric', each(metrics)],
    ['watching', 'dashboard', 'dashboard', new Decimal(1)],
    ['watching', 'logs, written', 'log-ingestion', logs],
    // They are kept for aws.logRetentionDays, 30, and compressed to about a fifth.
    ['watching', 'logs, kept', 'log-storage', logs.mul(Math.min(1, month)).div(5)],
  ];
}

function logGb(load: Load): Decimal {
  const kb = functions(load).reduce(
    (total, { calls, logKb }) => total.plus(calls.mul(logKb)),
    minutes().mul(assumptions.containerLogKbPerMinute).mul(load.streamers),
  );
  return kb.div(1_000_000);
}

/** Events and what is called because of them. */
function flow(load: Load): Quantity[] {
  const { streamers, month } = load;
  const events = candles(load).plus(orderEvents(load));
  const archived = events.mul(assumptions.eventKb).div(1_000_000);
  const calls = functions(load).reduce((total, each) => total.plus(each.calls), new Decimal(0));
  const seconds = functions(load).reduce(
    (total, each) => total.plus(each.calls.mul(each.ms).div(1_000).mul(each.mb).div(1_024)),
    new Decimal(0),
  );
  const polls = minutes().mul(assumptions.pollsPerQueueMinute);
  // Sent, received and deleted; and the streamer's own polls of its command queue, every 20 s.
  const requests = orderEvents(load).mul(3).plus(polls).plus(minutes().mul(3).mul(streamers));
  return [
    ['flow', 'events on the bus', 'custom-event', events],
    ['flow', 'archive of the bus, written', 'event-archive', archived],
    [
      'flow',
      'archive of the bus, kept',
      'event-archive-storage',
      archived.mul(Math.min(month, assumptions.archiveMonths)),
    ],
    ['flow', 'Lambda, calls', 'lambda-request', calls],
    ['flow', 'Lambda, time', 'lambda-arm', seconds],
    ['flow', 'FIFO queues', 'sqs-fifo', requests],
    ['flow', 'schedules', 'schedule', reconciles(load).plus(minutes()).plus(assumptions.dailyJobs.perMonth)],
  ];
}

/** Everything in a transaction costs two units for each KB where a plain write costs one. */
function tables(load: Load): Quantity[] {
  const { streamers, month } = load;
  const orders = orderEvents(load).div(assumptions.eventsPerOrder);
  const seconds = minutes().mul(60).mul(streamers);
  const coordination = seconds.div(assumptions.leaseSeconds).plus(seconds.div(assumptions.heartbeatSeconds));
  const reads = orderEvents(load)
    .mul(assumptions.readUnitsPerOrderEvent)
    .plus(reconciles(load).mul(assumptions.readUnitsPerReconcile))
    .plus(minutes().mul(20).mul(streamers));
  const trail = orderEvents(load).mul(assumptions.auditKbPerOrderEvent);
  const book = orders.mul(assumptions.bookKbPerOrder);
  const bars = candles(load).mul(assumptions.candleKb).mul(Math.min(month, assumptions.candleMonthsKept));
  const gb = trail.plus(book).mul(month).plus(bars).div(1_000_000);
  return [
    ['tables', 'candles', 'dynamodb-write', candles(load)],
    [
      'tables',
      'book and audit trail: transactions of order events',
      'dynamodb-write',
      orderEvents(load).mul(assumptions.writeUnitsPerOrderEvent),
    ],
    ['tables', 'orders out: reservations', 'dynamodb-write', orders.mul(assumptions.writeUnitsPerOrder)],
    ['tables', 'reconcile runs', 'dynamodb-write', reconciles(load).mul(assumptions.writeUnitsPerReconcile)],
    [
      'tables',
      'lease, heartbeat, watchdog',
      'dynamodb-write',
      coordination.plus(minutes().mul(2).mul(streamers)),
    ],
    ['tables', 'reads', 'dynamodb-read', reads],
    ['tables', 'what lies in them', 'dynamodb-storage', gb],
    ['tables', 'point-in-time recovery of it', 'dynamodb-recovery', gb],
  ];
}

function objects(load: Load): Quantity[] {
  const runs = reconciles(load);
  const kept = Math.min(load.month, assumptions.objectMonthsKept);
  const gb = runs.mul(assumptions.kbPerReconcile).div(1_000_000).mul(kept);
  return [
    [
      'objects',
      'snapshots, evidence, backups: written',
      's3-put',
      runs.mul(assumptions.objectsPerReconcile).plus(1_000),
    ],
    ['objects', 'snapshots, evidence, backups: kept', 's3-storage', gb.plus(assumptions.backupGb)],
  ];
}

interface Calls {
  readonly calls: Decimal;
  readonly ms: number;
  readonly mb: number;
  readonly logKb: number;
}

function functions(load: Load): readonly Calls[] {
  const { candleKeeper, bookKeeper, reconcile, watchdog, dailyJobs } = assumptions;
  return [
    { ...candleKeeper, calls: candles(load) },
    { ...bookKeeper, calls: orderEvents(load) },
    { ...reconcile, calls: reconciles(load) },
    { ...watchdog, calls: minutes() },
    { ...dailyJobs, calls: new Decimal(dailyJobs.perMonth) },
  ];
}

function minutes(): Decimal {
  return new Decimal(hoursPerMonth).mul(60);
}

function candles({ symbols }: Load): Decimal {
  return new Decimal(assumptions.openHours).mul(60).mul(symbols);
}

function orderEvents({ orderEventsPerMinute }: Load): Decimal {
  return new Decimal(assumptions.openHours).mul(60).mul(orderEventsPerMinute);
}

/** By the clock, for each account. */
function reconciles({ streamers }: Load): Decimal {
  return minutes().div(assumptions.reconcileMinutes).mul(streamers);
}
