import type { RestoreFence } from '../../lib/domain/audit/fence.ts';
import type { PositionBody } from '../../lib/domain/book/accounts.ts';
import type { FlagsReading } from '../../lib/domain/safety/flags.ts';
import { flagNames } from '../../lib/domain/safety/flags.ts';
import { type LockReading, readLock } from '../../lib/domain/safety/lock.ts';
import { readTradingState, type TradingReading } from '../../lib/domain/safety/trading-state.ts';
import type { Heartbeat, Lease } from '../../lib/ports/lease-store.ts';
import type { QueueDepth } from '../../lib/ports/stage-probes.ts';
import { listed } from './alerts-show.ts';
import { type Cli, type Shown, writeResult } from './cli.ts';
import { type ExitCode, exit } from './exit.ts';
import { readAccountFlags } from './flags.ts';
import { lockLine } from './lock-words.ts';
import { tradingLine } from './order-review.ts';
import { isOpen, type OrderBody } from './order-rows.ts';
import { restoreUnderWay, restoringText } from './restoring.ts';
import type { Session } from './session.ts';
import { stageNames } from './stage-names.ts';
import { type ReconcileStatus, readReconcile, reconcileLines } from './status-reconcile.ts';
import { age, count, facts, iso, plain, time, type View } from './view.ts';

const watchEveryMs = 2_000;
/** A heartbeat this many times its interval old is none. */
const heartbeatsMissed = 3;

/** Alerts that are not over. */
export interface OpenAlerts {
  readonly open: number;
  /** Of them, those that nobody has taken on. */
  readonly untaken: number;
  /** The worst severity; null for none. */
  readonly worst: string | null;
}

/** Everything of a stage and account at one moment. Times are Unix milliseconds, UTC. */
export interface Status {
  readonly stage: string;
  readonly account: string;
  readonly streamer: string;
  readonly atMs: number;
  readonly lease: Lease | null;
  readonly heartbeat: Heartbeat | null;
  /** False where the last heartbeat is too old, or there was never one. */
  readonly alive: boolean;
  readonly flags: FlagsReading;
  readonly lock: LockReading;
  /** Active, reduce-only or halted. */
  readonly trading: TradingReading;
  /** The last run, and the plan that waits. */
  readonly reconcile: ReconcileStatus;
  readonly orders: { readonly open: number; readonly all: number };
  readonly positions: number;
  readonly queues: readonly {
    readonly name: string;
    readonly what: string;
    readonly depth: QueueDepth | null;
  }[];
  readonly chains: readonly { readonly writer: string; readonly seq: number }[];
  readonly alerts: OpenAlerts;
  /** A restore into this account is at work, or was cut off; null for none. */
  readonly restoring: RestoreFence | null;
}

export async function readStatus(
  session: Pick<Session, 'stage' | 'account' | 'streamer' | 'config' | 'ports' | 'io'>,
): Promise<Status> {
  const { stage, account, streamer, config, ports, io } = session;
  const [
    lease,
    heartbeat,
    flags,
    [lockItem, tradingItem],
    orders,
    positions,
    queues,
    chains,
    restoring,
    reconcile,
    alerts,
  ] = await Promise.all([
    ports.leases.read(account),
    ports.heartbeats.read(account),
    readAccountFlags(ports.book, account),
    ports.book.read(account, [
      { kind: 'lock', id: '' },
      { kind: 'trading', id: '' },
    ]),
    countOrders(session),
    countPositions(session),
    readQueues(session),
    ports.audit.chains(account),
    restoreUnderWay(ports.book, account),
    readReconcile(ports.book, account, { settings: config.reconcile, nowMs: io.nowMs() }),
    readOpenAlerts(session),
  ]);
  const atMs = io.nowMs();
  return {
    stage,
    account,
    streamer: streamer.name,
    atMs,
    lease: lease ?? null,
    heartbeat: heartbeat ?? null,
    alive: heartbeat !== undefined && atMs - heartbeat.atMs <= config.heartbeat.everyMs * heartbeatsMissed,
    flags,
    lock: readLock(lockItem?.body),
    trading: readTradingState(tradingItem?.body),
    reconcile,
    orders,
    positions,
    queues,
    chains: chains.map(({ writer, seq }) => ({ writer, seq })),
    alerts,
    restoring: restoring ?? null,
  };
}

