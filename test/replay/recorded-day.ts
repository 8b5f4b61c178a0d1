/**
 * A recorded day through the real streamer, on simulated time: the prints of a tape over a real socket, orders of the
 * example strategy, every event that came of it, and at the end the tables that the keepers make of the events. The same
 * tape and the same orders give the same bytes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../config/schema.ts';
import type { Envelope } from '../../lib/events/envelope.ts';
import type { EventPublisher } from '../../lib/ports/event-publisher.ts';
import {
  type Gateway,
  type ScriptedFaultInput,
  startGateway,
  type TradeInput,
} from '../../sandbox/gateway/index.ts';
import { mulberry32 } from '../../sandbox/tapes/generate.ts';
import type { Tape } from '../../sandbox/tapes/tape.ts';
import { openDelivery } from '../../streamer/event-delivery.ts';
import type { Logger } from '../../streamer/logger.ts';
import { Streamer } from '../../streamer/streamer.ts';
import { real, VirtualClock } from '../soak/virtual-clock.ts';
import { hasRead, Wires } from '../soak/wires.ts';
import { type Intent, Strategy } from './strategy.ts';

export const account = 'DU1234567';

/** Somebody's order, at a moment of the day. */
export interface RecordedTrade {
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly trade: TradeInput;
}

export interface DayOptions {
  readonly tape: Tape;
  /** The gateway's; it is in the event of the connection. */
  readonly port: number;
  /** Orders of an earlier run, played again; without them the strategy trades. */
  readonly trades?: readonly RecordedTrade[];
  readonly script?: readonly ScriptedFaultInput[];
}

export interface RecordedDay {
  /** What went to the bus and to the book's queue, in their order. */
  readonly bus: readonly Envelope[];
  readonly book: readonly Envelope[];
  readonly intents: readonly Intent[];
  readonly trades: readonly RecordedTrade[];
  readonly executions: number;
  readonly gaps: number;
}

/** What the tape leaves undone is done by then: the last bar closes, gaps are filled. */
const AFTER_MS = 900_000;
/** Events that are made at one moment leave in one turn of the event loop; more than this means that none ends. */
const TURNS_MAX = 100_000;

export async function playDay({ tape, port, trades, script = [] }: DayOptions): Promise<RecordedDay> {
  const [startMs, endMs] = [tape.rows[0]!.timeMs, tape.rows.at(-1)!.timeMs + AFTER_MS];
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-replay-'));
  const clock = new VirtualClock(startMs);
  const [client, server] = [new Wires(), new Wires()];
  clock.install();
  const gateway = await startGateway({
    tape,
    port,
    speed: 1,
    start: 'now',
    account,
    timeZone: 'America/New_York',
    runId: 1,
    script,
  });
  client.watchClient((port) => port === gateway.port);
  server.watchServer(() => gateway.port);
  const [bus, book]: Envelope[][] = [[], []];
  const desk = new Desk(gateway, clock, trades);
  const streamer = startStreamer(folder, gateway.port, {
    bus: taking(bus!, (event) => desk.onEvent(event)),
    book: taking(book!, () => undefined),
  });
  const settle = async () => {
    for (let turns = 0; ; turns += 1) {
      const [mine, theirs] = [client.counts(), server.counts()];
      const isSilent = client.connecting === 0 && hasRead(mine, theirs) && hasRead(theirs, mine);
      // A connection that opens or closes is no byte on the wire.
      if (isSilent && (turns > 0 || (mine.length === 1 && theirs.length === 1))) return;
      if (turns > TURNS_MAX)
        throw new Error(`the wire never falls silent: ${JSON.stringify({ mine, theirs })}`);
      await real.turn();
    }
  };
  try {
    streamer.streamer.start();
    for (let atMs = startMs; atMs < endMs; ) {
      atMs = Math.min(desk.nextMs(atMs + 60_000), endMs);
      await clock.advance(atMs, settle);
      await settle();
      desk.onTime();
      await settle();
    }
    const { executions } = gateway.broker();
    await streamer.stop(settle, clock);
    return {
      bus: bus!,
      book: book!,
      intents: desk.strategy.intents,
      trades: desk.done,
      executions: executions.length,
      gaps: bus!.filter(({ type }) => type === 'gap.detected').length,
    };
  } finally {
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Types orders: those that the strategy wants, or those of an earlier day at the same moments. */
class Desk {
  readonly strategy = new Strategy();
  readonly done: RecordedTrade[] = [];
  readonly #gateway: Gateway;
  readonly #clock: VirtualClock;
  readonly #left: RecordedTrade[] | undefined;
  readonly #wanted: TradeInput[] = [];

  constructor(gateway: Gateway, clock: VirtualClock, recorded: readonly RecordedTrade[] | undefined) {
    this.#gateway = gateway;
    this.#clock = clock;
    this.#left = recorded && [...recorded];
  }

  nextMs(otherwiseMs: number): number {
    return Math.min(this.#left?.[0]?.atMs ?? otherwiseMs, otherwiseMs);
  }

  onEvent(event: Envelope): void {
    this.#wanted.push(...this.strategy.onEvent(event));
  }

  onTime(): void {
    const nowMs = this.#clock.nowMs;
    const wanted = this.#wanted.splice(0);
    if (this.#left === undefined) for (const trade of wanted) this.#do(trade);
    while (this.#left?.[0] !== undefined && this.#left[0].atMs <= nowMs) this.#do(this.#left.shift()!.trade);
  }

  #do(trade: TradeInput): void {
    this.#gateway.trade(trade);
    this.done.push({ atMs: this.#clock.nowMs, trade });
  }
}

function taking(events: Envelope[], told: (event: Envelope) => void): EventPublisher {
  return {
    publish: async (batch) => {
      for (const event of batch as unknown as Envelope[]) {
        // As the queue would have it: what is taken later is no part of it.
        events.push(structuredClone(event));
        told(event);
      }
      return batch.map(() => ({ ok: true }) as const);
    },
  };
}

function startStreamer(folder: string, port: number, to: { bus: EventPublisher; book: EventPublisher }) {
  const config = configSchema.parse({
    stage: 'sandbox',
    streamers: [
      {
        name: 'main',
        account,
        symbols: ['GCZ3'],
        dbPath: join(folder, 'streamer.db'),
        gateway: { port, clientId: 1 },
        health: { port: 0 },
      },
    ],
    resetWindows: [],
  });
  const own = config.streamers[0]!;
  const delivery = openDelivery({ config, streamer: own, logger: silent, ...to });
  const streamer = new Streamer({
    config,
    streamer: own,
    delivery,
    epoch: 1,
    mayWrite: () => true,
    logger: silent,
    waitForGateway: true,
    onFatal: (error) => {
      throw error;
    },
    random: mulberry32(1),
  });
  return {
    streamer,
    stop: async (settle: () => Promise<void>, clock: VirtualClock) => {
      await streamer.stop();
      let closed = false;
      const closing = delivery.close(10_000).then(() => {
        closed = true;
      });
      while (!closed) {
        await settle();
        await clock.advance(clock.nowMs + 10, settle);
      }
      await closing;
    },
  };
}

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
};
