/**
 * The functions of a run: the logic behind each handler, with the real adapters over the cloud in memory. A call is a part
 * of its own that may be killed, and its time-out kills it. What starts one (rules, queues, the clock) is AWS's: it calls
 * again after a failure, sometimes twice without one, and keeps no order.
 */

import type { Config } from '../../../config/schema.ts';
import { deskRules } from '../../../functions/alerts/channels.ts';
import { run as runAlerts } from '../../../functions/alerts/run.ts';
import { run as runApplyPlan } from '../../../functions/apply-plan/run.ts';
import { run as runBackup } from '../../../functions/backup/run.ts';
import { handleGroups } from '../../../functions/book-keeper/batch.ts';
import { createKeeper } from '../../../functions/book-keeper/keeper.ts';
import { run as runReconcileFunction } from '../../../functions/reconcile/run.ts';
import { run as runWatchdog } from '../../../functions/watchdog/run.ts';
import { AlertTable } from '../../../lib/aws/alert-table.ts';
import { canonicalJson, digest } from '../../../lib/aws/audit-hash.ts';
import { CandlesTable } from '../../../lib/aws/candles-table.ts';
import { HeartbeatTable } from '../../../lib/aws/heartbeat-table.ts';
import { LastPriceTable } from '../../../lib/aws/last-price-table.ts';
import { RunLockTable } from '../../../lib/aws/run-lock-table.ts';
import { storedKeys } from '../../../lib/aws/stored-keys.ts';
import { WatchdogTable } from '../../../lib/aws/watchdog-table.ts';
import { heardEvents } from '../../../lib/domain/alerts/heard-events.ts';
import { endedPlanCodes } from '../../../lib/domain/reconcile/plan-state.ts';
import type { RunAnswer } from '../../../lib/domain/reconcile/records.ts';
import { parseEnvelope } from '../../../lib/events/envelope.ts';
import {
  applyPlanSource,
  backupSource,
  bookKeeperSource,
  reconcileSource,
  streamerSource,
  watchdogSource,
} from '../../../lib/events/sources.ts';
import type { AlertChannel, ChannelMessage } from '../../../lib/ports/alert-channel.ts';
import type { DeadLetter } from '../../../lib/ports/dead-letter-queue.ts';
import type { PlanAnswer } from '../../../lib/reconcile/plan-desk.ts';
import { parseSetting, reconcileSettings } from '../../../lib/reconcile/rules.ts';
import { identities } from '../../helpers/plan-desk.ts';
import { type BusEvent, type Clients, type Cloud, names } from './cloud.ts';
import { Part, type PartWorld } from './part.ts';
import { MemoryTableScan } from './table-scan.ts';
import { uuidFrom } from './time.ts';

const account = 'DU1234567';
const arn = 'arn:aws:lambda:us-east-1:111122223333:function:evenkeel-sandbox';
/** As the stack has them. */
const timeoutsMs = {
  'book-keeper': 30_000,
  'candle-keeper': 10_000,
  reconcile: 240_000,
  'apply-plan': 120_000,
  alerts: 50_000,
  watchdog: 30_000,
  operator: 600_000,
} as const;
export type FunctionName = keyof typeof timeoutsMs;

/** So often a rule tries its target before the event is given up. */
const triesOf = { candles: 185, reconcile: 20, plans: 20, alerts: 185 } as const;

export type Outcome<T> = { readonly value: T } | { readonly error: unknown } | 'died';

export interface FunctionsWorld extends PartWorld {
  readonly cloud: Cloud;
  readonly config: Config;
  /** How often an event is delivered twice. */
  readonly twiceShare: number;
  /** How long a rule may take with an event. */
  readonly slowBusMs: number;
  readonly channelFails: boolean;
  invoked(part: Part, name: FunctionName): void;
  reconciled(answer: RunAnswer): void;
  planned(request: unknown, answer: PlanAnswer): void;
  delivered(message: ChannelMessage): void;
  buried(what: string, letter: string): void;
  /** So often has the book been changed. */
  readonly changes: number;
  /** @param isBusy the book was changed while it was made */
  backedUp(id: string, isBusy: boolean): void;
}

