/** What is seen of a desk from outside, several times a second: health, lease, whether trading is open, alerts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isOpenFor } from '../../lib/domain/safety/lock.ts';
import type { Tables } from './tables.ts';

export interface Sight {
  /** Monotonic. */
  readonly atMs: number;
  /** Answer of /healthz and of /readyz: 0 for none. */
  readonly health: number;
  readonly ready: number;
  /** Fencing token of the lease; 0 while the table does not answer. */
  readonly token: number;
  /** Orders leave: the streamer is ready, the lock is open for its term, and no flag holds them back. */
  readonly trading: boolean;
  readonly safeMode: boolean;
  /** Of the lock, or why it could not be read. */
  readonly reason: string;
}

export interface SeenAlert {
  readonly alert: string;
  readonly severity: string;
  readonly subject: string;
  /** Monotonic, of the look that first saw it. */
  readonly atMs: number;
}

const everyMs = 150;
const pageMs = 1_000;
/** What was asked for longer ago says nothing of now. */
const freshMs = 2_500;
const unread = { token: 0, isOpen: false, safeMode: false, reason: 'the tables do not answer', atMs: 0 };

export class Watch {
  readonly sights: Sight[] = [];
  readonly alerts: SeenAlert[] = [];
  readonly #tables: Tables;
  readonly #account: string;
  readonly #healthPort: () => number;
  readonly #known = new Map<string, number>();
  #isOver = false;
  #table = unread;
  #looking: Promise<void> | undefined;

  constructor(tables: Tables, account: string, healthPort: () => number) {
    this.#tables = tables;
    this.#account = account;
    this.#healthPort = healthPort;
  }

  start(): void {
    this.#looking = this.#look();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }

  get now(): Sight {
    return (
      this.sights.at(-1) ?? {
        atMs: 0,
        health: 0,
        ready: 0,
        token: 0,
        trading: false,
        safeMode: false,
        reason: '',
      }
    );
  }

  /**
   * Waits until a sight is so.
   *
   * @returns milliseconds since `sinceMs`, or undefined where it did not come
   */
  async until(
    isSo: (sight: Sight) => boolean,
    timeoutMs: number,
    sinceMs = performance.now(),
  ): Promise<number | undefined> {
    for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(20)) {
      const found = this.sights.find((sight) => sight.atMs >= sinceMs && isSo(sight));
      if (found) return found.atMs - sinceMs;
    }
    return undefined;
  }

  /** As `until`, for an alert by its name. */
  async untilAlert(
    name: string,
    timeoutMs: number,
    sinceMs = performance.now(),
  ): Promise<number | undefined> {
    for (const deadline = performance.now() + timeoutMs; ; await sleep(20)) {
      const found = this.alerts.find(({ alert, atMs }) => alert === name && atMs >= sinceMs);
      if (found) return found.atMs - sinceMs;
      if (performance.now() >= deadline) return undefined;
    }
  }

  alertsSince(sinceMs: number): readonly string[] {
    return [...new Set(this.alerts.filter(({ atMs }) => atMs >= sinceMs).map(({ alert }) => alert))];
  }

  async #look(): Promise<void> {
    const reading = this.#readTables();
    for (; !this.#isOver; await sleep(everyMs)) {
      const [health, ready] = await Promise.all([this.#page('/healthz'), this.#page('/readyz')]);
      const atMs = performance.now();
      const { token, isOpen, safeMode, reason } = atMs - this.#table.atMs < freshMs ? this.#table : unread;
      this.sights.push({ atMs, health, ready, token, trading: isOpen && ready === 200, safeMode, reason });
    }
    await reading;
  }

  /** Apart from the pages: tables may answer late, or not at all. */
  async #readTables(): Promise<void> {
    for (let round = 0; !this.#isOver; round += 1) {
      const atMs = performance.now();
      const read = await this.#readTable().catch(() => undefined);
      if (read) this.#table = { ...read, atMs };
      if (round % 3 === 0) await this.#readAlerts().catch(() => undefined);
      await sleep(everyMs);
    }
  }

  async #page(path: string): Promise<number> {
    const port = this.#healthPort();
    if (port === 0) return 0;
    try {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(pageMs) });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    }
  }

  async #readTable(): Promise<{ token: number; isOpen: boolean; safeMode: boolean; reason: string }> {
    const { safety, leases } = this.#tables;
    const account = this.#account;
    const [lease, lock, { flags }, { mode }] = await Promise.all([
      leases.read(account),
      safety.lock(account),
      safety.flags(account),
      safety.trading(account),
    ]);
    const token = lease?.token ?? 0;
    const isOpen = isOpenFor(lock, token) && !flags.SAFE_MODE && !flags.DRY_RUN && mode === 'active';
    const reason = `${lock.state} for ${lock.token}: ${lock.reason}`;
    return { token, isOpen, safeMode: flags.SAFE_MODE, reason };
  }

  async #readAlerts(): Promise<void> {
    const { memory } = await this.#tables.alerts.read();
    for (const { id, alert, severity, subject, count } of Object.values(memory?.records ?? {})) {
      // One that is raised again is one record with a higher count.
      if (this.#known.get(id) === count) continue;
      this.#known.set(id, count);
      this.alerts.push({ alert, severity, subject, atMs: performance.now() });
    }
  }
}
