import { createHash } from 'node:crypto';
import { canonicalJson } from '../lib/aws/audit-hash.ts';
import type { Json } from '../lib/domain/book/item.ts';
import type { BrokerFact, BrokerList, ListOutcome } from '../lib/domain/orders/broker-facts.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Command } from '../lib/events/command.ts';
import { snapshotKey } from '../lib/events/command-names.ts';
import type { SnapshotDocument } from '../lib/events/snapshot-document.ts';
import type { Stage } from '../lib/events/stage.ts';
import type { ObjectStore } from '../lib/ports/object-store.ts';

export type SnapshotCommand = Extract<Command, { type: 'snapshot' }>;

/** What a snapshot needs of the streamer and of the world. */
export interface SnapshotHost {
  readonly stage: Stage;
  readonly streamer: string;
  readonly account: string;
  readonly epoch: number;
  collect(
    list: BrokerList,
  ): Promise<{ readonly outcome: ListOutcome; readonly facts: readonly BrokerFact[] }>;
  /** Protocol version of the session, and the market clock. */
  session(): { readonly serverVersion: number; readonly marketMs: number };
  readonly store: ObjectStore;
  readonly bucket: string;
  tell(taken: EventData<'snapshot.taken'>): void;
  readonly systemMs: () => number;
}

/** The lease was lost, or the process stops: nothing was stored, the command is the next holder's. */
export class SnapshotInterruptedError extends Error {
  override readonly name = 'SnapshotInterruptedError';
  readonly code = 'SNAPSHOT_INTERRUPTED';

  constructor(commandId: string) {
    super(
      `SNAPSHOT_INTERRUPTED: The streamer stopped while it took the snapshot ${commandId}; nothing was stored. The command stays in its queue.`,
    );
  }
}

type Parts = SnapshotDocument['parts'];

/** The broker's list behind each part. */
const lists = {
  positions: 'positions',
  openOrders: 'open-orders',
  completedOrders: 'completed-orders',
  executions: 'executions',
  accountValues: 'account-values',
} as const satisfies Record<keyof Parts, BrokerList>;

/**
 * Asks the broker for everything, stores it under the command's id, and tells it. The same command once more leaves
 * the snapshot that lies there as it is, and tells that one again.
 *
 * @throws SnapshotInterruptedError when `signal` aborts before it is stored
 */
export async function takeSnapshot(
  command: SnapshotCommand,
  host: SnapshotHost,
  signal: AbortSignal,
): Promise<void> {
  const document = await ask(command, host, signal);
  const body = new TextEncoder().encode(canonicalJson(document as unknown as Json));
  const key = snapshotKey(host.account, command.id);
  const result = await host.store.put({ key, body, contentType: 'application/json' }, { onlyIfNew: true });
  const stands = result === 'stored' ? body : await host.store.get(key);
  if (stands === undefined) throw new Error(`the snapshot ${key} exists and cannot be read`);
  host.tell(told(command.id, host.bucket, key, stands));
}

async function ask(
  command: SnapshotCommand,
  host: SnapshotHost,
  signal: AbortSignal,
): Promise<SnapshotDocument> {
  const { stage, streamer, account, epoch, systemMs } = host;
  const startedAtMs = systemMs();
  const parts: Record<string, { outcome: ListOutcome; rows: readonly BrokerFact[] }> = {};
  // One after the other: the broker counts requests, and the order of the lists is then always the same.
  for (const [name, list] of Object.entries(lists)) {
    const { outcome, facts } = await orInterrupted(host.collect(list), command.id, signal);
    // What a failed question has brought is not what the broker has.
    parts[name] = { outcome, rows: outcome === 'failed' ? [] : sorted(facts.filter(isOf(account, facts))) };
  }
  const { serverVersion, marketMs } = host.session();
  return {
    kind: 'evenkeel.snapshot',
    version: 1,
    commandId: command.id,
    stage,
    streamer,
    account,
    epoch,
    serverVersion,
    startedAt: new Date(startedAtMs).toISOString(),
    completedAt: new Date(systemMs()).toISOString(),
    brokerTimeMs: marketMs,
    // Each list brings the kinds of facts that its part has.
    parts: parts as unknown as Parts,
  };
}

/** A login may see several accounts. A status or a commission belongs to the account of its order or execution. */
function isOf(account: string, facts: readonly BrokerFact[]): (fact: BrokerFact) => boolean {
  const orders = new Set<string>();
  const executions = new Set<string>();
  for (const fact of facts) {
    if (!('account' in fact) || fact.account !== account) continue;
    if (fact.kind === 'open-order') orders.add(orderName(fact));
    if (fact.kind === 'execution') executions.add(fact.execId);
  }
  return (fact) => {
    if ('account' in fact) return fact.account === account;
    if (fact.kind === 'order-status') return orders.has(orderName(fact));
    return fact.kind === 'commission' && executions.has(fact.execId);
  };
}

function orderName({
  permId,
  clientId,
  orderId,
}: {
  permId: number;
  clientId: number;
  orderId: number;
}): string {
  return permId === 0 ? `${clientId}/${orderId}` : `${permId}`;
}

/** In the order of their canonical text: the broker's means nothing. Of rows about one thing the last is the present one. */
function sorted(facts: readonly BrokerFact[]): BrokerFact[] {
  const byThing = new Map(facts.map((fact) => [thingOf(fact), fact]));
  const texts = [...byThing.values()].map((fact) => ({ fact, text: canonicalJson(fact as unknown as Json) }));
  return texts.sort((a, b) => (a.text < b.text ? -1 : 1)).map(({ fact }) => fact);
}

function thingOf(fact: BrokerFact): string {
  switch (fact.kind) {
    case 'open-order':
    case 'order-status':
      return `${fact.kind} ${orderName(fact)}`;
    case 'execution':
    case 'commission':
      return `${fact.kind} ${fact.execId}`;
    case 'position':
      return canonicalJson(fact.contract as unknown as Json);
    case 'account-value':
      return `${fact.key} ${fact.currency}`;
    default:
      return canonicalJson(fact as unknown as Json);
  }
}

async function orInterrupted<T>(work: Promise<T>, commandId: string, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw new SnapshotInterruptedError(commandId);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new SnapshotInterruptedError(commandId));
  signal.addEventListener('abort', abort, { once: true });
  try {
    const result = await Promise.race([work, aborted]);
    // The link may have been cut in the same turn in which the list ended as failed.
    if (signal.aborted) throw new SnapshotInterruptedError(commandId);
    return result;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function told(
  commandId: string,
  bucket: string,
  key: string,
  bytes: Uint8Array,
): EventData<'snapshot.taken'> {
  const { parts } = JSON.parse(new TextDecoder().decode(bytes)) as SnapshotDocument;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const outcomes = {
    positions: parts.positions.outcome,
    openOrders: parts.openOrders.outcome,
    completedOrders: parts.completedOrders.outcome,
    executions: parts.executions.outcome,
    accountValues: parts.accountValues.outcome,
  };
  return { commandId, bucket, key, sha256, bytes: bytes.length, parts: outcomes };
}
