/** The running gateway: port, clients, tape, market and faults put together. */
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Tape } from '../tapes/tape.ts';
import { AccountDesk } from './account-desk.ts';
import type { BrokerRecord } from './broker/record.ts';
import type { BrokerOptions } from './broker/types.ts';
import { type CounterName, counterNames, type GatewayCore } from './core.ts';
import { applyFault, type Fault, type FaultState, feedUp, noFaults } from './faults.ts';
import { greet, startApi } from './handshake.ts';
import { Listener } from './listener.ts';
import { MarketData } from './market-data.ts';
import { OrderDesk } from './order-desk.ts';
import { HistoryPacing } from './pacing.ts';
import { answer } from './requests.ts';
import type { ScriptedFault } from './script.ts';
import { Session } from './session.ts';
import type { GatewayStatus } from './status.ts';
import { type Speed, TapeClock } from './tape-clock.ts';
import { trade } from './trade.ts';

/** A connection that never finishes the handshake is closed after this. */
const greetingMsMax = 60_000;
const reopenMs = 500;

export interface SimulatedGatewayInput {
  readonly tape: Tape;
  readonly script: readonly ScriptedFault[];
  readonly host: string;
  readonly speed: Speed;
  readonly idleSpeed: number;
  readonly startOnSubscribe: boolean;
  readonly startDelayMs: number;
  readonly broker: BrokerOptions;
  /** This client is told of all orders. */
  readonly masterClientId: number;
  readonly timeZone: string;
  readonly clientLimit: number;
  readonly marketDataLines: number;
  readonly messagesPerSecond: number;
  readonly historyPacing: boolean;
  readonly log: (text: string) => void;
}

export class SimulatedGateway implements GatewayCore {
  readonly faults: FaultState = noFaults();
  readonly sessions = new Set<Session>();
  readonly market: MarketData;
  readonly clock: TapeClock;
  readonly pacing = new HistoryPacing();
  readonly orders: OrderDesk;
  readonly accountDesk: AccountDesk;
  readonly #input: SimulatedGatewayInput;
  readonly #counters = Object.fromEntries(counterNames.map((name) => [name, 0])) as Record<
    CounterName,
    number
  >;
  readonly #rowsSent = new Map<number, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #tapeEvents: ScriptedFault[];
  readonly #listener: Listener;
  #connections = 0;
  #stopped = false;

  constructor(input: SimulatedGatewayInput) {
    this.#input = input;
    this.market = new MarketData(input.tape);
    this.#listener = new Listener(input.host, (socket) => this.#accept(socket));
    this.#tapeEvents = input.script
      .filter((event) => event.atTapeMs !== undefined)
      .sort((a, b) => a.atTapeMs! - b.atTapeMs!);
    this.orders = new OrderDesk({
      ...input.broker,
      masterClientId: input.masterClientId,
      timeZone: input.timeZone,
      readySessions: () => this.readySessions(),
      cutOff: () => this.faults.connectivityLost,
      accountDesk: () => this.accountDesk,
      log: input.log,
    });
    const { broker } = this.orders;
    this.accountDesk = new AccountDesk(broker, input.timeZone, (session, body) =>
      this.orders.send(session, body),
    );
    this.clock = new TapeClock({
      rows: input.tape.rows,
      speed: input.speed,
      idleSpeed: input.idleSpeed,
      now: () => performance.now(),
      onRow: (row, tapeMs) => {
        this.market.onRow(row, this.feedUp);
        broker.onRow(row, tapeMs);
      },
      onAdvanced: (tapeMs) => {
        this.market.onAdvanced(tapeMs, this.feedUp);
        broker.onAdvanced(tapeMs, this.clock.ended);
        this.accountDesk.onAdvanced(tapeMs);
      },
      receiving: () => this.feedUp && this.market.receiving,
      blocked: () => this.market.blocked,
      nextEventMs: () => this.#tapeEvents[0]?.atTapeMs ?? Number.POSITIVE_INFINITY,
      fireEvents: (tapeMs) => this.#fireTapeEvents(tapeMs),
    });
  }

  get accounts(): readonly string[] {
    return this.#input.broker.accounts;
  }
  get marketDataLines(): number {
    return this.#input.marketDataLines;
  }
  get startOnSubscribe(): boolean {
    return this.#input.startOnSubscribe;
  }
  get feedUp(): boolean {
    return feedUp(this.faults);
  }
  get host(): string {
    return this.#input.host;
  }
  get port(): number {
    return this.#listener.port;
  }

  startTape(): void {
    if (this.#input.startDelayMs > 0) this.#later(this.#input.startDelayMs, () => this.clock.start());
    else this.clock.start();
  }

  readySessions(): Session[] {
    return [...this.sessions].filter((session) => session.stage === 'ready');
  }

  count(name: CounterName): void {
    this.#counters[name] += 1;
  }

  breaksPacing(key: string, contract: string): boolean {
    return this.#input.historyPacing
      ? this.pacing.violates(key, contract, performance.now())
      : this.pacing.violatesForced();
  }

  /** Opens the port; 0 takes a free one. */
  async listen(port: number): Promise<void> {
    await this.#listener.open(port);
    for (const { fault, atMs } of this.#input.script) {
      if (atMs !== undefined) this.#later(atMs, () => this.apply(fault));
    }
    if (!this.startOnSubscribe) this.clock.start();
  }

  stop(): void {
    this.#stopped = true;
    this.clock.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    for (const session of this.sessions) session.close('the gateway stops', 'rst');
    this.#listener.retire();
  }

  /** Applies a fault; returns what is wrong when there is nothing that it could act on. */
  apply(fault: Fault): string | undefined {
    this.count('faults');
    this.#input.log(
      `fault ${JSON.stringify(fault)} at tape time ${new Date(this.clock.tapeMs).toISOString()}`,
    );
    const problem = applyFault(this, fault);
    if (problem !== undefined) this.#input.log(`fault ${fault.type}: ${problem}`);
    this.clock.wake();
    return problem;
  }

