import type { Config, StreamerConfig } from '../config/schema.ts';
import {
  createGapBook,
  firstPendingMs,
  type GapEffect,
  type GapInput,
  deadline as gapDeadline,
  step as stepGaps,
} from '../lib/domain/market/gaps.ts';
import { createMarketClock, estimate } from '../lib/domain/market/market-clock.ts';
import type { EventData, EventName } from '../lib/events/catalogue.ts';
import { type Envelope, eventId } from '../lib/events/envelope.ts';
import type { EventPublisher } from '../lib/ports/event-publisher.ts';
import { BrokerLink, type LinkListener } from './broker-link.ts';
import { EventBus, HISTORY_DEFAULT } from './bus.ts';
import { History } from './history.ts';
import type { Logger } from './logger.ts';
import { MarketData } from './market-data.ts';
import { Outbox } from './outbox.ts';
import { Publisher } from './publisher.ts';
import {
  createSession,
  dataFlows,
  type SessionEffect,
  type SessionInput,
  deadline as sessionDeadline,
  step as stepSession,
} from './session-machine.ts';
import { StreamerError } from './streamer-error.ts';

export interface StreamerOptions {
  readonly config: Config;
  /** Which of the stage's streamers this is. */
  readonly streamer: StreamerConfig;
  readonly publisher: EventPublisher;
  readonly logger: Logger;
  /** False: a gateway that refuses the very first connection is an error rather than something to wait for. */
  readonly waitForGateway: boolean;
  /** Called once, when the streamer cannot go on: a bad symbol, no permission, no gateway. */
  readonly onFatal: (error: StreamerError) => void;
  /** Unix milliseconds; the system's clock. */
  readonly systemMs?: () => number;
  readonly random?: () => number;
}

/** Every event of the catalogue, with its envelope, for subscribers inside the process. */
export type StreamerEvents = { readonly [N in EventName]: Envelope<N> };

/** While a bar waits to be closed, or coverage to be proven, the broker is asked for its time this often. */
const ASK_AGAIN_MS = 250;
/** Events that are appended to the outbox in one transaction at the most. */
const FLUSH_AT = 512;
const OUTBOX_RETRY_MS = 100;
/** Of the time to shut down, what is left for closing files after the last attempt to publish. */
const SHUTDOWN_RESERVE_MS = 2_000;

/**
 * The always-on task: one session with the gateway, ticks into candles, and every event first into the outbox, then
 * to the bus. This class is the driver: it feeds the pure machines (session, gaps, candle builders), carries out their
 * effects, and sleeps until the earliest of their deadlines.
 */
export class Streamer {
  readonly bus: EventBus<StreamerEvents>;
  readonly #options: StreamerOptions;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #systemMs: () => number;
  readonly #random: () => number;
  readonly #clock = createMarketClock();
  readonly #session;
  readonly #gaps;
  readonly #outbox: Outbox;
  readonly #publisher: Publisher;
  readonly #link: BrokerLink;
  readonly #marketData: MarketData;
  readonly #history: History;
  readonly #startedAtMs: number;
  readonly #counts: Partial<Record<EventName, number>> = {};
  /** Inputs of the session machine that came while the effects of another one were carried out. */
  readonly #inputs: SessionInput[] = [];
  #feeding = false;
  #pending: Envelope[] = [];
  /** Events were written without the watermarks that follow from them. */
  #marksDue = false;
  #flushScheduled = false;
  #outboxAlerted = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #reqId = 1_000;
  #askedAtMs = 0;
  #started = false;
  #stopping: Promise<boolean> | undefined;
  #failed = false;
  #faults = 0;

