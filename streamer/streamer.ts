import type { StreamerConfig } from '../config/schema.ts';
import { createMarketClock } from '../lib/domain/market/market-clock.ts';
import { BrokerLink, type LinkListener } from './broker-link.ts';
import { EventBus, HISTORY_DEFAULT } from './bus.ts';
import { openDelivery } from './event-delivery.ts';
import { EventRecorder, type StreamerEvents } from './event-recorder.ts';
import { GapDriver } from './gap-driver.ts';
import { GatewayErrors } from './gateway-errors.ts';
import { History } from './history.ts';
import { MarketData, type MarketDataHost } from './market-data.ts';
import type { Outbox } from './outbox.ts';
import type { Publisher } from './publisher.ts';
import { SessionDriver } from './session-driver.ts';
import { SessionEffects } from './session-effects.ts';
import { dataFlows } from './session-machine.ts';
import { StreamerError } from './streamer-error.ts';
import type { StreamerOptions } from './streamer-options.ts';
import { WakePlanner } from './wake-planner.ts';

/** Of the time to shut down, what is left for closing files after the last attempt to publish. */
const SHUTDOWN_RESERVE_MS = 2_000;

/**
 * The always-on task: one session with the gateway, ticks into candles, and every event first into the outbox, then
 * to the bus. This class puts the parts together: the drivers of the pure machines (session, gaps, candle builders),
 * what carries out their effects, and the sleep until the earliest of their deadlines.
 */
export class Streamer {
  readonly bus: EventBus<StreamerEvents>;
  readonly #options: StreamerOptions;
  readonly #systemMs: () => number;
  readonly #clock = createMarketClock();
  readonly #outbox: Outbox;
  readonly #publisher: Publisher;
  readonly #recorder: EventRecorder;
  readonly #session: SessionDriver;
  readonly #link: BrokerLink;
  readonly #marketData: MarketData;
  readonly #history: History;
  readonly #gaps: GapDriver;
  readonly #wakes: WakePlanner;
  readonly #effects: SessionEffects;
  readonly #errors: GatewayErrors;
  readonly #startedAtMs: number;
  #expiryTimer: NodeJS.Timeout | undefined;
  #reqId = 1_000;
  #started = false;
  #stopping: Promise<boolean> | undefined;
  #failed = false;
  #faults = 0;

