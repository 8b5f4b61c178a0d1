/**
 * One client of the tick path's benchmark, in a process of its own: a bare IBApi with empty listeners, a bare loop that
 * cuts frames and texts by itself, our streamer, or our streamer with a microsecond of work planted in each tick.
 * Measures between two markers of the feeder.
 */
import { EventName, IBApi, MarketDataType, SecType } from '@stoqey/ib';
import { startStreamer } from './desk-client.ts';
import { BEGIN, END, MARKER_REQ_ID } from './feed/markers.ts';
import type { CandleNumbers } from './feed/prints.ts';
import { type LoopCounts, parseLoop } from './parse-loop.ts';
import { busyFor } from './planted-work.ts';

export type ClientKind = 'bare' | 'loop' | 'streamer' | 'planted';

export interface ClientOptions {
  readonly kind: ClientKind;
  readonly port: number;
  readonly conId: number;
  readonly symbol: string;
  readonly bars: number;
}

export interface Measurement {
  readonly wallMs: number;
  /** Of the whole process, user and system. */
  readonly cpuMs: number;
  /** Of the thread that runs our code. */
  readonly threadCpuMs: number;
  readonly rssMiB: number;
}

export interface StreamerCounts {
  /** Prints in bars. */
  readonly taken: number;
  /** Dropped, expired, malformed, ignored, called a duplicate or too late. */
  readonly lost: number;
  readonly bufferHighWater: number;
  readonly corrections: number;
  readonly candles: readonly CandleNumbers[];
}

export type ClientMessage =
  | { readonly kind: 'ready' }
  | ({
      readonly kind: 'measured';
      readonly streamer?: StreamerCounts;
      readonly loop?: LoopCounts;
    } & Measurement);

/** A print takes this long more in the planted client. */
export const PLANTED_NS = 1_000;
const REQ_ID = 1_002;

const tell = (message: ClientMessage): void => {
  process.send?.(message);
};

/**
 * Takes the feeder's markers; calls `ended` with what was used between them, once everything that came before
 * the last is worked off.
 */
function stopwatch(ended: (measurement: Measurement) => void): (marker: number) => void {
  let startMs = 0;
  let cpu = process.cpuUsage();
  let threadCpu = process.threadCpuUsage();
  return (marker) => {
    if (marker === BEGIN) {
      cpu = process.cpuUsage();
      threadCpu = process.threadCpuUsage();
      startMs = performance.now();
    } else if (marker === END) {
      // What the last chunk left for later, the streamer's buffer above all, belongs to the measurement.
      setImmediate(() => {
        const wallMs = performance.now() - startMs;
        const used = process.cpuUsage(cpu);
        const threadUsed = process.threadCpuUsage(threadCpu);
        ended({
          wallMs,
          cpuMs: (used.user + used.system) / 1_000,
          threadCpuMs: (threadUsed.user + threadUsed.system) / 1_000,
          rssMiB: process.memoryUsage.rss() / 2 ** 20,
        });
      });
    }
  };
}

function runBare({ port, conId }: ClientOptions): void {
  const api = new IBApi({ host: '127.0.0.1', port, clientId: 1, maxReqPerSec: 40 });
  const watch = stopwatch((measurement) => {
    tell({ kind: 'measured', ...measurement });
    api.disconnect();
    process.disconnect();
  });
  api.on(EventName.tickString, () => undefined);
  api.on(EventName.tickPrice, () => undefined);
  api.on(EventName.tickSize, () => undefined);
  api.on(EventName.tickGeneric, (reqId, _type, value) => {
    if (reqId === MARKER_REQ_ID) watch(value);
  });
  api.once(EventName.tickReqParams, () => tell({ kind: 'ready' }));
  api.once(EventName.nextValidId, () => {
    api.reqMarketDataType(MarketDataType.REALTIME);
    api.reqMktData(REQ_ID, { conId, secType: SecType.FUT, exchange: 'COMEX' }, '233', false, false);
  });
  api.connect(1);
}

/** No library at all: what the bytes cost at the least. Its bars are compared like the streamer's. */
function runLoop({ port, conId }: ClientOptions): void {
  const watch = stopwatch((measurement) => {
    tell({ kind: 'measured', ...measurement, loop: loop.counts() });
    loop.close();
    process.disconnect();
  });
  const loop = parseLoop({ port, conId, reqId: REQ_ID, ready: () => tell({ kind: 'ready' }), marker: watch });
}

type Connect = (this: IBApi, clientId?: number) => IBApi;

async function runStreamer({ kind, port, symbol, bars }: ClientOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<Measurement>();
  const planted = kind === 'planted' ? busyFor(PLANTED_NS) : undefined;
  // The link makes its own IBApi; here the benchmark gets to it before it connects. Nothing is added to a tick's way,
  // but for the planted work.
  const connect: Connect = Object.getOwnPropertyDescriptor(IBApi.prototype, 'connect')?.value;
  IBApi.prototype.connect = function (this: IBApi, clientId?: number): IBApi {
    const watch = stopwatch(resolve);
    this.on(EventName.tickGeneric, (reqId, _type, value) => {
      if (reqId === MARKER_REQ_ID) watch(value);
    });
    if (planted) this.on(EventName.tickString, planted);
    return connect.call(this, clientId);
  };
  const { streamer, publisher, stop } = startStreamer({ port, symbols: [symbol] });
  streamer.start();
  await until(() => streamer.ready);
  tell({ kind: 'ready' });
  const measurement = await promise;
  // The last bars close when the feeder's clock says so.
  await until(() => publisher.candles.filter(({ candle }) => candle.source === 'live').length >= bars);
  const { marketData } = streamer.stats();
  const buffer = marketData.buffer;
  const { builder } = marketData.lines[0]!;
  if (!builder) throw new Error('The streamer is ready and has no candle builder.');
  const ignored = Object.values(builder.ignored).reduce((sum, count) => sum + count, 0);
  const live = publisher.candles.filter(({ candle }) => candle.source === 'live' && !candle.partial);
  tell({
    kind: 'measured',
    ...measurement,
    streamer: {
      taken: builder.trades,
      lost:
        buffer.droppedQuotes +
        buffer.droppedTrades +
        buffer.expired +
        marketData.malformedTicks +
        ignored +
        builder.duplicates +
        builder.lateTicks,
      bufferHighWater: buffer.highWater,
      corrections: builder.corrections,
      candles: live.map(({ candle }) => candle),
    },
  });
  await stop();
  process.disconnect();
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('The streamer did not get there within a minute.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  const options = JSON.parse(process.argv[2] ?? '{}') as ClientOptions;
  if (options.kind === 'bare') runBare(options);
  else if (options.kind === 'loop') runLoop(options);
  else await runStreamer(options);
}
