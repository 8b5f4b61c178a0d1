/**
 * Runs of reconcile over real tables: the book and the control table on an engine, buckets in memory, and in the
 * streamer's place somebody who answers a snapshot command with what a `World` says the broker has.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { RunLockTable } from '../../lib/aws/run-lock-table.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import type { Json } from '../../lib/domain/book/item.ts';
import { type PlanRecord, planRef, type RunState, runStateRef } from '../../lib/domain/reconcile/records.ts';
import type { Flags } from '../../lib/domain/safety/flags.ts';
import type { Command } from '../../lib/events/command.ts';
import { snapshotKey } from '../../lib/events/command-names.ts';
import { parseNotice } from '../../lib/events/envelope.ts';
import { type SnapshotDocument, snapshotDocument } from '../../lib/events/snapshot-document.ts';
import type { EventPublisher, OutgoingEvent } from '../../lib/ports/event-publisher.ts';
import type { ObjectStore, StoredObject } from '../../lib/ports/object-store.ts';
import type { RunLockRow, RunLockStore } from '../../lib/ports/run-lock.ts';
import type { RunNotice } from '../../lib/reconcile/notices.ts';
import { parseSetting, reconcileSettings } from '../../lib/reconcile/rules.ts';
import { type RunOptions, runReconcile } from '../../lib/reconcile/run.ts';
import { type BookTables, createBookTables } from './book-tables.ts';
import type { DynamoEngine } from './dynamo-engine.ts';
import { MemoryBook } from './memory-book.ts';
import { account, World } from './reconcile-world.ts';

export class MemoryBucket implements ObjectStore {
  readonly objects = new Map<string, Uint8Array>();

  async put({ key, body }: StoredObject, { onlyIfNew = false } = {}): Promise<'stored' | 'exists'> {
    if (onlyIfNew && this.objects.has(key)) return 'exists';
    this.objects.set(key, body);
    return 'stored';
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.objects.get(key);
  }

  async *list(prefix: string) {
    for (const [key, body] of this.objects) if (key.startsWith(prefix)) yield { key, bytes: body.byteLength };
  }

  json<T = unknown>(key: string): T {
    return JSON.parse(new TextDecoder().decode(this.objects.get(key))) as T;
  }
}

/** The rule of the table's conditional updates. */
class MemoryRunLocks implements RunLockStore {
  readonly #rows = new Map<string, RunLockRow>();

  async read(of: string): Promise<RunLockRow | undefined> {
    return this.#rows.get(of);
  }

  async take(of: string, { runId, nowMs, untilMs }: Parameters<RunLockStore['take']>[1]) {
    const row = this.#rows.get(of);
    if (row?.runId === runId && row.untilMs > nowMs) return { taken: true as const, token: row.token };
    if (row !== undefined && (row.untilMs > nowMs || row.runId === runId))
      return { taken: false as const, heldBy: row };
    const token = (row?.token ?? 0) + 1;
    this.#rows.set(of, { runId, token, untilMs });
    return { taken: true as const, token };
  }

  async release(of: string, token: number): Promise<void> {
    const row = this.#rows.get(of);
    if (row?.token === token) this.#rows.set(of, { ...row, untilMs: 0 });
  }
}

export const execute: Partial<Flags> = { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true };
export const stage: Partial<Flags> = { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: false };

export class ReconcileDesk {
  /** An account without any cash has not been answered to its end. */
  world = new World().bothCash('1000');
  readonly tables: BookTables;
  readonly runLocks: RunLockStore;
  readonly safety: SafetyStore;
  readonly snapshots = new MemoryBucket();
  readonly store = new MemoryBucket();
  readonly events: RunNotice[] = [];
  readonly commands: Command[] = [];
  /** In the streamer's place: gives the bytes that it leaves, or undefined for none. */
  answer: (command: Command) => Promise<string | undefined> = async (command) => this.document(command);
  /** The streamer's epoch, which is its lease's token. */
  epoch = 1;
  passedMs = 0;

  private constructor(tables: BookTables, runLocks: RunLockStore) {
    this.tables = tables;
    this.runLocks = runLocks;
    this.safety = new SafetyStore({ book: tables.book, nowMs: () => this.nowMs });
  }

  static async open(engine: DynamoEngine, prefix: string): Promise<ReconcileDesk> {
    const tables = await createBookTables(engine, prefix);
    await engine.createTable(`${prefix}-control`);
    return ReconcileDesk.over(engine, tables, `${prefix}-control`);
  }

  /** Over tables that are there, the control table with them. */
  static over(engine: DynamoEngine, tables: BookTables, controlTable: string): ReconcileDesk {
    return new ReconcileDesk(tables, new RunLockTable({ client: engine.client, tableName: controlTable }));
  }