  trade(command: unknown): { permId: number } {
    return trade(this, command);
  }

  broker(): BrokerRecord {
    this.clock.advance();
    return this.orders.record();
  }

  restart(downMs: number): void {
    for (const session of this.sessions) session.close('the gateway restarts');
    this.orders.broker.restart();
    const { port } = this.#listener;
    this.#listener.close();
    const reopen = () => {
      this.#listener.open(port).catch((problem: unknown) => {
        this.#input.log(`cannot listen again: ${(problem as Error).message}`);
        this.#later(reopenMs, reopen);
      });
    };
    this.#later(downMs, reopen);
  }

  status(): GatewayStatus {
    this.clock.advance();
    const sent: Record<string, number> = {};
    for (const [clientId, rows] of this.#rowsSent) sent[clientId] = rows;
    for (const session of this.readySessions()) {
      sent[session.clientId] = (sent[session.clientId] ?? 0) + session.rowsSent;
    }
    return {
      tapeMs: this.clock.tapeMs,
      tapeStartMs: this.clock.startMs,
      tapeEndMs: this.clock.endMs,
      started: this.clock.started,
      ended: this.clock.ended,
      ticksTotal: this.#input.tape.rows.length,
      ticksPlayed: this.clock.played,
      ticksSentByClient: sent,
      ticksUnseen: this.market.rowsUnseen,
      clients: [...this.sessions].map((session) => ({
        connection: session.number,
        clientId: session.clientId,
        stage: session.stage,
        serverVersion: session.serverVersion,
        halfOpen: session.halfOpen,
        rowsSent: session.rowsSent,
        framesSent: session.framesSent,
        bytesSent: session.bytesSent,
        requests: session.requests,
        rateBreaches: session.rateBreaches,
        lines: this.market
          .lines(session)
          .map(({ kind, id, state }) => ({ kind, id, symbol: state.contract.localSymbol })),
      })),
      faults: { ...this.faults },
      orderFaults: this.orders.prepared.left(),
      pacingViolations: this.pacing.violations,
      counters: { ...this.#counters },
    };
  }

  #fireTapeEvents(tapeMs: number): void {
    while ((this.#tapeEvents[0]?.atTapeMs ?? Number.POSITIVE_INFINITY) <= tapeMs) {
      this.apply(this.#tapeEvents.shift()!.fault);
    }
  }

  #later(delayMs: number, act: () => unknown): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delayMs);
    this.#timers.add(timer);
  }

  #accept(socket: Socket): void {
    this.count('connections');
    const full = this.sessions.size >= this.#input.clientLimit;
    if (this.faults.refuse || full) {
      this.#input.log(full ? 'refused a connection: too many clients' : 'refused a connection by a fault');
      // Without a listener an error of this socket would end the process.
      socket.on('error', () => undefined);
      socket.end();
      socket.resume();
      return;
    }
    this.#connections += 1;
    const session = new Session(this.#connections, socket, {
      onHello: (from, hello) => greet(this, from, hello),
      onRequest: (from, fields) => this.#request(from, fields),
      onFree: () => this.clock.wake(),
      onClosed: (from, reason) => this.#closed(from, reason),
      log: this.#input.log,
      now: () => performance.now(),
      messagesPerSecond: this.#input.messagesPerSecond,
    });
    this.sessions.add(session);
    this.#input.log(`connection ${session.number} from ${socket.remoteAddress}:${socket.remotePort}`);
    const timer = setTimeout(() => {
      if (session.stage !== 'ready' && !this.faults.silentHandshake)
        session.close('it never finished the handshake');
    }, greetingMsMax);
    socket.once('close', () => clearTimeout(timer));
  }

  #request(session: Session, fields: string[]): void {
    if (session.stage === 'ready') {
      answer(this, session, fields);
      return;
    }
    startApi(this, session, fields);
    if (session.clientId === -1) return;
    this.#input.log(
      `connection ${session.number} is client ${session.clientId}, server version ${session.serverVersion}`,
    );
  }

  #closed(session: Session, reason: string): void {
    if (!this.sessions.delete(session)) return;
    this.market.removeSession(session);
    this.accountDesk.stop(session);
    if (session.stage === 'ready') {
      this.#rowsSent.set(session.clientId, (this.#rowsSent.get(session.clientId) ?? 0) + session.rowsSent);
    }
    if (session.protocolError) this.count('protocolErrors');
    const name = session.clientId === -1 ? '' : ` (client ${session.clientId})`;
    this.#input.log(`connection ${session.number}${name} closed: ${reason}`);
    this.clock.wake();
  }
}
