import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { digest } from '../../lib/aws/audit-hash.ts';
import { AuditTable } from '../../lib/aws/audit-table.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { SqsCommandSender } from '../../lib/aws/command-queue.ts';
import { LeaseTable } from '../../lib/aws/lease-table.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import { type Intent, type IntentState, readIntent } from '../../lib/domain/orders/intent.ts';
import { type TradingMode, tradingBody } from '../../lib/domain/safety/trading-state.ts';
import { type CommandInput, commandSchema } from '../../lib/events/command.ts';
import { tradeGroup } from '../../lib/events/command-names.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';

export const account = 'DU1234567';
/** A run whose snapshot a killed streamer took with it waits for it a minute. */
const quietMsMax = 75_000;

type Bare<T> = T extends unknown
  ? Omit<T, 'id' | 'version' | 'account' | 'issuedAt' | 'issuedBy' | 'validUntil'>
  : never;
export type BareCommand = Bare<CommandInput>;

/** A command with its head. */
export function commandOf(bare: BareCommand, more: { id?: string; validMs?: number; atMs?: number } = {}) {
  const atMs = more.atMs ?? Date.now();
  return commandSchema.parse({
    id: more.id ?? randomUUID(),
    version: 1,
    account,
    issuedAt: new Date(atMs).toISOString(),
    issuedBy: 'arn:aws:sts::000000000000:assumed-role/strategy/test',
    validUntil: new Date(atMs + (more.validMs ?? 120_000)).toISOString(),
    ...bare,
  });
}

/** Book, queue and lease of a desk, as an operator and a strategy have them. */
export class OrdersOut {
  readonly book: BookTable;
  readonly safety: SafetyStore;
  readonly audit: AuditTable;
  readonly #leases: LeaseTable;
  readonly #sender: SqsCommandSender;
  readonly #pending: () => number;

  constructor({ cloud }: Desk) {
    const client = {
      endpoint: cloud.endpoint,
      region: cloud.region,
      credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
    };
    this.#pending = () => cloud.stats().pending;
    const dynamo = new DynamoDBClient(client);
    const names = { bookTable: 'evenkeel-sandbox-book', auditTable: 'evenkeel-sandbox-audit' };
    this.book = new BookTable({ client: dynamo, ...names });
    this.safety = new SafetyStore({ book: this.book });
    this.audit = new AuditTable({ client: dynamo, auditTable: names.auditTable, book: this.book });
    this.#leases = new LeaseTable({
      client: dynamo,
      tableName: 'evenkeel-sandbox-control',
      timeoutMs: 5_000,
    });
    this.#sender = new SqsCommandSender({
      client: new SQSClient(client),
      queueUrl: cloud.containerEnvironment('streamer').COMMAND_QUEUE_URL!,
    });
  }

  /**
   * Flags cleared, and the lock open for the present term of the lease, once the reconcile of the start is over: it would lock
   * again what the test opens. Who expects orders to be denied need not wait.
   */
  async open({ isOver = true } = {}): Promise<void> {
    if (isOver) await this.#untilQuiet();
    const by = { who: 'test', reason: 'orders out' };
    await this.safety.setFlags(account, { DRY_RUN: false, SAFE_MODE: false }, by);
    await this.lock('open');
  }

  async lock(state: 'open' | 'locked'): Promise<void> {
    const lease = await this.#leases.read(account);
    await this.safety.setLock(
      account,
      { state, reason: 'test', runId: 'test', token: lease!.token },
      { writer: 'operator', cause: { kind: 'operator', id: 'test', name: 'test', reason: 'test' } },
    );
  }

  async #untilQuiet(): Promise<void> {
    let calm = 0;
    for (const deadline = Date.now() + quietMsMax; calm < 3 && Date.now() < deadline; await sleep(100))
      calm = this.#pending() === 0 ? calm + 1 : 0;
  }

  async trading(mode: TradingMode): Promise<void> {
    const ref = { kind: 'trading', id: '' } as const;
    const [item] = await this.book.read(account, [ref]);
    const body = tradingBody({ mode, by: 'test', reason: 'test', at: new Date().toISOString() });
    await this.book.commit({
      account,
      writer: 'operator',
      cause: { kind: 'operator', id: 'test', name: mode, reason: 'test' },
      atMs: Date.now(),
      orderKey: '',
      writes: [{ ref, expectedVersion: item?.version ?? 0, body }],
    });
  }

  /** As a second streamer takes it that has waited long enough. */
  async stealLease(): Promise<void> {
    for (;;) {
      const lease = (await this.#leases.read(account))!;
      const next = { ...lease, holder: 'somebody else', token: lease.token + 1, version: lease.version + 1 };
      if (await this.#leases.replace(account, lease, next)) return;
    }
  }

  async send(bare: BareCommand, more: Parameters<typeof commandOf>[1] = {}): Promise<string> {
    const command = commandOf(bare, more);
    await this.#sender.send({ id: command.id, group: tradeGroup(account), body: JSON.stringify(command) });
    return command.id;
  }

  async intent(key: string): Promise<Intent | undefined> {
    const [item] = await this.book.read(account, [{ kind: 'intent', id: key }]);
    return item && readIntent(item.body);
  }

  /** Waits for the intent's end. */
  async ended(key: string, timeoutMs = 90_000): Promise<Intent> {
    const ends: readonly IntentState[] = ['sent', 'denied', 'would-send', 'rejected', 'unresolved'];
    for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(40)) {
      const intent = await this.intent(key);
      if (intent && ends.includes(intent.state)) return intent;
    }
    throw new Error(`The intent ${key} has no end: ${JSON.stringify(await this.intent(key))}`);
  }

  async auditFindings(): Promise<readonly unknown[]> {
    return (await verifyAudit(this.audit, account, digest)).flatMap(({ finding }) => finding ?? []);
  }
}

/** The line of the desk with its contract known and its feed live. */
export async function tradedLine(desk: Desk): Promise<{ symbol: string; conId: number; last: number }> {
  for (const deadline = Date.now() + 90_000; Date.now() < deadline; await sleep(50)) {
    const stats = await desk.streamerStats();
    const line = stats?.marketData.lines[0];
    if (line && stats.orders.synced && line.feed === 'live' && line.lastPrice !== null)
      return { symbol: line.localSymbol, conId: line.conId, last: Number(line.lastPrice) };
  }
  throw new Error(`No live feed: ${JSON.stringify(await desk.streamerStats())}`);
}
