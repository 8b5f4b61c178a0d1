/** The steady state: what must hold of a desk at rest, read with plain SDK calls from tables, queues and the broker's record. */
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { bookSort } from '../../lib/aws/keys.ts';
import { foldTrail } from '../../lib/domain/audit/fold.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { differences, readBook } from '../helpers/book-against-broker.ts';
import { account } from '../helpers/orders-out.ts';
import { compareCandles, type ReferenceBars } from '../helpers/reference-bars.ts';
import type { Sandbox } from './sandbox.ts';

const lookEveryMs = 400;
/** Bars that end later than this before the market's present moment may still be under way. */
const barsInWorkMs = 4 * 60_000;
const told = 5;

export interface Steady {
  readonly problems: readonly string[];
  readonly tookMs: number;
}

/**
 * Waits until the desk, on which nobody trades any more, is at rest: everything delivered, the book as the broker has it,
 * trading open. The wait is for progress: what is missing must become less.
 */
export async function untilSteady(sandbox: Sandbox, stuckMs: number): Promise<Steady> {
  const sinceMs = performance.now();
  let problems: readonly string[] = [];
  let fewest = Number.POSITIVE_INFINITY;
  for (let deadline = performance.now() + stuckMs; ; await sleep(lookEveryMs)) {
    problems = await unrest(sandbox).catch((error: unknown) => [String(error)]);
    if (problems.length === 0 || performance.now() > deadline) break;
    if (problems.length >= fewest) continue;
    fewest = problems.length;
    deadline = performance.now() + stuckMs;
  }
  return { problems: problems.slice(0, told), tookMs: performance.now() - sinceMs };
}

async function unrest({ desk, watch, tables, traffic, commandQueue }: Sandbox): Promise<string[]> {
  const problems: string[] = [];
  const stats = await desk.streamerStats();
  if (!stats?.ready) problems.push('the streamer is not ready');
  else {
    if (stats.outbox.depth > 0) problems.push(`${stats.outbox.depth} events wait for the bus`);
    const bookDepth = stats.book?.depth ?? 0;
    if (bookDepth > 0) problems.push(`${bookDepth} events wait for the book's queue`);
    if (stats.gaps.open > 0) problems.push(`${stats.gaps.open} gaps are open`);
    if (!stats.orders.synced) problems.push('orders are not compared with the lists of the broker');
  }
  for (const name of ['evenkeel-sandbox-book.fifo', commandQueue]) {
    const depth = await desk.cloud.queueDepth(name);
    if (depth > 0) problems.push(`${depth} messages in ${name}`);
  }
  const { pending } = desk.cloud.stats();
  if (pending > 0) problems.push(`${pending} deliveries are pending`);
  const undecided = await traffic.undecided();
  if (undecided.length > 0) problems.push(`${undecided.length} intents have no end`);
  if (!watch.now.trading) problems.push(`trading is locked (${watch.now.reason})`);
  // To read all of the book while it is being written would take the processor from those who write it.
  if (problems.length > 0) return problems;
  return differences(await desk.broker(), await readBook(tables.book, account), account);
}

/** What must hold for ever: read once, when nothing works any more. The market had come to `marketMs`. */
export async function judge(
  sandbox: Sandbox,
  marketMs: number,
): Promise<{ problems: string[]; figures: Figures }> {
  const { desk, tables, traffic, reference } = sandbox;
  const problems: string[] = [];
  const record = await desk.broker();
  const own = await traffic.judge(record);
  problems.push(...own.problems.slice(0, told));
  const chains = await verifyAudit(tables.audit, account, digest);
  for (const { finding } of chains) if (finding) problems.push(`audit: ${finding.message}`);
  problems.push(...(await foldDifferences(sandbox)));
  const candles = compared(await desk.candles(), reference, marketMs);
  for (const kind of ['missing', 'extra', 'different'] as const)
    for (const each of candles[kind].slice(0, told)) problems.push(`candle ${kind}: ${each}`);
  const { deliveries } = desk.cloud.stats();
  if (deliveries.dropped > 0) problems.push(`${deliveries.dropped} deliveries were dropped`);
  const figures = {
    orders: record.orders.length,
    own: own.states,
    auditRows: chains.reduce((sum, { rows }) => sum + rows, 0),
    bars: candles.bars,
    backfilled: candles.backfilled,
    deadLettered: deliveries.deadLettered,
  };
  return { problems, figures };
}

export interface Figures {
  readonly orders: number;
  /** Own commands by the state of their intents. */
  readonly own: Readonly<Record<string, number>>;
  readonly auditRows: number;
  readonly bars: number;
  readonly backfilled: number;
  readonly deadLettered: number;
}

/** The trail alone makes the book. */
async function foldDifferences({ tables }: Sandbox): Promise<string[]> {
  const stored = new Map<string, string>();
  for await (const { ref, version, body } of tables.book.all(account))
    stored.set(bookSort(ref), canonicalJson({ version, body } as never));
  const folded = new Map<string, string>();
  for (const [key, { version, body }] of await foldTrail(tables.audit, account, chainTools.keyOf))
    folded.set(key, canonicalJson({ version, body } as never));
  const different = [...new Set([...stored.keys(), ...folded.keys()])].filter(
    (key) => stored.get(key) !== folded.get(key),
  );
  return different.slice(0, told).map((key) => `the trail does not fold to the book at ${key}`);
}

function compared(candles: readonly Candle[], reference: ReferenceBars, marketMs: number) {
  const isOver = (startMs: number): boolean => startMs < marketMs - barsInWorkMs;
  return compareCandles(
    candles.filter(({ startMs }) => isOver(startMs)),
    new Map([...reference].filter(([startMs]) => isOver(startMs))),
  );
}