  /** Without an engine: hundreds of runs in a second. There is no audit trail. */
  static inMemory(): ReconcileDesk {
    const tables: Pick<BookTables, 'book'> = { book: new MemoryBook() as unknown as BookTables['book'] };
    return new ReconcileDesk(tables as BookTables, new MemoryRunLocks());
  }

  get nowMs(): number {
    return this.world.marketMs + 1_000 + this.passedMs;
  }

  options(more: Partial<RunOptions> = {}, settings: Record<string, Json> = {}): RunOptions {
    const publisher: EventPublisher = {
      publish: async (events: readonly OutgoingEvent[]) => {
        // What does not fit the catalogue would be refused by whoever reads it.
        for (const event of events) parseNotice(event);
        this.events.push(...(events as readonly RunNotice[]));
        return events.map(() => ({ ok: true }) as const);
      },
    };
    return {
      stage: 'sandbox',
      settings: parseSetting('RECONCILE_RULES', JSON.stringify(settings), reconcileSettings),
      streamers: [
        { account, streamer: 'main', commandQueueUrl: 'q', timeZone: 'America/New_York', clientId: 7 },
      ],
      book: this.tables.book,
      runLocks: this.runLocks,
      sender: () => ({
        send: async ({ body }) => {
          const command = JSON.parse(body) as Command;
          this.commands.push(command);
          const text = await this.answer(command);
          if (text !== undefined)
            this.snapshots.objects.set(snapshotKey(account, command.id), new TextEncoder().encode(text));
        },
      }),
      snapshots: this.snapshots,
      store: this.store,
      publisher,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      canonicalJson,
      nowMs: () => this.nowMs,
      sleep: async (ms) => {
        this.passedMs += Math.ceil(ms);
      },
      randomHex: () => randomBytes(3).toString('hex'),
      newId: randomUUID,
      programVersion: 'test',
      ...more,
    };
  }

  /** One run, five minutes after the one before. */
  async run(request: object = {}, more: Partial<RunOptions> = {}, settings: Record<string, Json> = {}) {
    this.world.later();
    return this.runNow(request, more, settings);
  }

  async runNow(request: object = {}, more: Partial<RunOptions> = {}, settings: Record<string, Json> = {}) {
    return runReconcile({ trigger: 'operator', by: 'anna', ...request }, this.options(more, settings));
  }

  /** What the streamer leaves in the bucket. */
  document(command: Pick<Command, 'id'>): string {
    const {
      startedAtMs,
      completedAtMs,
      brokerTimeMs,
      positions,
      openOrders,
      completedOrders,
      executions,
      accountValues,
    } = this.world.broker;
    const document: SnapshotDocument = snapshotDocument.parse({
      kind: 'evenkeel.snapshot',
      version: 1,
      commandId: command.id,
      stage: 'sandbox',
      streamer: 'main',
      account,
      epoch: this.epoch,
      serverVersion: 193,
      startedAt: new Date(startedAtMs).toISOString(),
      completedAt: new Date(completedAtMs).toISOString(),
      brokerTimeMs,
      parts: { positions, openOrders, completedOrders, executions, accountValues },
    });
    return canonicalJson(document as unknown as Json);
  }

  /** What the world's book has, into the tables: once, before the first run. */
  async book(): Promise<void> {
    const items = [...this.world.items.values()];
    for (let from = 0; from < items.length; from += 80) {
      const writes = items.slice(from, from + 80).map(({ ref, body }) => ({ ref, expectedVersion: 0, body }));
      const cause = { kind: 'event', id: 'main:1:1', name: 'order.placed', reason: '' } as const;
      const change = { account, writer: 'book-keeper', cause, atMs: this.nowMs, orderKey: '', writes };
      if ((await this.tables.book.commit(change)) !== 'committed')
        throw new Error('the book has them already');
    }
  }

  async flags(changes: Partial<Flags>): Promise<void> {
    await this.safety.setFlags(account, changes, { who: 'anna', reason: 'test' });
  }

  async state(): Promise<RunState> {
    const [item] = await this.tables.book.read(account, [runStateRef]);
    return item?.body as unknown as RunState;
  }

  async plan(hash: string): Promise<PlanRecord | undefined> {
    const [item] = await this.tables.book.read(account, [planRef(hash)]);
    return item?.body as unknown as PlanRecord | undefined;
  }

  said(type: RunNotice['type']): RunNotice[] {
    return this.events.filter((event) => event.type === type);
  }

  alerts(): string[] {
    return this.events.flatMap((event) => (event.type === 'alert.raised' ? [event.data.alert] : []));
  }
}
