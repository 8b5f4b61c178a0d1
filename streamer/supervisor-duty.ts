import type { Config, StreamerConfig } from '../config/schema.ts';
import { digest } from '../lib/aws/audit-hash.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Command } from '../lib/events/command.ts';
import type { Book } from '../lib/ports/book.ts';
import type { CommandSource } from '../lib/ports/command-queue.ts';
import type { HeartbeatStore } from '../lib/ports/lease-store.ts';
import type { ObjectStore } from '../lib/ports/object-store.ts';
import { AccountWorth } from './account-worth.ts';
import type { OpenLink } from './broker-link-types.ts';
import type { CancelHost } from './cancel-order.ts';
import { CommandRunner } from './command-runner.ts';
import type { EventDelivery } from './event-delivery.ts';
import { Heartbeats } from './heartbeat.ts';
import type { LeaseTerm } from './lease-keeper.ts';
import type { Logger } from './logger.ts';
import { OrderCommands } from './order-commands.ts';
import { OrderDesk } from './order-desk.ts';
import { type SnapshotHost, takeSnapshot } from './snapshot.ts';
import { Streamer } from './streamer.ts';
import type { StreamerError } from './streamer-error.ts';
import type { Duty } from './supervisor.ts';
import { TradingWatch } from './trading-watch.ts';

/** Of a term's end, how long a command under way may take to notice it; it only holds what is repeatable. */
const COMMAND_END_MS = 3_000;

/** The parts of the cloud that a term uses; a run without a cloud has none. */
export interface DutyCloud {
  readonly heartbeats: HeartbeatStore;
  readonly commands: CommandSource;
  readonly snapshots: ObjectStore;
  readonly snapshotBucket: string;
  /** What orders rest on, and where they are recorded before they leave. */
  readonly book: Book;
}

export interface StreamerDutyOptions {
  readonly config: Config;
  readonly streamer: StreamerConfig;
  readonly logger: Logger;
  readonly delivery: EventDelivery;
  readonly term: LeaseTerm;
  readonly waitForGateway: boolean;
  readonly onFatal: (error: StreamerError) => void;
  readonly cloud: DutyCloud | undefined;
  /** The way to the gateway; @stoqey/ib over a socket when left out. */
  readonly openLink?: OpenLink;
}

/** One term of the lease: a streamer with the token as its epoch, its heartbeat, and the commands to it. */
export class StreamerDuty implements Duty {
  readonly streamer: Streamer;
  readonly #options: StreamerDutyOptions;
  readonly #heartbeats: Heartbeats | undefined;
  readonly #commands: CommandRunner | undefined;
  readonly #desk: OrderDesk | undefined;
  readonly #orders: OrderCommands | undefined;
  readonly #watch: TradingWatch | undefined;

