/** A stage as the watchdog sees it: heartbeats, a book told by the real rules, a bus that remembers, a control table. */
import type { LogItemMessage } from '@aws-lambda-powertools/logger/types';
import { type RunOptions, run, type WatchedAccount } from '../../../functions/watchdog/run.ts';
import type { BookItem, BookKind, BookRef } from '../../../lib/domain/book/item.ts';
import { refText } from '../../../lib/domain/book/seen.ts';
import { runStateRef } from '../../../lib/domain/reconcile/records.ts';
import { type Notice, parseNotice } from '../../../lib/events/envelope.ts';
import type { Heartbeat } from '../../../lib/ports/lease-store.ts';
import type { WatchdogRow } from '../../../lib/ports/watchdog-store.ts';
import { account, World } from '../../helpers/reconcile-world.ts';

export const second = 1_000;
export const minute = 60 * second;
export const startMs = Date.UTC(2026, 0, 5, 15, 30);

export class WatchedStage {
  world = new World();
  nowMs = startMs;
  /** Undefined: none was ever written. */
  heartbeatMs: number | undefined = startMs;
  synced = true;
  /** When orders were last compared with the broker's lists; undefined for the time of the heartbeat. */
  syncedMs: number | undefined;
  accounts: readonly WatchedAccount[] = [{ account, streamer: 'main' }];
  resetWindows: RunOptions['resetWindows'] = [];
  noStopNeeded: readonly string[] = [];
  readonly rows = new Map<string, WatchdogRow>();
  readonly sent: Notice[] = [];
  readonly logged: string[] = [];
  readonly broken = new Set<string>();
  readonly failures: RunOptions['failures'] = new Map();
  busTakes = true;
  /** Listings of all orders, and orders that were read by name. */
  listings = 0;
  readByName: string[] = [];

  get options(): RunOptions {
    const log = (input: LogItemMessage) => {
      this.logged.push(typeof input === 'string' ? input : input.message);
    };
    return {
      stage: 'paper',
      accounts: this.accounts,
      resetWindows: this.resetWindows,
      noStopNeeded: this.noStopNeeded,
      late: { reconcileMs: 75 * minute, listsMs: 8 * minute },
      heartbeats: { read: async (name) => this.#heartbeat(name) },
      book: {
        read: async (_account, refs) => this.#read(refs),
        list: (name, kind) => this.#list(name, kind),
      },
      store: {
        read: async (name) => this.rows.get(name),
        write: async (name, expectedVersion, memory) => {
          if ((this.rows.get(name)?.version ?? 0) !== expectedVersion) return false;
          this.rows.set(name, { version: expectedVersion + 1, memory });
          return true;
        },
      },
      publisher: {
        publish: async (events) =>
          events.map((event) => {
            if (!this.busTakes) return { ok: false, code: 'ThrottlingException', message: 'slow down' };
            this.sent.push(parseNotice(JSON.parse(JSON.stringify(event))));
            return { ok: true };
          }),
      },
      logger: { info: () => undefined, warn: log, error: log },
      nowMs: () => this.nowMs,
      failures: this.failures,
    };
  }

  /** A look after a while, the streamer alive unless it is said otherwise; what was raised. */
  async look(afterMs = minute, isAlive = true): Promise<string[]> {
    this.nowMs += afterMs;
    if (isAlive) this.heartbeatMs = this.nowMs - 8 * second;
    const before = this.sent.length;
    await run(this.options);
    return this.sent.slice(before).map(nameOf);
  }

  /** A reconcile has judged; `paused` until then. */
  judged(lastJudgedMs: number, pausedUntilMs?: number): void {
    const paused =
      pausedUntilMs === undefined ? null : { untilMs: pausedUntilMs, by: 'anna', reason: 'test' };
    const body = { lastJudgedMs, paused };
    this.world.items.set(refText(runStateRef), { account, ref: runStateRef, version: 1, body });
  }

  #heartbeat(name: string): Heartbeat | undefined {
    if (this.broken.has(name)) throw new Error('the table does not answer');
    if (this.heartbeatMs === undefined) return undefined;
    return {
      streamer: 'main',
      epoch: 1,
      atMs: this.heartbeatMs,
      phase: 'ready',
      ready: true,
      marketMs: this.heartbeatMs,
      feeds: [],
      orders: { synced: this.synced, syncedAtMs: this.syncedMs ?? this.heartbeatMs },
      outboxDepth: 0,
      bookDepth: 0,
      startedAtMs: startMs,
    };
  }

  #read(refs: readonly BookRef[]): (BookItem | undefined)[] {
    this.readByName.push(...refs.map(({ id }) => id));
    return refs.map((ref) => this.world.items.get(refText(ref)));
  }

  async *#list(name: string, kind: BookKind): AsyncGenerator<BookItem, void, undefined> {
    if (kind === 'order') this.listings += 1;
    if (name !== account) return;
    for (const item of this.world.items.values()) if (item.ref.kind === kind) yield item;
  }
}

export function nameOf({ data }: Notice): string {
  const { severity, alert, subject } = data as { severity: string; alert: string; subject: string };
  return `${severity} ${alert} ${subject}`;
}
