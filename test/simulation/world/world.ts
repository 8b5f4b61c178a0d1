/** One run of the whole system: its market, broker and cloud, the parts that live in it, and what befalls them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBServiceException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { Order } from '@stoqey/ib';
import { configSchema } from '../../../config/schema.ts';
import type { RunAnswer } from '../../../lib/domain/reconcile/records.ts';
import type { Envelope } from '../../../lib/events/envelope.ts';
import type { ChannelMessage } from '../../../lib/ports/alert-channel.ts';
import type { PlanAnswer } from '../../../lib/reconcile/plan-desk.ts';
import type { Logger } from '../../../streamer/logger.ts';
import { account, clientId, Gateway } from '../../helpers/exactly-once-gateway.ts';
import { Witness } from '../invariants/witness.ts';
import { type BusEvent, Cloud } from './cloud.ts';
import { type FunctionName, Functions, type FunctionsWorld } from './functions.ts';
import { Market } from './market.ts';
import type { Part, Service, Trouble } from './part.ts';
import { StreamerProcess, type StreamerWorld } from './streamer.ts';
import { SimulatedTime } from './time.ts';

/** A Monday evening in New York, in COMEX's session of Tuesday: there the date in UTC is another one than the session's. */
export const startMs = Date.parse('2026-01-05T23:30:00Z');

const silent = () => undefined;
const logger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

export const config = configSchema.parse({
  stage: 'sandbox',
  streamers: [
    { name: 'main', account, symbols: ['GC'], gateway: { clientId, port: 4002 }, dbPath: ':memory:' },
  ],
  resetWindows: [],
  // Minutes stand for hours: a rejected plan is staged again, and what lasts is not left to people.
  reconcile: { planValidMs: 600_000, escalateAfterRuns: 100 },
  risk: {
    maxQuantity: '10',
    maxNotional: null,
    maxPosition: '20',
    maxOpenOrders: null,
    maxOrdersPerMinute: null,
    maxDailyLoss: null,
    maxDrawdown: null,
    priceCollar: '0.05',
  },
});

/** Shares of the requests to a service that fail. */
type Shares = Record<Trouble, number>;
const noTrouble = (): Shares => ({ before: 0, after: 0, late: 0 });

export class World implements StreamerWorld, FunctionsWorld {
  readonly seed: number;
  readonly config: typeof config;
  readonly time: SimulatedTime;
  readonly gateway: Gateway;
  readonly market: Market;
  readonly cloud: Cloud;
  readonly functions: Functions;
  readonly witness: Witness;
  readonly processes: StreamerProcess[] = [];
  readonly troubles: Record<Service, Shares> = {
    dynamodb: noTrouble(),
    s3: noTrouble(),
    sqs: noTrouble(),
    bus: noTrouble(),
    disk: noTrouble(),
    gateway: noTrouble(),
  };
  /** What befalls the next call of a function. */
  readonly callsToCome: { readonly name: FunctionName; readonly befalls: (part: Part) => void }[] = [];
  twiceShare = 0.05;
  slowBusMs = 0;
  channelFails = false;
  backupsFail = false;
  /** After so many more orders the link breaks over one. */
  ordersUntilBreak = 0;
  staleShare = 0;
  /** Nobody dies any more, from then on. */
  isHealed = false;
  healedAtMs = Number.POSITIVE_INFINITY;
  /** Processes that are about to begin again. */
  restarts = 0;
  readonly #folder: string;
  #files = 0;
  #isClosed = false;

  constructor(seed: number) {
    this.seed = seed;
    this.#folder = mkdtempSync(join(tmpdir(), 'evenkeel-simulation-'));
    const time = new SimulatedTime(startMs, seed);
    this.time = time;
    // Some desks hold what needs no stop: their lock stays open, and more of their orders leave.
    const noStopNeeded = time.chance(0.5) ? ['GC'] : [];
    // Short enough for an operator to be too late.
    const planValidMs = time.chance(0.5) ? 60_000 : 30_000;
    // A run that died holds the run lock for as long, and two minutes more.
    const snapshotTimeoutMs = 25_000;
    // So small that there is no room for what is not of the book.
    const outbox = { ...config.outbox, ...(time.chance(0.15) ? { maxEvents: 12 } : {}) };
    this.config = {
      ...config,
      outbox,
      reconcile: { ...config.reconcile, noStopNeeded, planValidMs, snapshotTimeoutMs },
    };
    // Where little is traded at a time, orders fill part by part.
    this.gateway = new Gateway(time, time.chance(0.5));
    this.gateway.listsFlat = seed % 2 === 0;
    this.market = new Market(time, this.gateway);
    this.market.isUntidy = time.chance(0.4);
    this.cloud = new Cloud(
      time,
      () => time.chance(this.staleShare),
      (event) => this.#onBus(event),
      (part, change) => this.witness.takenForDone(part, change),
    );
    this.functions = new Functions(this);
    this.witness = new Witness(this);
    this.cloud.tables.onCommit((commit) => this.witness.committed(commit));
  }