  constructor(options: StreamerOptions) {
    const { config, streamer, logger } = options;
    const systemMs = options.systemMs ?? Date.now;
    this.#options = options;
    this.#systemMs = systemMs;
    this.#startedAtMs = systemMs();
    checkSymbols(streamer);
    this.bus = new EventBus({
      historySize: HISTORY_DEFAULT,
      onHandlerError: (type, error) =>
        logger.error('A handler of the in-process bus failed', { type, error: String(error) }),
    });
    const { outbox, publisher } = openDelivery(options, this.#startedAtMs);
    const clock = this.#clock;
    // The parts know each other in a circle; nothing is called before `start`, when all of them are there.
    const recorder = new EventRecorder(options, {
      outbox,
      publisher,
      bus: this.bus,
      clock,
      systemMs,
      ticks: () => this.#marketData.buffer,
      watermarks: () => this.#gaps.holdBack(this.#marketData.closedThrough()),
    });
    const session = new SessionDriver(config, streamer, {
      systemMs,
      random: options.random ?? Math.random,
      perform: (effect) => this.#effects.perform(effect),
      settled: () => this.#wakes.plan(),
    });
    this.#outbox = outbox;
    this.#publisher = publisher;
    this.#recorder = recorder;
    this.#session = session;
    const link = new BrokerLink({ ...streamer.gateway }, this.#listener());
    this.#link = link;
    const marketData = new MarketData(this.#host(), config, streamer);
    const history = new History(config, marketData, link, () => this.#nextReqId());
    const gaps = new GapDriver(config, { clock, systemMs, logger, recorder, history, marketData });
    const wakes = new WakePlanner({ clock, systemMs, session, gaps, marketData });
    this.#marketData = marketData;
    this.#history = history;
    this.#gaps = gaps;
    this.#wakes = wakes;
    const parts = { systemMs, session, link, marketData, history, gaps, recorder, wakes };
    this.#effects = new SessionEffects(options, parts);
    this.#errors = new GatewayErrors(options, { ...parts, fatal: (error) => this.#fatal(error) });
  }

  /** Opens the session; from then on everything happens by itself. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { config, streamer, logger } = this.#options;
    logger.info('Streamer starts', {
      streamer: streamer.name,
      epoch: this.#outbox.epoch,
      unsentEvents: this.#outbox.stats().depth,
    });
    this.#publisher.wake();
    this.#expiryTimer = setInterval(() => this.#flushExpired(), config.marketData.flushEveryMs);
    this.#session.feed({ kind: 'start' });
  }

  /**
   * Ends the session, closes open bars as partial, and gives the outbox time to empty. What could not be sent stays in
   * its file for the next start. Returns true when nothing was left.
   */
  stop(): Promise<boolean> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** True when the session is up and every line's prints are known to be complete. */
  get ready(): boolean {
    return this.#session.state.phase === 'ready' && this.#marketData.lines.every((line) => line.covered);
  }

  stats() {
    const { phase, failures, safeModeReason, lastError } = this.#session.state;
    return {
      streamer: this.#options.streamer.name,
      epoch: this.#outbox.epoch,
      uptimeMs: this.#systemMs() - this.#startedAtMs,
      session: { phase, failures, attempts: this.#link.attempts, safeModeReason, lastError },
      ready: this.ready,
      marketMs: this.#clock.marketMs,
      tape: this.#clock.tape,
      futureEvents: this.#clock.futureEvents,
      marketData: this.#marketData.stats(),
      gaps: this.#gaps.stats(),
      /** Events of this run, by name. */
      events: { ...this.#recorder.counts },
      outbox: this.#outbox.stats(),
      publisher: this.#publisher.stats(),
      bus: this.bus.stats(),
      listenerFaults: this.#faults,
    };
  }

  async #stop(): Promise<boolean> {
    const { config, logger } = this.#options;
    logger.info('Streamer stops');
    this.#wakes.stop();
    clearInterval(this.#expiryTimer);
    this.#marketData.shutdown();
    this.#session.feed({ kind: 'stop' });
    this.#recorder.flushLast();
    const empty = await this.#publisher.drain(Math.max(0, config.shutdown.timeoutMs - SHUTDOWN_RESERVE_MS));
    this.#publisher.stop();
    this.#recorder.close();
    const left = this.#outbox.stats().depth;
    if (!empty) logger.warn('Events stay in the outbox for the next start', { left });
    this.#outbox.close();
    logger.info('Streamer stopped', { left });
    return left === 0;
  }

  #listener(): LinkListener {
    return {
      ready: (serverVersion, accounts) => this.#session.feed({ kind: 'ready', serverVersion, accounts }),
      disconnected: (code, message) => this.#session.feed({ kind: 'disconnected', code, message }),
      notice: (code, message) => this.#errors.onNotice(code, message),
      requestError: (reqId, code, message) => this.#errors.onRequestError(reqId, code, message),
      time: (seconds) => {
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
      fault: (where, error) => {
        this.#faults += 1;
        this.#options.logger.error('A listener failed; the message is lost, the session goes on', {
          where,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      },
    };
  }

  #host(): MarketDataHost {
    const session = this.#session;
    return {
      link: this.#link,
      clock: this.#clock,
      logger: this.#options.logger,
      epoch: this.#outbox.epoch,
      nextReqId: () => this.#nextReqId(),
      systemMs: this.#systemMs,
      dataFlows: () => dataFlows(session.state),
      emit: (name, data, occurredAtMs) => this.#recorder.emit(name, data, occurredAtMs),
      tell: (name, data, occurredAtMs) => this.#recorder.tell(name, data, occurredAtMs),
      ticksWanted: () => this.bus.wanted('tick.received'),
      askTime: () => session.askTime(),
      gap: (conId, fromMs, toMs, reason) => this.#gaps.feed({ kind: 'gap', conId, fromMs, toMs, reason }),
      retired: (conId, reason) => this.#gaps.feed({ kind: 'retire', conId, reason }),
      watermark: (conId) => this.#outbox.watermark(conId),
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

  #flushExpired(): void {
    const { buffer } = this.#marketData;
    const expired = buffer.flushExpired(this.#systemMs());
    if (expired === 0) return;
    const { utilisation, depth, capacity, droppedQuotes, droppedTrades } = buffer.stats();
    this.#options.logger.error('Ticks expired before they could be taken in', { expired });
    this.#recorder.emitNow('backpressure.detected', {
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
