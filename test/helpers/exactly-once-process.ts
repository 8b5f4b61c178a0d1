/**
 * One streamer process of a run: the deployed lease keeper, supervisor, tracker, lists and sender of orders on a real SQLite
 * file, over a table, a queue and a gateway in memory. It dies in the middle of a call, as by SIGKILL.
 */
import type { Config, StreamerConfig } from '../../config/schema.ts';
import type { EventData } from '../../lib/events/catalogue.ts';
import type { LeaseStore } from '../../lib/ports/lease-store.ts';
import { LeaseKeeper, type LeaseTerm } from '../../streamer/lease-keeper.ts';
import type { Line } from '../../streamer/line.ts';
import type { Logger } from '../../streamer/logger.ts';
import type { OrderToWrite } from '../../streamer/order-writer.ts';
import { Outbox } from '../../streamer/outbox.ts';
import { Supervisor } from '../../streamer/supervisor.ts';
import type { Gateway } from './exactly-once-gateway.ts';
import type { Fifo } from './exactly-once-queue.ts';
import type { Table } from './exactly-once-table.ts';
import { Term } from './exactly-once-term.ts';
import { Killed, type VirtualTime } from './exactly-once-time.ts';

/** Where a process may die: at a call to the endpoint, to SQLite, or to the socket, before or after it took effect. */
export const crashPoints = [
  'reserve before',
  'reserve after',
  'settle before',
  'settle after',
  'begin before',
  'begin after',
  'end before',
  'end after',
  'place before',
  'place after',
  'tell before',
  'tell after',
  'remove before',
  'remove after',
] as const;
export type CrashPoint = (typeof crashPoints)[number];
type Call = 'reserve' | 'settle' | 'begin' | 'end' | 'place' | 'tell' | 'remove';

export type Request = 'read' | 'commit' | 'queue';
/** What becomes of a request that fails: nothing, its effect without an answer, or its effect some time after the error. */
export type Trouble = 'before' | 'after' | 'late';

/** What a run gives its processes. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly table: Table;
  readonly queue: Fifo;
  readonly gateway: Gateway;
  readonly config: Config;
  readonly line: (conId: number) => Line | undefined;
  readonly logger: Logger;
  /** Called in the moment in which a request is about to take effect. */
  readonly trouble: (request: Request) => Trouble | undefined;
  readonly answered: (answer: EventData<'command.answered'>) => void;
  readonly raised: (alert: EventData<'alert.raised'>) => void;
  readonly died: (process: StreamerProcess, at: CrashPoint | 'any moment') => void;
  /** An order is being written to a socket, whatever becomes of it. */
  readonly writing: (process: StreamerProcess, order: OrderToWrite) => void;
  readonly term: (token: number) => void;
}

export class StreamerProcess {
  readonly name: string;
  readonly path: string;
  isAlive = true;
  /** Neither table nor queue can be reached. */
  isCutOff = false;
  /** The call in which it dies, and how many of its kind come before. */
  crash: { readonly point: CrashPoint; left: number } | undefined;
  term: Term | undefined;
  readonly outbox: Outbox;
  readonly streamer: StreamerConfig;
  readonly around: Surroundings;
  readonly #supervisor: Supervisor<Term>;

  constructor(name: string, path: string, around: Surroundings) {
    this.name = name;
    this.path = path;
    this.around = around;
    const { config, time, logger } = around;
    this.streamer = { ...config.streamers[0]!, dbPath: path };
    const owner = 'sandbox/main';
    const { nowMs: openedAtMs } = time;
    this.outbox = new Outbox({
      path,
      owner,
      maxEvents: 100,
      alertAtUtilisation: 0.8,
      openedAtMs,
      book: false,
    });
    const lease = new LeaseKeeper({
      account: this.streamer.account,
      store: this.#leases(),
      config: { ...config.lease, holder: this.outbox.holder },
      logger,
      monotonicMs: () => time.nowMs,
      systemMs: () => time.nowMs,
    });
    this.#supervisor = new Supervisor({
      lease,
      lastEpoch: () => this.outbox.lastEpoch,
      begin: (term) => this.#begin(term),
    });
  }

  start(): void {
    void this.#supervisor.run().catch(() => undefined);
  }

  kill(at: CrashPoint | 'any moment' = 'any moment'): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.term?.die();
    this.outbox.close();
    this.around.died(this, at);
  }

  /** A call to something outside: it takes its time, may fail, and may be the last. */
  async ask<T>(request: Request, call: Call | undefined, effect: () => T): Promise<T> {
    const { time, trouble } = this.around;
    await time.sleep(time.between(1, 8));
    const how = this.isCutOff ? 'before' : trouble(request);
    if (call !== undefined && this.#counts(call, 'before')) return never();
    if (!this.isAlive) return never();
    if (how === 'before' || how === 'late') {
      if (how === 'late') time.after(time.between(1, 1_500), effect);
      await time.sleep(time.between(1, 400));
      throw new Error(`the endpoint does not answer (${request})`);
    }
    const result = effect();
    if (call !== undefined && this.#counts(call, 'after')) return never();
    await time.sleep(time.between(1, 8));
    if (how === 'after') throw new Error(`the endpoint's answer is lost (${request})`);
    return this.isAlive ? result : never();
  }

  /** A call that is done at once. */
  do<T>(call: Call, effect: () => T): T {
    if (!this.isAlive || this.#counts(call, 'before')) throw new Killed(call);
    const result = effect();
    if (this.#counts(call, 'after')) throw new Killed(call);
    return result;
  }

  /** True when it has died of it. */
  #counts(call: Call, when: 'before' | 'after'): boolean {
    const { crash } = this;
    if (crash?.point !== `${call} ${when}` || !this.isAlive) return false;
    crash.left -= 1;
    if (crash.left > 0) return false;
    this.crash = undefined;
    this.kill(crash.point);
    return true;
  }

  #begin(term: LeaseTerm): Term {
    this.outbox.beginEpoch(term.token);
    this.term = new Term(this, term);
    this.around.term(term.token);
    return this.term;
  }

  #leases(): LeaseStore {
    const { table } = this.around;
    return {
      read: () => this.ask('read', undefined, () => table.lease),
      replace: (_account, expected, next) =>
        this.ask('commit', undefined, () => table.takeLease(expected, next)),
    };
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