  /** Takes away what lies on disk. */
  close(): void {
    this.#isClosed = true;
    this.functions.end();
    this.market.end();
    for (const process of this.processes) process.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get alive(): readonly StreamerProcess[] {
    return this.processes.filter(({ isAlive }) => isAlive);
  }

  /** The one that serves a term and is ready for orders. */
  get serving(): StreamerProcess | undefined {
    return this.alive.find(({ duty }) => duty?.streamer.trading.session().ready === true);
  }

  /** A process on a file of its own, or on one that was there before. */
  begin(path?: string): StreamerProcess {
    this.#files += path === undefined ? 1 : 0;
    const file = path ?? join(this.#folder, `${this.#files}.db`);
    const process = new StreamerProcess(`p${this.processes.length}`, file, this);
    this.processes.push(process);
    this.witness.note(`${process.name} begins ${path === undefined ? 'on a new disk' : 'again'}`);
    process.run(() => process.start());
    return process;
  }

  // What the parts ask of their world.

  logger(): Logger {
    return logger;
  }

  trouble(service: Service, call: string): Trouble | undefined {
    if (this.backupsFail && call === 's3 put backups') return 'before';
    const shares = this.troubles[service];
    for (const how of ['before', 'after', 'late'] as const) if (this.time.chance(shares[how])) return how;
    return undefined;
  }

  failure(service: Service, call: string): Error {
    if (service !== 'dynamodb')
      return Object.assign(new Error(`${call}: socket hang up`), { name: 'TimeoutError' });
    const metadata = { $metadata: {}, message: 'a run makes it so' };
    const isTransaction = call.includes('TransactWrite');
    const dice = this.time.random();
    if (isTransaction && dice < 0.4)
      return new TransactionCanceledException({
        ...metadata,
        CancellationReasons: [{ Code: 'TransactionConflict' }],
      });
    if (dice < 0.7)
      return new DynamoDBServiceException({ ...metadata, name: 'ThrottlingException', $fault: 'client' });
    return Object.assign(new Error(`${call}: socket hang up`), { name: 'TimeoutError' });
  }

  died(part: Part, at: string): void {
    if (this.#isClosed) return;
    this.witness.died(part.name, at);
    if (!(part instanceof StreamerProcess)) return;
    const { time } = this;
    if (this.isHealed && at === 'a clean stop' && this.alive.length > 0 && part.isEmpty) return;
    // A container starts again on its disk; a task that is lost takes it along.
    const isDiskLost = !this.isHealed && at !== 'a clean stop' && (part.losesDisk || time.chance(0.2));
    if (isDiskLost) this.witness.diskLost(part);
    this.restarts += 1;
    time.after(time.between(300, 4_000), () => {
      this.restarts -= 1;
      if (!this.#isClosed) this.begin(isDiskLost ? undefined : part.path);
    });
  }

  uncaught(part: Part, error: unknown): void {
    this.witness.uncaught(part, error);
    part.kill('an error that nobody caught');
  }

  recorded(process: StreamerProcess, events: readonly Envelope[], refused: readonly Envelope[]): void {
    this.witness.recorded(process, events, refused);
  }

  began(process: StreamerProcess, token: number): void {
    this.witness.began(process, token);
  }

  refused(process: StreamerProcess, error: Error): void {
    this.witness.broken('streamer', `${process.name} refused to go on: ${error.message}`);
  }

  writing(part: Part, orderId: number, order: Order): void {
    this.witness.writing(part as StreamerProcess, orderId, order);
  }

  breaksNow(): boolean {
    if (this.ordersUntilBreak === 0) return false;
    this.ordersUntilBreak -= 1;
    return this.ordersUntilBreak === 0;
  }

  asking(part: Part): void {
    this.witness.asking(part as StreamerProcess);
  }

  invoked(part: Part, name: FunctionName): void {
    if (this.isHealed) return;
    const at = this.callsToCome.findIndex((one) => one.name === name);
    if (at >= 0) this.callsToCome.splice(at, 1)[0]!.befalls(part);
  }

  reconciled(answer: RunAnswer): void {
    this.witness.reconciled(answer);
  }

  planned(request: unknown, answer: PlanAnswer): void {
    this.witness.planned(request, answer);
  }

  delivered(message: ChannelMessage): void {
    this.witness.delivered(message);
  }

  buried(what: string, letter: string): void {
    this.witness.buried(what, letter);
  }

  get changes(): number {
    return this.witness.changes;
  }

  backedUp(id: string, isBusy: boolean): void {
    this.witness.backedUp(id, isBusy);
  }

  #onBus(event: BusEvent): void {
    this.witness.onBus(event);
    this.functions.onBus(event);
  }
}