async function readOpenAlerts({ ports, account }: Pick<Session, 'ports' | 'account'>): Promise<OpenAlerts> {
  const { memory } = await ports.alerts.read();
  const open = memory === undefined ? [] : listed(memory, false, account);
  const untaken = open.filter(({ ack }) => ack === null).length;
  // The worst is listed first.
  return { open: open.length, untaken, worst: open[0]?.severity ?? null };
}

async function countOrders({
  ports,
  account,
}: Pick<Session, 'ports' | 'account'>): Promise<Status['orders']> {
  let [open, all] = [0, 0];
  for await (const { body } of ports.book.list(account, 'order')) {
    all += 1;
    if (isOpen(body as unknown as OrderBody)) open += 1;
  }
  return { open, all };
}

async function countPositions({ ports, account }: Pick<Session, 'ports' | 'account'>): Promise<number> {
  let number = 0;
  for await (const { body } of ports.book.list(account, 'position')) {
    if (!/^-?0*(\.0*)?$/.test((body as unknown as PositionBody).position)) number += 1;
  }
  return number;
}

function readQueues({
  stage,
  streamer,
  ports,
}: Pick<Session, 'stage' | 'streamer' | 'ports'>): Promise<Status['queues']> {
  const names = stageNames(stage);
  const queues = [
    { name: names.bookQueue, what: 'book' },
    { name: names.bookDeadLetters, what: 'dead letters of the book' },
    { name: names.commandQueue(streamer.name), what: 'commands' },
  ];
  return Promise.all(
    queues.map(async (queue) => ({ ...queue, depth: (await ports.queues.depth(queue.name)) ?? null })),
  );
}

/** For `--json`: the same, with times as ISO-8601 text. */
export function statusJson({ atMs, lease, heartbeat, ...rest }: Status) {
  return {
    at: iso(atMs),
    ...rest,
    lease: lease && { ...lease, renewedAt: iso(lease.renewedAtMs) },
    heartbeat: heartbeat && {
      ...heartbeat,
      at: iso(heartbeat.atMs),
      market: iso(heartbeat.marketMs),
      startedAt: iso(heartbeat.startedAtMs),
      ordersSyncedAt: iso(heartbeat.orders.syncedAtMs),
    },
  };
}

export function showStatus(status: Status, view: View, verbose: boolean): string {
  const { colours } = view;
  const { heartbeat, lease, flags, lock, atMs } = status;
  const pairs: (readonly [string, string])[] = [
    ['stage', `${status.stage}, account ${status.account}, streamer ${status.streamer}`],
    ['streamer', streamerLine(status, view)],
    ['lease', lease === null ? colours.yellow('nobody has held it yet') : leaseLine(lease, atMs, view)],
  ];
  if (heartbeat !== null) {
    const feeds = heartbeat.feeds.map(
      ({ symbol, feed }) =>
        `${plain(symbol)} ${feed === 'live' ? colours.green(feed) : colours.yellow(feed)}`,
    );
    const { synced, syncedAtMs } = heartbeat.orders;
    pairs.push(
      [
        'market time',
        heartbeat.marketMs === 0
          ? 'unknown yet'
          : `${time(view, heartbeat.marketMs)} ${colours.dim(view.timeZone)}`,
      ],
      ['feeds', feeds.join(', ') || 'none'],
      [
        'orders at IB',
        synced
          ? colours.green(`followed, last compared ${age(atMs - syncedAtMs)} ago`)
          : colours.yellow('not compared with the broker yet'),
      ],
      ['outbox', `${heartbeat.outboxDepth} unsent, ${heartbeat.bookDepth} of them for the book`],
    );
  }
  pairs.push(
    [
      'book',
      `${status.orders.open} open of ${count(status.orders.all, 'order')}, ${count(status.positions, 'position')}`,
    ],
    ...(status.restoring === null
      ? []
      : [['restore', colours.red(restoringText(status.restoring))] as const]),
    ['flags', flagsLine(flags, view)],
    ['lock', lockLine(lock, lease?.token ?? 0, view)],
    ['trading', tradingLine(status.trading, view)],
    ...reconcileLines(status.reconcile, atMs, view),
    ['alerts', alertsLine(status.alerts, view)],
    ['queues', status.queues.map((queue) => queueText(queue, view)).join(', ')],
  );
  if (verbose) pairs.push(...verbosePairs(status, view));
  return facts(view, pairs);
}

