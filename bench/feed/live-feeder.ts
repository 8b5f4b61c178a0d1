/**
 * Process that prints trades of many futures at a steady pace, stamped with the time at which they are sent, for a
 * client that runs on the same clock. Started by the benchmark of closing candles; plays when told `go`.
 */
import type { Socket } from 'node:net';
import { tickString } from '../../sandbox/gateway/encode-market.ts';
import { FrameBatch } from '../../sandbox/gateway/frame.ts';
import { listen } from './broker.ts';
import { aggregate, type NaiveBar, PrintMaker } from './prints.ts';

export interface LiveFeed {
  readonly seed: number;
  readonly symbols: readonly string[];
  /** Of all symbols together. */
  readonly ticksPerSecond: number;
  readonly seconds: number;
  readonly intervalMs: number;
}

export interface SymbolBars {
  readonly conId: number;
  readonly bars: readonly NaiveBar[];
}

export type LiveFeederMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'played'; readonly ticks: number; readonly symbols: readonly SymbolBars[] };

interface Instrument {
  readonly conId: number;
  readonly maker: PrintMaker;
  readonly bars: Map<number, NaiveBar>;
  reqId: number;
}

const CON_ID_FIRST = 712_000_001;

async function main(feed: LiveFeed): Promise<void> {
  const instruments: readonly Instrument[] = feed.symbols.map((_, index) => ({
    conId: CON_ID_FIRST + index,
    maker: new PrintMaker(feed.seed + index),
    bars: new Map(),
    reqId: 0,
  }));
  let client: Socket | undefined;
  const { port } = await listen({
    contracts: instruments.map(({ conId }, index) => ({ conId, symbol: feed.symbols[index] ?? '' })),
    aroundMs: Date.now(),
    nowSeconds: () => Math.floor(Date.now() / 1_000),
    subscribed: (socket, reqId, { conId }) => {
      client = socket;
      const instrument = instruments.find((each) => each.conId === conId);
      if (instrument) instrument.reqId = reqId;
    },
  });
  process.on('message', () => {
    if (client) play(client, instruments, feed);
  });
  tell({ kind: 'listening', port });
}

function play(socket: Socket, instruments: readonly Instrument[], feed: LiveFeed): void {
  const startMs = performance.now();
  const total = feed.ticksPerSecond * feed.seconds;
  const batch = new FrameBatch();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1_000) * feed.ticksPerSecond));
    for (; sent < due; sent += 1) {
      const instrument = instruments[sent % instruments.length]!;
      const text = instrument.maker.next(Date.now());
      aggregate(instrument.bars, text, feed.intervalMs);
      const full = batch.add(tickString({ id: instrument.reqId, type: 48, value: text }));
      if (full) socket.write(full);
    }
    const rest = batch.take();
    if (rest) socket.write(rest);
    if (sent < total) return;
    clearInterval(timer);
    tell({
      kind: 'played',
      ticks: sent,
      symbols: instruments.map(({ conId, bars }) => ({ conId, bars: [...bars.values()] })),
    });
  }, 1);
}

function tell(told: LiveFeederMessage): void {
  process.send?.(told);
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  await main(JSON.parse(process.argv[2] ?? '{}') as LiveFeed);
}