  constructor(options: StreamerOptions) {
    const { config, streamer, logger } = options;
    this.#options = options;
    this.#config = config;
    this.#logger = logger;
    this.#systemMs = options.systemMs ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#startedAtMs = this.#systemMs();
    if (streamer.symbols.length > streamer.gateway.marketDataLines) {
      throw new StreamerError(
        'TOO_MANY_SYMBOLS',
        `${streamer.symbols.length} symbols are configured for streamer "${streamer.name}", but its login has ${streamer.gateway.marketDataLines} market data lines. Remove symbols, raise gateway.marketDataLines if the login has more, or add a streamer with a login of its own.`,
      );
    }
    this.bus = new EventBus({
      historySize: HISTORY_DEFAULT,
      onHandlerError: (type, error) =>
        logger.error('A handler of the in-process bus failed', { type, error: String(error) }),
    });
    this.#session = createSession({
      handshakeTimeoutMs: streamer.gateway.handshakeTimeoutMs,
      probeIntervalMs: streamer.gateway.probeIntervalMs,
      probeTimeoutMs: streamer.gateway.probeTimeoutMs,
      backoffFirstMs: config.reconnect.firstMs,
      backoffMaxMs: config.reconnect.maxMs,
      jitter: config.reconnect.jitter,
      breakerFailures: config.reconnect.breakerFailures,
      breakerRetryMs: config.reconnect.breakerRetryMs,
      connectivityTimeoutMs: 300_000,
      competingRetryMs: 60_000,
      loginReminderMs: 900_000,
      resetWindows: config.resetWindows,
      weeklyLogin: { timeZone: 'America/New_York', day: 'sun', time: '01:00' },
    });
    this.#gaps = createGapBook({
      maxAttempts: config.backfill.maxAttempts,
      requestsPerTenMinutes: config.backfill.requestsPerTenMinutes,
      retryMs: config.backfill.retryMs,
      maxInFlight: 5,
      answerTimeoutMs: 60_000,
      maxPending: 1_000,
    });
    this.#outbox = new Outbox({
      path: streamer.dbPath,
      maxEvents: config.outbox.maxEvents,
      alertAtUtilisation: config.outbox.alertAtUtilisation,
      startedAtSeconds: Math.floor(this.#startedAtMs / 1000),
      owner: `${config.stage}/${streamer.account}/${streamer.name}`,
    });
    if (this.#outbox.recoveredFrom) {
      logger.error('The outbox could not be read and was put aside; gaps are filled from history', {
        file: this.#outbox.recoveredFrom,
      });
    }
    this.#publisher = new Publisher(
      this.#outbox,
      options.publisher,
      { concurrency: config.outbox.publishConcurrency, retryFirstMs: 100, retryMaxMs: 30_000 },
      (row, code, message) =>
        logger.error('An event can never be published and was put aside in the outbox', {
          event: row.name,
          id: row.envelope.id,
          code,
          message,
        }),
    );
    this.#link = new BrokerLink({ ...streamer.gateway }, this.#listener());
    this.#marketData = new MarketData(this.#host(), config, streamer);
    this.#history = new History(config, this.#marketData, this.#link, () => this.#nextReqId());
  }

  /** Opens the session; from then on everything happens by itself. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#logger.info('Streamer starts', {
      streamer: this.#options.streamer.name,
      epoch: this.#outbox.epoch,
      unsentEvents: this.#outbox.stats().depth,
    });
    this.#publisher.wake();
    this.#expiryTimer = setInterval(() => this.#flushExpired(), this.#config.marketData.flushEveryMs);
    this.#feed({ kind: 'start' });
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
    return this.#session.phase === 'ready' && this.#marketData.lines.every((line) => line.covered);
  }

  stats() {
    return {
      streamer: this.#options.streamer.name,
      epoch: this.#outbox.epoch,
      uptimeMs: this.#systemMs() - this.#startedAtMs,
      session: {
        phase: this.#session.phase,
        failures: this.#session.failures,
        attempts: this.#link.attempts,
        safeModeReason: this.#session.safeModeReason,
        lastError: this.#session.lastError,
      },
      ready: this.ready,
      marketMs: this.#clock.marketMs,
      tape: this.#clock.tape,
      futureEvents: this.#clock.futureEvents,
      marketData: this.#marketData.stats(),
      gaps: {
        open: this.#gaps.gaps.size,
        filled: this.#gaps.filled,
        abandoned: this.#gaps.abandoned,
        requests: this.#gaps.requested,
        bars: this.#gaps.backfilledBars,
      },
      /** Events of this run, by name. */
      events: { ...this.#counts },
      outbox: this.#outbox.stats(),
      publisher: this.#publisher.stats(),
      bus: this.bus.stats(),
      listenerFaults: this.#faults,
    };
  }

  async #stop(): Promise<boolean> {
    const { timeoutMs } = this.#config.shutdown;
    this.#logger.info('Streamer stops');
    clearTimeout(this.#timer);
    clearInterval(this.#expiryTimer);
    this.#marketData.shutdown();
    this.#feed({ kind: 'stop' });
    clearTimeout(this.#timer);
    clearTimeout(this.#retryTimer);
    this.#flush(true);
    const empty = await this.#publisher.drain(Math.max(0, timeoutMs - SHUTDOWN_RESERVE_MS));
    this.#publisher.stop();
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    const left = this.#outbox.stats().depth;
    if (!empty) this.#logger.warn('Events stay in the outbox for the next start', { left });
    this.#outbox.close();
    this.#logger.info('Streamer stopped', { left });
    return left === 0;
  }

  #feed(input: SessionInput): void {
    this.#inputs.push(input);
    // One after the other: effects that overtake each other would leave the wrong last word on the session's state.
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const { effects } = stepSession(this.#session, next, this.#systemMs(), this.#random());
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#feeding = false;
    }
    this.#plan();
  }

  #perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'open':
        this.#link.open();
        return;
      case 'close':
        this.#link.close();
        this.#history.forget();
        return;
      case 'ask-time':
        this.#askedAtMs = this.#systemMs();
        this.#link.requestTime();
        return;
      case 'coverage-lost':
        this.#marketData.coverageLost(effect.reason, effect.reason === 'disconnected');
        return;
      case 'subscribe':
        this.#marketData.subscribeAll();
        return;
      case 'resume':
        this.#askTime();
        return;
      case 'history':
        this.#feedGaps({ kind: 'history', available: effect.available });
        return;
      case 'phase':
        this.#logger.info(`Session: ${effect.from} -> ${effect.to}`, { reason: effect.reason });
        this.#emitNow('session.changed', { from: effect.from, to: effect.to, reason: effect.reason });
        return;
      case 'connected':
        this.#link.requestOpenOrders();
        this.#emitNow('gateway.connected', {
          host: this.#options.streamer.gateway.host,
          port: this.#options.streamer.gateway.port,
          clientId: this.#options.streamer.gateway.clientId,
          serverVersion: effect.serverVersion,
          accounts: [...effect.accounts],
        });
        return;
      case 'disconnected':
        this.#logger.warn('The link to the gateway is lost', { code: effect.code, message: effect.message });
        this.#emitNow('gateway.disconnected', {
          reason: effect.reason,
          code: effect.code,
          message: effect.message,
        });
        return;
      case 'breaker':
        this.#logger.error('Circuit breaker: too many failed connections; trying on once a minute', effect);
        this.#emitNow('circuit-breaker.triggered', {
          failures: effect.failures,
          lastError: effect.lastError,
          retryEveryMs: this.#config.reconnect.breakerRetryMs,
        });
        return;
      case 'safe-mode-entered':
        this.#logger.error('Safe mode entered', { reason: effect.reason });
        this.#emitNow('safe-mode.entered', { reason: effect.reason });
        return;
      case 'safe-mode-left':
        this.#logger.info('Safe mode left', { reason: effect.reason });
        this.#emitNow('safe-mode.left', { reason: effect.reason });
        return;
      case 'login-awaited':
        this.#logger.error('IB Gateway waits for the weekly two-factor login', {
          since: new Date(effect.sinceMs).toISOString(),
          waitingMinutes: Math.round((this.#systemMs() - effect.sinceMs) / 60_000),
        });
        this.#emitNow('login.awaited', {
          sinceMs: effect.sinceMs,
          waitingMs: this.#systemMs() - effect.sinceMs,
        });
        return;
    }
  }

  #feedGaps(input: GapInput): void {
    const { effects } = stepGaps(this.#gaps, input, this.#systemMs(), this.#clock.marketMs);
    for (const effect of effects) this.#performGap(effect);
  }

  #performGap(effect: GapEffect): void {
    switch (effect.kind) {
      case 'detected':
        this.#emitNow('gap.detected', {
          ...this.#gapFields(effect.gap),
          reason: effect.gap.reason as EventData<'gap.detected'>['reason'],
        });
        return;
      case 'request':
        this.#logger.info('Asking for history to fill a gap', {
          conId: effect.conId,
          from: new Date(effect.fromMs).toISOString(),
          to: new Date(effect.toMs).toISOString(),
        });
        this.#history.request(effect.key, effect.conId, effect.fromMs, effect.toMs);
        return;
      case 'bars':
        this.#marketData.backfill(effect.conId, effect.fromMs, effect.toMs, effect.bars);
        return;
      case 'filled':
        this.#emitNow('gap.filled', { ...this.#gapFields(effect.gap), bars: effect.bars });
        return;
      case 'abandoned':
        this.#logger.error('A gap could not be filled from history', {
          gap: effect.gap.id,
          lastError: effect.lastError,
        });
        this.#emitNow('gap.abandoned', {
          ...this.#gapFields(effect.gap),
          attempts: effect.gap.attempts,
          lastError: effect.lastError,
        });
        return;
    }
  }

  #gapFields(gap: {
    readonly id: string;
    readonly conId: number;
    readonly fromMs: number;
    readonly toMs: number;
  }) {
    return {
      gapId: gap.id,
      conId: gap.conId,
      symbol: this.#marketData.instrument(gap.conId)?.localSymbol ?? String(gap.conId),
      fromMs: gap.fromMs,
      toMs: gap.toMs,
    };
  }

  /** Asks the broker for its time, unless the answer to the last question is still to come. */
  #askTime(): void {
    this.#feed({ kind: 'ask-time' });
  }

  #listener(): LinkListener {
    return {
      ready: (serverVersion, accounts) => this.#feed({ kind: 'ready', serverVersion, accounts }),
      disconnected: (code, message) => this.#feed({ kind: 'disconnected', code, message }),
      notice: (code, message) => this.#onNotice(code, message),
      requestError: (reqId, code, message) => this.#onRequestError(reqId, code, message),
      time: (seconds) => {
        this.#feed({ kind: 'time' });
        this.#marketData.onTime(seconds);
        this.#feedGaps({ kind: 'tick' });
        this.#plan();
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
        if (outcome) this.#feedGaps(outcome);
        this.#plan();
      },
      fault: (where, error) => {
        this.#faults += 1;
        this.#logger.error('A listener failed; the message is lost, the session goes on', {
          where,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      },
    };
  }

  #host() {
    return {
      link: this.#link,
      clock: this.#clock,
      logger: this.#logger,
      epoch: this.#outbox.epoch,
      nextReqId: () => this.#nextReqId(),
      systemMs: this.#systemMs,
      dataFlows: () => dataFlows(this.#session),
      emit: <N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number) =>
        this.#emit(name, data, occurredAtMs),
      tell: <N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number) =>
        this.bus.emit(name, this.#envelope(name, data, occurredAtMs) as StreamerEvents[N]),
      ticksWanted: () => this.bus.wanted('tick.received'),
      askTime: () => this.#askTime(),
      gap: (conId: number, fromMs: number, toMs: number, reason: string) => {
        this.#feedGaps({ kind: 'gap', conId, fromMs, toMs, reason });
      },
      retired: (conId: number, reason: string) => {
        this.#feedGaps({ kind: 'retire', conId, reason });
      },
      watermark: (conId: number) => this.#outbox.watermark(conId),
      fatal: (error: StreamerError) => this.#fatal(error),
      closeMoved: () => this.#plan(),
      dataSeen: () => {
        if (this.#session.competingSinceMs > 0) this.#feed({ kind: 'data' });
      },
    };
  }

  #onNotice(code: number, message: string): void {
    if (code === 321 && /read-only/i.test(message) && !this.#options.streamer.gateway.readOnlyApi) {
      this.#fatal(
        new StreamerError(
          'API_READ_ONLY',
          `The gateway's API is read-only (error 321: ${message}). Orders could not be sent or followed. In IB Gateway: Configure, Settings, API, Settings: clear "Read-Only API" (READ_ONLY_API=no for the container), or accept it with gateway.readOnlyApi: true.`,
        ),
      );
      return;
    }
    // What the very first attempt meets is a mistake in the configuration more often than an outage.
    if (code === 502 && !this.#session.everReady && !this.#options.waitForGateway) {
      const { host, port } = this.#options.streamer.gateway;
      this.#fatal(
        new StreamerError(
          'GATEWAY_REFUSED',
          `The gateway at ${host}:${port} refuses the connection (${message}). Check that IB Gateway or TWS runs there, that its API is enabled (Configure, Settings, API), that the port is right (4001 live, 4002 paper; TWS 7496, 7497), and that ${host} is among its trusted addresses. \`npm run gateway\` starts a simulated one.`,
        ),
      );
      return;
    }
    this.#logger.debug('Notice from the gateway', { code, message });
    // Ticks from before the notice must not be taken for data that came after it.
    this.#marketData.buffer.drain();
    this.#feed({ kind: 'notice', code, message });
  }

  #onRequestError(reqId: number, code: number, message: string): void {
    const outcome = this.#history.onError(reqId, code, message);
    if (outcome) {
      this.#logger.warn('History was refused', { code, message });
      this.#feedGaps(outcome);
    } else if (!this.#marketData.onRequestError(reqId, code, message)) {
      this.#logger.warn('Error from the gateway', { reqId, code, message });
    }
    // A competing session is told on each line, but it concerns the whole session.
    if (code === 10197) {
      this.#marketData.buffer.drain();
      this.#feed({ kind: 'notice', code, message });
    }
    this.#plan();
  }

  /** At the start, what cannot work ends the process with a clear word; later on it is logged and the rest goes on. */
  #fatal(error: StreamerError): void {
    const running = this.#marketData.lines.some((line) => line.covered || line.trades > 0);
    this.#logger.error(error.message, { code: error.code });
    if (running || this.#failed) return;
    this.#failed = true;
    this.#options.onFatal(error);
  }

  #nextReqId(): number {
    this.#reqId += 1;
    return this.#reqId;
  }

  #emitNow<N extends EventName>(name: N, data: EventData<N>): void {
    this.#emit(name, data, this.#clock.marketMs > 0 ? this.#clock.marketMs : this.#systemMs());
  }

  #envelope(name: EventName, data: object, occurredAtMs: number): Envelope {
    const { streamer, config } = this.#options;
    const seq = this.#outbox.nextSeq();
    return {
      id: eventId(streamer.name, this.#outbox.epoch, seq),
      type: name,
      version: 1,
      stage: config.stage,
      streamer: streamer.name,
      account: streamer.account,
      epoch: this.#outbox.epoch,
      seq,
      occurredAt: new Date(occurredAtMs).toISOString(),
      recordedAt: new Date(this.#systemMs()).toISOString(),
      data,
    } as unknown as Envelope;
  }

  #emit<N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number): void {
    const envelope = this.#envelope(name, data, occurredAtMs);
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    this.#pending.push(envelope);
    this.bus.emit(name, envelope as StreamerEvents[N]);
    if (this.#pending.length >= FLUSH_AT) this.#flushEvents();
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      queueMicrotask(() => {
        this.#flushScheduled = false;
        this.#flush();
      });
    }
  }

  /** Everything that happened, and how far each instrument is accounted for, in one transaction. */
  #flush(beyondBound = false): void {
    if (this.#closed || (this.#pending.length === 0 && !this.#marksDue)) return;
    const watermarks = this.#marketData.closedThrough();
    for (const [conId, closedThroughMs] of watermarks) {
      watermarks.set(conId, Math.min(closedThroughMs, firstPendingMs(this.#gaps, conId)));
    }
    this.#append(watermarks, beyondBound);
  }

  /**
   * What has happened so far, in the midst of something: a builder may have closed bars that are still to be told, so
   * that its watermark would leave them out after a crash.
   */
  #flushEvents(): void {
    if (!this.#closed) this.#append(new Map(), false);
  }

  #append(watermarks: ReadonlyMap<number, number>, beyondBound: boolean): void {
    const events = this.#pending;
    this.#pending = [];
    let refused: readonly Envelope[];
    try {
      refused = this.#outbox.append(events, watermarks, beyondBound);
    } catch (error) {
      // The end of the process tries once more.
      this.#pending = [...events, ...this.#pending];
      throw error;
    }
    this.#marksDue = watermarks.size === 0;
    this.#watchOutbox(refused);
    this.#publisher.wake();
  }

  #watchOutbox(refused: readonly Envelope[]): void {
    if (!this.#outbox.nearlyFull) this.#outboxAlerted = false;
    else if (!this.#outboxAlerted) {
      this.#outboxAlerted = true;
      const { depth, capacity, utilisation } = this.#outbox.stats();
      this.#logger.error('The outbox is nearly full: the bus does not take events', { depth, capacity });
      this.#emitNow('backpressure.detected', {
        utilisation,
        depth,
        capacity,
        droppedQuotes: 0,
        droppedTrades: 0,
      });
    }
    if (refused.length > 0) {
      // Hold the ticks back where they are bounded and counted, and try the refused events again.
      this.#marketData.buffer.pause();
      this.#pending = [...refused, ...this.#pending];
    }
    if (this.#marketData.buffer.paused) this.#tryOutboxLater();
  }

  /** While ticks are held back nothing happens that would write to the outbox: somebody has to look for room. */
  #tryOutboxLater(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#flush();
      // Events that were refused again have set the timer again.
      if (this.#closed || this.#pending.length > 0) return;
      clearTimeout(this.#retryTimer);
      if (this.#outbox.full) this.#tryOutboxLater();
      else this.#marketData.buffer.resume();
    }, OUTBOX_RETRY_MS);
  }

  #flushExpired(): void {
    const expired = this.#marketData.buffer.flushExpired(this.#systemMs());
    if (expired === 0) return;
    const { utilisation, depth, capacity, droppedQuotes, droppedTrades } = this.#marketData.buffer.stats();
    this.#logger.error('Ticks expired before they could be taken in', { expired });
    this.#emitNow('backpressure.detected', { utilisation, depth, capacity, droppedQuotes, droppedTrades });
  }

  /** Sleeps until the earliest deadline of any machine. */
  #plan(): void {
    if (this.#stopping) return;
    const nowMs = this.#systemMs();
    const next = Math.min(
      sessionDeadline(this.#session),
      gapDeadline(this.#gaps, nowMs, this.#clock.marketMs),
      this.#askAtMs(nowMs),
    );
    clearTimeout(this.#timer);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, Math.min(next - nowMs, 2 ** 31 - 1)));
  }

  #wake(): void {
    const nowMs = this.#systemMs();
    this.#feedGaps({ kind: 'tick' });
    if (this.#askAtMs(nowMs) <= nowMs) this.#feed({ kind: 'ask-time' });
    this.#feed({ kind: 'tick' });
  }

  /**
   * System time at which to ask the broker for its time because something waits for the market clock: a bar to be
   * closed, coverage to be proven, a gap's last bar to be over. On a tape the market's pace is unknown, so the
   * question is repeated; live, it is put when the answer should be due.
   */
  #askAtMs(nowMs: number): number {
    // A question that is out is not put again; for the end of waiting the session has its own deadline.
    if (this.#session.link !== 'up' || this.#session.probeSentAtMs > 0) return Number.POSITIVE_INFINITY;
    const again = this.#askedAtMs + ASK_AGAIN_MS;
    if (this.#marketData.awaitsCoverage) return again;
    let waitsFor = this.#marketData.nextCloseMs;
    for (const gap of this.#gaps.gaps.values()) {
      if (gap.toMs > this.#clock.marketMs) waitsFor = Math.min(waitsFor, gap.toMs);
    }
    if (waitsFor === Number.POSITIVE_INFINITY) return waitsFor;
    if (this.#clock.tape) return again;
    return Math.max(again, nowMs + (waitsFor - estimate(this.#clock, nowMs)));
  }
}