  constructor(options: StreamerDutyOptions) {
    const { config, streamer, logger, delivery, term, waitForGateway, onFatal, cloud, openLink } = options;
    const mayWrite = (): boolean => term.mayWrite();
    this.#options = options;
    this.streamer = new Streamer({
      config,
      streamer,
      logger,
      delivery,
      epoch: term.token,
      hasForerunner: !term.isFirst,
      mayWrite,
      waitForGateway,
      onFatal,
      openLink,
    });
    if (cloud === undefined) return;
    const { account } = streamer;
    const systemMs = Date.now;
    this.#heartbeats = new Heartbeats({
      account,
      store: cloud.heartbeats,
      everyMs: config.heartbeat.everyMs,
      logger,
      mayWrite,
      stats: () => this.streamer.stats(),
      systemMs,
    });
    this.#commands = new CommandRunner({
      account,
      source: cloud.commands,
      perform: (command, signal) => this.#perform(command, cloud, signal),
      raise: (alert) => this.streamer.emitNow('alert.raised', alert),
      mayWrite,
      logger,
      systemMs,
      steadyMs: this.streamer.steadyMs,
    });
    const { view, raise } = { view: this.streamer.trading, raise: this.#raise };
    const worth = new AccountWorth(account, view, () => void this.#watch?.look(), this.streamer.steadyMs);
    view.listen(worth);
    this.#desk = new OrderDesk({
      config,
      streamer,
      view,
      book: cloud.book,
      journal: delivery.outbox.journal,
      holder: delivery.outbox.holder,
      token: term.token,
      mayWrite,
      answer: (answer) => this.streamer.emitNow('command.answered', answer),
      raise,
      logger,
      systemMs,
      steadyMs: this.streamer.steadyMs,
      sha256: digest,
      worth,
    });
    this.#orders = new OrderCommands({
      account,
      desk: this.#desk,
      view,
      cancelHost: this.#cancelHost(),
      listPositions: () => this.streamer.lists.collect('positions'),
      systemMs,
      steadyMs: this.streamer.steadyMs,
    });
    this.#watch = new TradingWatch({
      account,
      book: this.#desk.book,
      limits: config.risk,
      worth,
      mayWrite,
      raise,
      logger,
      // Without IB's servers the gateway answers too, from what it last knew.
      refresh: () => {
        if (view.session().ready) void this.streamer.lists.collect('account-values');
      },
    });
    // A loss is told under the epoch that it ends.
    void term.lost.then((reason) => this.#tellLoss(reason));
  }

  start(): void {
    this.streamer.start();
    // With the first command at the latest; what may have left is looked for at once.
    void this.#desk?.recover().catch(() => undefined);
    this.#heartbeats?.start();
    this.#commands?.start();
  }

  closeLink(): void {
    this.streamer.closeLink();
  }

  async end(): Promise<void> {
    this.#heartbeats?.stop();
    this.#watch?.stop();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, COMMAND_END_MS);
    await Promise.race([this.#commands?.stop(), late]);
    clearTimeout(timer);
    this.#desk?.stop();
    await this.streamer.stop();
  }

  #tellLoss(reason: string): void {
    const { streamer, term } = this.#options;
    this.streamer.emitNow('alert.raised', {
      alert: 'lease_lost',
      severity: 'HIGH',
      subject: streamer.account,
      message: `The streamer ${streamer.name} has lost the lease of ${streamer.account} (token ${term.token}): ${reason}. It has closed its link to the gateway and waits. If nobody else holds the lease now, look at the control table and the network.`,
    });
  }

  async #perform(command: Command, cloud: DutyCloud, signal: AbortSignal): Promise<void> {
    if (command.type === 'snapshot') await takeSnapshot(command, this.#snapshotHost(cloud), signal);
    else await this.#orders?.perform(command, signal);
  }

  readonly #raise = (alert: EventData<'alert.raised'>): void => {
    this.#options.logger.warn(alert.message, { alert: alert.alert, subject: alert.subject });
    this.streamer.emitNow('alert.raised', alert);
  };

  #cancelHost(): CancelHost {
    const { streamer, logger, term } = this.#options;
    return {
      clientId: streamer.gateway.clientId,
      collect: () => this.streamer.lists.collect('open-orders'),
      mayWrite: () => term.mayWrite(),
      cancel: (orderId) => this.streamer.cancelOrder(orderId),
      raise: (alert) => this.streamer.emitNow('alert.raised', alert),
      logger,
      systemMs: Date.now,
    };
  }

  #snapshotHost({ snapshots, snapshotBucket }: DutyCloud): SnapshotHost {
    const { config, streamer, term } = this.#options;
    return {
      stage: config.stage,
      streamer: streamer.name,
      account: streamer.account,
      epoch: term.token,
      collect: (list) => this.streamer.lists.collect(list),
      session: () => {
        const { session, marketMs } = this.streamer.stats();
        return { serverVersion: session.serverVersion, marketMs };
      },
      store: snapshots,
      bucket: snapshotBucket,
      tell: (taken) => this.streamer.emitNow('snapshot.taken', taken),
      systemMs: Date.now,
    };
  }
}