function streamerLine({ heartbeat, alive, atMs }: Status, { colours }: View): string {
  if (heartbeat === null) return colours.red('no sign of life yet; is it started? (logs streamer)');
  const heard = `heard ${age(atMs - heartbeat.atMs)} ago`;
  if (!alive) return colours.red(`no sign of life, ${heard} (then: ${heartbeat.phase}); see logs streamer`);
  const paint = heartbeat.ready ? colours.green : colours.yellow;
  return `${paint(heartbeat.ready ? heartbeat.phase : `${heartbeat.phase}, not ready`)}, ${heard}, epoch ${heartbeat.epoch}`;
}

function leaseLine({ token, renewedAtMs, released }: Lease, atMs: number, { colours }: View): string {
  if (released) return colours.yellow(`given back ${age(atMs - renewedAtMs)} ago, token ${token}`);
  return `held, token ${token}, renewed ${age(atMs - renewedAtMs)} ago`;
}

function flagsLine({ flags, source }: FlagsReading, { colours }: View): string {
  const text = flagNames
    .map((name) => {
      const careful = name === 'DRY_RUN' || name === 'SAFE_MODE';
      return flags[name] === careful ? `${name}=${flags[name]}` : colours.yellow(`${name}=${flags[name]}`);
    })
    .join(' ');
  return source === 'unreadable' ? colours.red(`unreadable, so SAFE_MODE holds: ${text}`) : text;
}

function alertsLine({ open, untaken, worst }: OpenAlerts, { colours }: View): string {
  if (open === 0) return 'none open';
  const text = `${open} open, the worst ${worst}, ${untaken} of them not acknowledged (alerts)`;
  return worst === 'CRITICAL' || worst === 'HIGH' ? colours.red(text) : colours.yellow(text);
}

function queueText({ what, depth }: Status['queues'][number], { colours }: View): string {
  if (depth === null) return colours.red(`${what} missing`);
  const text = `${what} ${depth.waiting + depth.inFlight}`;
  return what.startsWith('dead') && depth.waiting > 0 ? colours.red(text) : text;
}

function verbosePairs(
  { heartbeat, lease, chains, flags, lock, queues }: Status,
  view: View,
): (readonly [string, string])[] {
  return [
    ['holder', lease?.holder ?? ''],
    ['started', heartbeat === null ? '' : time(view, heartbeat.startedAtMs)],
    ...(heartbeat?.feeds ?? []).map(({ symbol, conId, feed, trades }): [string, string] => [
      `feed ${plain(symbol)}`,
      `conId ${conId}, ${feed}, ${trades.toLocaleString('en')} trades`,
    ]),
    [
      'flags set',
      flags.changedBy === ''
        ? 'never'
        : `${time(view, flags.changedAt)} by ${flags.changedBy}: ${plain(flags.reason)}`,
    ],
    ['lock set', lock.changedBy === '' ? 'never' : `${time(view, lock.changedAt)} by ${lock.changedBy}`],
    ...chains.map(({ writer, seq }): [string, string] => [
      `chain ${writer}`,
      `${seq.toLocaleString('en')} rows`,
    ]),
    ...queues.map(({ name, depth }): [string, string] => [
      `queue ${name}`,
      depth === null ? 'missing' : `${depth.waiting} waiting, ${depth.inFlight} in flight`,
    ]),
  ];
}

interface StatusOptions {
  readonly watch?: boolean;
  readonly verbose?: boolean;
}

export function addStatus({ program, run }: Cli): void {
  program
    .command('status')
    .description(
      'streamer, lease, feeds, flags, lock, trading state, last reconcile, plan that waits, book and queues at a glance',
    )
    .option('-w, --watch', 'again every two seconds, until Ctrl-C')
    .option('-v, --verbose', 'everything that is known')
    .action(
      run<StatusOptions>(async (session, { watch = false, verbose = false }) => {
        const look = async (): Promise<Shown> => {
          const status = await readStatus(session);
          return { result: statusJson(status), text: () => showStatus(status, session.view, verbose) };
        };
        return watch ? watchStatus(session, look) : look();
      }),
    );
}

async function watchStatus(session: Session, look: () => Promise<Shown>): Promise<ExitCode> {
  const { io, json } = session;
  while (!io.signal.aborted) {
    const shown = await look();
    // Over the last picture on a terminal; one after the other anywhere else.
    if (io.out.isTTY && !json) io.out.write('\u001B[H\u001B[2J');
    writeResult(session, shown);
    await io.sleep(watchEveryMs);
  }
  return exit.interrupted;
}