export class Functions {
  readonly #world: FunctionsWorld;
  #calls = 0;
  /** Events on their way to a rule's target. */
  deliveries = 0;
  #isOver = false;

  constructor(world: FunctionsWorld) {
    this.#world = world;
  }

  /** The pollers of the book's queue, and the clock. */
  begin(): void {
    for (let poller = 0; poller < 2; poller += 1) void this.#keepBook();
    this.#every(60_000, () => void this.alerts({ action: 'tick' }));
    this.#every(60_000, () => void this.watchdog());
    this.#every(
      90_000,
      () => void this.reconcile({ trigger: 'schedule', account, by: 'evenkeel-sandbox-reconcile-main' }),
    );
  }

  end(): void {
    this.#isOver = true;
  }

  /** A rule's work: the targets of an event. */
  onBus(event: BusEvent): void {
    const { source, 'detail-type': type, detail } = event;
    if (source === streamerSource && (type === 'candle.completed' || type === 'candle.corrected'))
      this.#deliver('candles', event, () => this.candleKeeper(event));
    if (source === streamerSource && (type === 'gateway.connected' || type === 'instrument.resolved'))
      this.#deliver('reconcile', event, () => this.reconcile(event));
    if (source === applyPlanSource && type === 'plan.applied')
      this.#deliver('reconcile', event, () => this.reconcile(event));
    const { code, start } = detail.data as { readonly code?: string; readonly start?: string };
    if (source === applyPlanSource && type === 'plan.refused' && endedPlanCodes.some((one) => one === code))
      this.#deliver('reconcile', event, () => this.reconcile(event));
    if (type === 'plan.approved' && start === 'asked')
      this.#deliver('plans', event, () => this.applyPlan(event));
    if (heardEvents.some((heard) => heard === type))
      this.#deliver('alerts', event, () =>
        this.alerts({ Records: [{ messageId: detail.id, body: JSON.stringify(event) }] }),
      );
  }

  async reconcile(request: unknown): Promise<Outcome<unknown>> {
    return this.#call('reconcile', async (part, clients) => {
      const { cloud, time, config } = this.#world;
      const { everyMinutes: _, approvers: __, ...rules } = config.reconcile;
      const answer = await runReconcileFunction(request, {
        stage: 'sandbox',
        settings: parseSetting('RECONCILE_RULES', JSON.stringify(rules), reconcileSettings),
        streamers: [
          {
            account,
            streamer: 'main',
            commandQueueUrl: 'commands',
            timeZone: 'America/New_York',
            clientId: 1,
          },
        ],
        book: clients.book,
        runLocks: new RunLockTable({ client: clients.dynamodb, tableName: names.control }),
        sender: () => ({
          send: (command) => part.ask('sqs', 'sqs send', () => cloud.commands.send(command)),
        }),
        snapshots: clients.store('snapshots'),
        store: clients.store('reconcile'),
        lastPrices: new LastPriceTable({ client: clients.dynamodb, tableName: names.candles }),
        publisher: clients.busFrom(reconcileSource),
        log: silent,
        printLine: () => undefined,
        canonicalJson,
        nowMs: Date.now,
        sleep: (ms) => time.sleep(ms),
        randomHex: () => time.between(0, 0xff_ff_ff).toString(16).padStart(6, '0'),
        newId: () => uuidFrom(time.random),
        programVersion: 'simulated',
      });
      if ('run_id' in answer) this.#world.reconciled(answer);
      return answer;
    });
  }

  /** Approves, rejects or carries out; an operator's call and a rule's. */
  async applyPlan(request: unknown): Promise<Outcome<PlanAnswer>> {
    return this.#call('apply-plan', async (part, clients) => {
      const { cloud, time } = this.#world;
      const answer = await runApplyPlan(request, arn, {
        stage: 'sandbox',
        book: clients.book,
        plans: clients.store('reconcile'),
        canonicalJson,
        digest,
        massChange: this.#world.config.reconcile.massChange,
        identities,
        approvers: ['*'],
        accounts: [account],
        commands: () => ({
          send: (command) => part.ask('sqs', 'sqs send', () => cloud.commands.send(command)),
        }),
        publisher: clients.busFrom(applyPlanSource),
        logger: silent,
        nowMs: Date.now,
        sleep: (ms) => time.sleep(ms),
        backup: ({ planHash, by }) => this.#backup(clients, { trigger: 'plan', by, id: planHash }),
      });
      this.#world.planned(request, answer);
      return answer;
    });
  }

  async backup(): Promise<Outcome<unknown>> {
    return this.#call('operator', (_part, clients) =>
      this.#backup(clients, { trigger: 'operator', by: 'anna', reason: 'a run' }),
    );
  }

  async candleKeeper(event: BusEvent): Promise<Outcome<unknown>> {
    return this.#call('candle-keeper', async (_part, clients) => {
      const envelope = parseEnvelope(event.detail);
      if (envelope.type !== 'candle.completed' && envelope.type !== 'candle.corrected')
        throw new TypeError(`the rule sent ${envelope.type}`);
      const table = { client: clients.dynamodb, tableName: names.candles, retentionDays: 400 };
      return new CandlesTable(table).put(envelope.data);
    });
  }

  async watchdog(): Promise<Outcome<unknown>> {
    return this.#call('watchdog', (_part, clients) => {
      const { config } = this.#world;
      const table = { client: clients.dynamodb, tableName: names.control };
      return runWatchdog({
        stage: 'sandbox',
        accounts: [{ account, streamer: 'main' }],
        resetWindows: config.resetWindows,
        noStopNeeded: config.reconcile.noStopNeeded,
        late: { reconcileMs: 600_000, listsMs: 600_000 },
        heartbeats: new HeartbeatTable(table),
        book: clients.book,
        store: new WatchdogTable(table),
        publisher: clients.busFrom(watchdogSource),
        logger: silent,
        nowMs: Date.now,
        failures: new Map(),
      });
    });
  }

  async alerts(event: unknown): Promise<Outcome<unknown>> {
    const beganMs = this.#world.time.nowMs;
    return this.#call('alerts', (part, clients) => {
      const { time } = this.#world;
      const channel: AlertChannel = {
        send: async (message) => {
          await time.sleep(time.between(5, 300));
          if (this.#world.channelFails)
            return { ok: false, why: 'later', retryAfterMs: 0, problem: 'a run refuses it' };
          this.#world.delivered(message);
          return { ok: true, answer: 'taken' };
        },
      };
      return runAlerts(event, arn, () => timeoutsMs.alerts - (time.nowMs - beganMs), {
        stage: 'sandbox',
        rules: deskRules(
          [{ type: 'sns', name: 'desk', minSeverity: 'info', receives: 'all', rateMs: 1_000 }],
          [],
          30,
          15,
        ),
        store: new AlertTable({ client: clients.dynamodb, tableName: names.control }),
        channels: new Map([['desk', channel]]),
        deadLetters: this.#deadLetters(part, 'alerts'),
        identities,
        logger: silent,
        nowMs: Date.now,
        random: Math.random,
        sleep: (ms) => time.sleep(ms),
      });
    });
  }

  /** Something that a person does at the command line: a call as any other. */
  operate<T>(work: (clients: Clients, part: Part) => Promise<T>): Promise<Outcome<T>> {
    return this.#call('operator', (part, clients) => work(clients, part));
  }

  async #keepBook(): Promise<void> {
    const { cloud, time } = this.#world;
    const { bookQueue } = cloud;
    while (!this.#isOver) {
      const batch = bookQueue.receive(10);
      if (batch.length === 0) {
        await bookQueue.wait(5_000);
        continue;
      }
      const receipts = new Map(batch.map(({ id, receipt }) => [id, receipt]));
      const outcome = await this.#call('book-keeper', (part, clients) => {
        const beganMs = time.nowMs;
        const keep = createKeeper({
          book: clients.book,
          deadLetters: this.#deadLetters(part, 'book'),
          publisher: clients.busFrom(bookKeeperSource),
          stage: 'sandbox',
          logger: silent,
          nowMs: Date.now,
          random: Math.random,
          sleep: (ms) => time.sleep(ms),
        });
        const records = batch.map(({ id, body, group, sentMs }) => ({
          messageId: id,
          body,
          attributes: {
            MessageGroupId: group,
            SentTimestamp: String(sentMs),
            ApproximateFirstReceiveTimestamp: String(time.nowMs),
          },
        }));
        return handleGroups(
          records as unknown as Parameters<typeof handleGroups>[0],
          keep,
          () => time.nowMs - beganMs < timeoutsMs['book-keeper'] - 6_000,
        );
      });
      if (typeof outcome === 'object' && 'value' in outcome)
        for (const { itemIdentifier } of outcome.value.batchItemFailures) receipts.delete(itemIdentifier);
      else receipts.clear();
      for (const receipt of receipts.values()) bookQueue.remove(receipt);
      // What failed comes again after the visibility time-out, as short here as a run is.
      for (const { id, receipt } of batch)
        if (!receipts.has(id)) bookQueue.hide(receipt, time.between(500, 8_000));
    }
  }

  /** As EventBridge does it: at least once, in any order, again after a failure. */
  #deliver(rule: keyof typeof triesOf, event: BusEvent, work: () => Promise<Outcome<unknown>>): void {
    const { time } = this.#world;
    const times = time.chance(this.#world.twiceShare) ? 2 : 1;
    for (let n = 0; n < times; n += 1) {
      this.deliveries += 1;
      const attempt = (tries: number, waitMs: number): void =>
        time.after(waitMs, () => {
          if (this.#isOver) return;
          void work().then((outcome) => {
            if (typeof outcome === 'object' && 'value' in outcome) this.deliveries -= 1;
            else if (tries < triesOf[rule]) attempt(tries + 1, time.between(500, 10_000));
            else {
              this.deliveries -= 1;
              this.#world.buried(
                rule,
                `${event['detail-type']} ${event.detail.id}: ${outcome === 'died' ? outcome : String(outcome.error)}`,
              );
            }
          });
        });
      attempt(1, time.between(5, 200) + time.between(0, this.#world.slowBusMs));
    }
  }

  #call<T>(name: FunctionName, work: (part: Part, clients: Clients) => Promise<T>): Promise<Outcome<T>> {
    const { time, cloud } = this.#world;
    this.#calls += 1;
    return new Promise((resolve) => {
      const end = (outcome: Outcome<T>): void => {
        if (call.isEnded) return;
        call.isEnded = true;
        resolve(outcome);
        // Frozen: nothing of it goes on.
        call.isAlive = false;
      };
      const call = new Call(`${name} ${this.#calls}`, this.#world, () => end('died'));
      this.#world.invoked(call, name);
      time.after(timeoutsMs[name], () => {
        if (!call.isEnded) call.kill('its time-out');
      });
      call.run(() => {
        // Its errors are the answer.
        new Promise<T>((begin) => begin(work(call, cloud.clientsOf(call)))).then(
          (value) => end({ value }),
          (error: unknown) => end({ error }),
        );
      });
    });
  }

  async #backup(clients: Clients, request: object): Promise<{ readonly id: string }> {
    const { changes } = this.#world;
    const made = await runBackup(request, arn, {
      book: clients.book,
      scan: new MemoryTableScan(this.#world.cloud.tables),
      partitions: (table) => new MemoryTableScan(this.#world.cloud.tables).partitions(table),
      store: clients.store('backups'),
      publisher: clients.busFrom(backupSource),
      logger: silent,
      tables: { book: names.book, audit: names.audit },
      keys: storedKeys,
      stage: 'sandbox',
      programVersion: 'simulated',
      digest,
      nowMs: Date.now,
    });
    this.#world.backedUp(made.id, this.#world.changes > changes);
    return made;
  }

  #deadLetters(part: Part, queue: string) {
    return {
      put: (letter: DeadLetter) =>
        part.ask('sqs', 'sqs bury', () => this.#world.buried(queue, `${letter.reason}: ${letter.message}`)),
    };
  }

  #every(ms: number, act: () => void): void {
    const { time } = this.#world;
    time.after(ms + time.between(0, 3_000), () => {
      if (this.#isOver) return;
      act();
      this.#every(ms, act);
    });
  }
}

class Call extends Part {
  isEnded = false;
  readonly #onDeath: () => void;

  constructor(name: string, world: PartWorld, onDeath: () => void) {
    super(name, world);
    this.#onDeath = onDeath;
  }

  override kill(at?: string): void {
    if (!this.isAlive) return;
    super.kill(at);
    this.#onDeath();
  }
}

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
