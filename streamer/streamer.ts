import type { StreamerConfig } from '../config/schema.ts';
import { createMarketClock, isPossible, type MarketClock } from '../lib/domain/market/market-clock.ts';
import { activeResetWindow } from '../lib/domain/safety/reset-windows.ts';
import type { EventData, EventName } from '../lib/events/catalogue.ts';
import { BrokerMessageError } from './broker-facts-values.ts';
import { BrokerLink } from './broker-link.ts';
import type { GatewayLink, LinkListener, OpenLink } from './broker-link-types.ts';
import { type BrokerLists, ListDesk } from './broker-lists.ts';
import { EventBus, HISTORY_DEFAULT } from './bus.ts';
import type { Buried, EventDelivery } from './event-delivery.ts';
import { EventRecorder, type StreamerEvents } from './event-recorder.ts';
import { GapDriver } from './gap-driver.ts';
import { GatewayErrors, requestIdsFrom } from './gateway-errors.ts';
import { History } from './history.ts';
import { LogGate } from './log-gate.ts';
import { MarketData, type MarketDataHost } from './market-data.ts';
import { ProtectionGuardian } from './protection-guardian.ts';
import { readableStack } from './readable-stack.ts';
import { SessionDriver } from './session-driver.ts';
import { SessionEffects } from './session-effects.ts';
import { dataFlows } from './session-machine.ts';
import { steadyClock } from './steady-clock.ts';
import { otherLogin, StreamerError } from './streamer-error.ts';
import type { StreamerOptions } from './streamer-options.ts';
import { TrackerDriver } from './tracker-driver.ts';
import type { TradingView } from './trading-view.ts';
import { WakePlanner } from './wake-planner.ts';
import { WhatIfDesk } from './what-if-desk.ts';

/** A round of questions has failed when a list and the one before it in its turn have had their time. */
const ROUND_RESERVE_MS = 5_000;
/** Messages that cannot be read are told of up to here, then only counted and logged. */
const UNREADABLE_TOLD_MAX = 1_000;
/** Ahead of our clock; more than any clock is wrong by, and less than would do lasting harm. */
const AHEAD_MS_MAX = 86_400_000;

/**
 * The always-on task under one lease: one session with the gateway, ticks into candles, order traffic into the book's
 * events, and every event first into the outbox, then to the bus and the book. This class puts the parts together: the
 * drivers of the pure machines (session, order tracker, gaps, candle builders), what carries out their effects, and the
 * sleep until the earliest of their deadlines.
 */
export class Streamer {
  readonly bus: EventBus<StreamerEvents>;
  /** The broker's lists, for snapshots. */
  readonly lists: BrokerLists;
  /** For deadlines: the system clock without its steps, Unix ms. */
  readonly steadyMs: () => number;
  readonly #options: StreamerOptions;
  readonly #systemMs: () => number;
  readonly #clock: MarketClock;
  readonly #delivery: EventDelivery;
  readonly #lists: ListDesk;
  readonly #orders: TrackerDriver;
  readonly #whatIfs: WhatIfDesk;
  readonly #recorder: EventRecorder;
  readonly #session: SessionDriver;
  readonly #link: GatewayLink;
  readonly #marketData: MarketData;
  readonly #history: History;
  readonly #gaps: GapDriver;
  readonly #wakes: WakePlanner;
  readonly #guardian: ProtectionGuardian;
  readonly #effects: SessionEffects;
  readonly #errors: GatewayErrors;
  readonly #gate: LogGate;
  readonly #startedAtMs: number;
  #expiryTimer: NodeJS.Timeout | undefined;
  #reqId = requestIdsFrom;
  #started = false;
  #stopping: Promise<void> | undefined;
  #unlisten: (() => void) | undefined;
  #failed = false;
  #faults = 0;
  readonly #commands = { answered: 0, denied: 0 };
  readonly #unreadable = new Set<string>();
  #serverVersion = 0;
  #managed: readonly string[] = [];

  /** @throws OutboxError when the epoch is not later than every one before it */
  constructor(options: StreamerOptions) {
    const { config, streamer, logger, delivery, mayWrite } = options;
    const systemMs = options.systemMs ?? Date.now;
    const steadyMs = options.systemMs ?? steadyClock();
    this.#options = options;
    this.#systemMs = systemMs;
    this.steadyMs = steadyMs;
    this.#startedAtMs = steadyMs();
    this.#gate = new LogGate(logger, steadyMs);
    checkSymbols(streamer);
    this.bus = new EventBus({
      historySize: HISTORY_DEFAULT,
      onHandlerError: (type, error) =>
        logger.error('A handler of the in-process bus failed', { type, error: String(error) }),
    });
    this.bus.subscribe('command.answered', ({ data }) => {
      this.#commands.answered += 1;
      if (data.answer === 'denied') this.#commands.denied += 1;
    });
    delivery.outbox.beginEpoch(options.epoch);
    // The sandbox plays tapes of any day.
    const clock = createMarketClock(config.stage === 'sandbox' ? Number.POSITIVE_INFINITY : AHEAD_MS_MAX);
    this.#clock = clock;
    // The parts know each other in a circle; nothing is called before `start`, when all of them are there.
    const recorder = new EventRecorder(options, {
      delivery,
      bus: this.bus,
      clock,
      systemMs,
      ticks: () => this.#marketData.buffer,
      watermarks: () => this.#gaps.holdBack(this.#marketData.closedThrough()),
    });
    const session = new SessionDriver(config, streamer, {
      systemMs: steadyMs,
      random: options.random ?? Math.random,
      perform: (effect) => this.#effects.perform(effect),
      settled: () => this.#wakes.plan(),
    });
    this.#delivery = delivery;
    this.#recorder = recorder;
    this.#session = session;
    const openLink: OpenLink = options.openLink ?? ((...to) => new BrokerLink(...to));
    const link = openLink({ ...streamer.gateway }, this.#listener(), mayWrite);
    this.#link = link;
    const lists = new ListDesk(link, {
      account: streamer.account,
      timeoutMs: config.orders.listTimeoutMs,
      nextReqId: () => this.#nextReqId(),
    });
    this.lists = lists;
    this.#lists = lists;
    const orders = new TrackerDriver({
      options: {
        account: streamer.account,
        timeZone: streamer.gateway.timeZone,
        resyncMs: config.orders.resyncMs,
        roundTimeoutMs: 2 * config.orders.listTimeoutMs + ROUND_RESERVE_MS,
      },
      memory: delivery.outbox.memory(),
      epoch: options.epoch,
      lists,
      recorder,
      logger,
      systemMs,
      steadyMs,
    });
    this.#orders = orders;
    const whatIfs = new WhatIfDesk({
      clientId: streamer.gateway.clientId,
      place: ({ orderId, contract, order }) => link.placeOrder(orderId, contract, order),
      cancel: (orderId) => link.cancelOrder(orderId),
      raise: (alert) => recorder.emitNow('alert.raised', alert),
      logger,
    });
    orders.listen(whatIfs);
    this.#whatIfs = whatIfs;
    const marketData = new MarketData(this.#host(), config, streamer);
    const history = new History(config, marketData, link, () => this.#nextReqId());
    const gaps = new GapDriver(config, { clock, systemMs: steadyMs, logger, recorder, history, marketData });
    const wakes = new WakePlanner({ clock, systemMs: steadyMs, session, gaps, marketData });
    this.#marketData = marketData;
    this.#history = history;
    this.#gaps = gaps;
    this.#wakes = wakes;
    this.#guardian = new ProtectionGuardian({
      account: streamer.account,
      // With IB's servers gone (1100) nothing new is told.
      facts: () => (session.state.serverLostSinceMs === 0 ? orders.protection() : undefined),
      raise: (alert) => recorder.emitNow('alert.raised', alert),
      systemMs: steadyMs,
      marketOpen: () =>
        activeResetWindow(config.resetWindows, systemMs()) === undefined &&
        marketData.lines.some(({ calendar }) => calendar?.stateAt(clock.marketMs) === 'open'),
      noStopNeeded: config.reconcile.noStopNeeded,
      logger,
    });
    const parts = {
      systemMs: steadyMs,
      session,
      link,
      marketData,
      history,
      gaps,
      orders,
      lists,
      recorder,
      wakes,
    };
    this.#effects = new SessionEffects(options, parts);
    this.#errors = new GatewayErrors(options, {
      ...parts,
      whatIfs,
      gate: this.#gate,
      fatal: (error) => this.#fatal(error),
    });
  }

  /** Opens the session; from then on everything happens by itself. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { config, streamer, logger } = this.#options;
    logger.info('Streamer starts', {
      streamer: streamer.name,
      epoch: this.#options.epoch,
      unsentEvents: this.#delivery.outbox.stats('bus').depth,
      unsentBookEvents: this.#delivery.outbox.stats('book').depth,
    });
    this.#unlisten = this.#delivery.onBuried((buried) => this.#alertBuried(buried));
    this.#delivery.wake();
    this.#expiryTimer = setInterval(() => this.#flushExpired(), config.marketData.flushEveryMs);
    this.#session.feed({ kind: 'start' });
    // A read-only gateway tells nothing of orders: nothing could ever be certain.
    if (!streamer.gateway.readOnlyApi) this.#guardian.start();
  }

  /** Ends the session, closes open bars as partial, and writes all that is still to be told to the outbox. */
  stop(): Promise<void> {
    this.#stopping ??= new Promise((resolve) => {
      this.#stop();
      resolve();
    });
    return this.#stopping;
  }

  /** The lease is lost: cuts the link to the gateway at once. Nothing is written to it, and it is not opened again. */
  closeLink(): void {
    this.#link.close();
    this.#session.feed({ kind: 'stop' });
  }

  /**
   * Asks the broker to cancel an order of our own client. What becomes of it, the order's own events tell.
   *
   * @returns false where there is no connection, and so nothing was sent
   */
  cancelOrder(orderId: number): boolean {
    return this.#link.cancelOrder(orderId);
  }

  /** What the sender of orders sees of the broker, and how it reaches it. */
  get trading(): TradingView {
    const { streamer } = this.#options;
    const link = this.#link;
    const orders = this.#orders;
    const marketData = this.#marketData;
    return {
      clientId: streamer.gateway.clientId,
      session: () => {
        const { phase } = this.#session.state;
        return {
          ready: phase === 'ready' && orders.synced,
          canClose: phase === 'ready' && orders.canClose,
          phase,
          readOnlyApi: streamer.gateway.readOnlyApi,
        };
      },
      managed: () => this.#managed,
      marketMs: () => this.#clock.marketMs,
      lines: () => marketData.lines,
      line: (conId) => marketData.lineOf(conId),
      living: () => orders.living(),
      order: (permId) => orders.order(permId),
      positions: () => orders.positions(streamer.account),
      nextValidId: () => Math.max(link.nextValidId, this.#whatIfs.nextOrderId),
      place: ({ orderId, contract, order }) => link.placeOrder(orderId, contract, order),
      askMargin: (order) => this.#whatIfs.ask(order),
      cancel: (orderId) => link.cancelOrder(orderId),
      doubt: () => orders.doubt(),
      rounds: () => orders.rounds,
      judgeEnd: (end) => orders.judgeEnd(end),
      giveEnd: (end) => orders.giveEnd(end),
      listen: (listener) => orders.listen(listener),
    };
  }

  /** Records an event as of this moment of the market. */
  emitNow<N extends EventName>(name: N, data: EventData<N>): void {
    this.#recorder.emitNow(name, data);
  }

  /** True when the session is up and every line's prints are known to be complete. */
  get ready(): boolean {
    return this.#session.state.phase === 'ready' && this.#marketData.lines.every((line) => line.covered);
  }

  stats() {
    const { phase, failures, safeModeReason, lastError } = this.#session.state;
    const { bus, book, candleLatenessMs } = this.#delivery.stats();
    const { publisher, ...outbox } = bus;
    return {
      streamer: this.#options.streamer.name,
      epoch: this.#options.epoch,
      uptimeMs: this.steadyMs() - this.#startedAtMs,
      session: {
        phase,
        failures,
        attempts: this.#link.attempts,
        /** Of the protocol, as the last gateway spoke it; 0 before the first. */
        serverVersion: this.#serverVersion,
        safeModeReason,
        lastError,
      },
      ready: this.ready,
      marketMs: this.#clock.marketMs,
      tape: this.#clock.tape,
      futureEvents: this.#clock.futureEvents,
      marketData: this.#marketData.stats(),
      gaps: this.#gaps.stats(),
      /** Events of this run, by name. */
      events: { ...this.#recorder.counts },
      orders: this.#orders.stats(),
      protection: this.#guardian.stats(),
      /** Events for the bus. */
      outbox,
      publisher,
      /** Events for the book's queue; null where there is none. */
      book,
      /** Longest way of a candle to the bus within the last minute; null where none left. */
      candleLatenessMs,
      /** Trading commands of this run. */
      commands: { ...this.#commands },
      bus: this.bus.stats(),
      listenerFaults: this.#faults,
      /** What of the gateway's messages could not be used, on this connection. */
      wire: this.#link.wire,
    };
  }

  #stop(): void {
    const { logger } = this.#options;
    logger.info('Streamer stops');
    this.#guardian.stop();
    this.#wakes.stop();
    clearInterval(this.#expiryTimer);
    this.#marketData.shutdown();
    this.#session.feed({ kind: 'stop' });
    this.#orders.stop();
    this.#unlisten?.();
    this.#recorder.flushLast();
    this.#recorder.close();
    this.#delivery.wake();
    const { bus, book } = this.#delivery.stats();
    logger.info('Streamer stopped', { unsentEvents: bus.depth, unsentBookEvents: book?.depth ?? 0 });
  }

  #listener(): LinkListener {
    return {
      ready: (serverVersion, accounts) => {
        this.#serverVersion = serverVersion;
        const other = otherLogin(this.#options.streamer.account, accounts, this.#options.config.stage);
        if (other !== undefined) return this.#fatal(other);
        this.#managed = accounts;
        this.#session.feed({ kind: 'ready', serverVersion, accounts });
      },
      disconnected: (code, message) => this.#session.feed({ kind: 'disconnected', code, message }),
      notice: (code, message) => this.#errors.onNotice(code, message),
      requestError: (reqId, code, message) => this.#errors.onRequestError(reqId, code, message),
      time: (seconds) => {
        if (!isPossible(this.#clock, seconds * 1_000, this.#systemMs()))
          throw new BrokerMessageError("the broker's time is more than a day ahead of ours");
        this.#session.feed({ kind: 'time' });
        this.#marketData.onTime(seconds);
        this.#gaps.feed({ kind: 'tick' });
        this.#wakes.plan();
      },
      contract: (reqId, details) => {
        this.#marketData.onContract(reqId, details);
      },
      contractEnd: (reqId) => this.#marketData.onContractEnd(reqId),
      marketDataType: (reqId, type) => this.#marketData.onMarketDataType(reqId, type),
      tickReqParams: (reqId) => this.#marketData.onTickReqParams(reqId),
      tickString: (reqId, type, value) => this.#marketData.onTickString(reqId, type, value),
      tickPrice: (reqId, type, price) => this.#marketData.onTickPrice(reqId, type, price),
      tickSize: (reqId, type, size) => this.#marketData.onTickSize(reqId, type, size),
      tickGeneric: (reqId, type, value) => this.#marketData.onTickGeneric(reqId, type, value),
      tickByTickTrade: (reqId, seconds, price, size) =>
        this.#marketData.onTickByTick(reqId, seconds, price, size),
      historicalBar: (reqId, bar) => this.#history.onBar(reqId, bar),
      historicalEnd: (reqId) => {
        const outcome = this.#history.onEnd(reqId);
        if (outcome) this.#gaps.feed(outcome);
        this.#wakes.plan();
      },
      fact: (fact) => this.#orders.fact(fact),
      whatIf: (state) => this.#whatIfs.onAnswer(state),
      unreadable: (list) => this.#lists.onUnreadable(list),
      listEnd: (end) => this.#lists.onEnd(end),
      fault: (where, error) => {
        this.#faults += 1;
        const kind = `${where} ${error instanceof Error ? error.name : ''}`;
        this.#gate.log('error', kind, 'A listener failed; the message is lost, the session goes on', {
          where,
          error: error instanceof Error ? readableStack(error) : String(error),
        });
        if (error instanceof BrokerMessageError) this.#alertUnreadable(where, error);
      },
    };
  }

  #host(): MarketDataHost {
    const session = this.#session;
    return {
      link: this.#link,
      clock: this.#clock,
      logger: this.#options.logger,
      epoch: this.#options.epoch,
      hasForerunner: this.#options.hasForerunner ?? false,
      nextReqId: () => this.#nextReqId(),
      systemMs: this.steadyMs,
      dataFlows: () => dataFlows(session.state),
      emit: (name, data, occurredAtMs) => this.#recorder.emit(name, data, occurredAtMs),
      tell: (name, data, occurredAtMs) => this.#recorder.tell(name, data, occurredAtMs),
      ticksWanted: () => this.bus.wanted('tick.received'),
      askTime: () => session.askTime(),
      gap: (conId, fromMs, toMs, reason) => this.#gaps.feed({ kind: 'gap', conId, fromMs, toMs, reason }),
      retired: (conId, reason) => this.#gaps.feed({ kind: 'retire', conId, reason }),
      watermark: (conId) => this.#delivery.outbox.watermark(conId),
      fatal: (error) => this.#fatal(error),
      closeMoved: () => this.#wakes.plan(),
      dataSeen: () => {
        if (session.state.competingSinceMs > 0) session.feed({ kind: 'data' });
      },
    };
  }

  /** At the start, what cannot work ends the process with a clear word; later on it is logged and the rest goes on. */
  #fatal(error: StreamerError): void {
    const running = this.#marketData.lines.some((line) => line.covered || line.trades > 0);
    this.#options.logger.error(error.message, { code: error.code });
    if (running || this.#failed) return;
    this.#failed = true;
    this.#options.onFatal(error);
  }

  #nextReqId(): number {
    this.#reqId += 1;
    return this.#reqId;
  }

  #alertBuried({ target, row, code, message }: Buried): void {
    if (row.name === 'alert.raised') return;
    this.#recorder.emitNow('alert.raised', {
      alert: 'event_unpublishable',
      severity: target === 'book' ? 'CRITICAL' : 'HIGH',
      subject: row.envelope.id,
      message: `${row.name} ${row.envelope.id} can never be taken by the ${target} (${code}: ${message}). It was put aside in the outbox's table "dead"; ${target === 'book' ? 'the book lacks it until reconcile finds it' : 'its readers lack it'}.`,
    });
  }

  /** Once for each: IB's lists repeat what cannot be read every minute. */
  #alertUnreadable(where: string, { message }: BrokerMessageError): void {
    if (this.#unreadable.has(message) || this.#unreadable.size >= UNREADABLE_TOLD_MAX) return;
    this.#unreadable.add(message);
    this.#recorder.emitNow('alert.raised', {
      alert: 'broker_message_unreadable',
      severity: 'HIGH',
      subject: where,
      message: `${message} The book lacks what it says. Compare with IB.`,
    });
  }

  #flushExpired(): void {
    const { buffer } = this.#marketData;
    const expired = buffer.flushExpired(this.steadyMs());
    if (expired === 0) return;
    const { utilisation, depth, capacity, droppedQuotes, droppedTrades } = buffer.stats();
    this.#options.logger.error('Ticks expired before they could be taken in', { expired });
    this.#recorder.emitNow('backpressure.detected', {
      queue: 'ticks',
      utilisation,
      depth,
      capacity,
      droppedQuotes,
      droppedTrades,
    });
  }
}

function checkSymbols({ name, symbols, gateway }: StreamerConfig): void {
  if (symbols.length <= gateway.marketDataLines) return;
  throw new StreamerError(
    'TOO_MANY_SYMBOLS',
    `${symbols.length} symbols are configured for streamer "${name}", but its login has ${gateway.marketDataLines} market data lines. Remove symbols, raise gateway.marketDataLines if the login has more, or add a streamer with a login of its own.`,
  );
}
