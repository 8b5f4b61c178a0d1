/**
 * Process that plays prints of one future to one client after the other, as fast as each reads. Everything is encoded
 * before the first byte leaves. Started by the tick path's benchmark; it says `listening`, and plays when told `go`.
 */
import type { Socket } from 'node:net';
import { message } from '../../sandbox/gateway/encode.ts';
import { tickString } from '../../sandbox/gateway/encode-market.ts';
import { FrameBatch, frame } from '../../sandbox/gateway/frame.ts';
import { drained, listen } from './broker.ts';
import { BEGIN, END, MARKER_REQ_ID } from './markers.ts';
import { aggregate, type NaiveBar, prints } from './prints.ts';

export interface TapeFeed {
  readonly seed: number;
  readonly ticks: number;
  readonly startMs: number;
  readonly perSecond: number;
  readonly intervalMs: number;
  readonly conId: number;
  readonly symbol: string;
}

export type TapeFeederMessage =
  | { readonly kind: 'listening'; readonly port: number; readonly bars: readonly NaiveBar[] }
  | { readonly kind: 'prepared' };

interface Chunk {
  readonly bytes: Buffer;
  /** Time of the last print in it. */
  readonly lastMs: number;
}

/** 49 is the type of a halt. */
const marker = (value: number) => frame(message(45, 6, MARKER_REQ_ID, 49, value));

async function main(feed: TapeFeed): Promise<void> {
  const { bars, lastMs } = plan(feed);
  const endMs = Math.floor(lastMs / feed.intervalMs) * feed.intervalMs + feed.intervalMs;
  const chunksOf = new Map<number, readonly Chunk[]>();
  let waiting: { readonly socket: Socket; readonly chunks: readonly Chunk[] } | undefined;
  // One second before the first print: the client's coverage then begins exactly with the first bar.
  const beforeMs = feed.startMs - 1_000;
  let nowMs = beforeMs;
  const { port } = await listen({
    contracts: [{ conId: feed.conId, symbol: feed.symbol }],
    aroundMs: feed.startMs,
    opened: () => {
      nowMs = beforeMs;
    },
    nowSeconds: () => Math.floor(nowMs / 1_000),
    subscribed: (socket, reqId) => {
      let chunks = chunksOf.get(reqId);
      if (!chunks) {
        chunks = encode(feed, reqId);
        chunksOf.set(reqId, chunks);
      }
      waiting = { socket, chunks };
      tell({ kind: 'prepared' });
    },
  });
  const play = async (socket: Socket, chunks: readonly Chunk[]): Promise<void> => {
    socket.write(marker(BEGIN));
    for (const chunk of chunks) {
      nowMs = chunk.lastMs;
      if (!socket.write(chunk.bytes)) await drained(socket);
      if (socket.destroyed) return;
    }
    socket.write(marker(END));
    // Past the last bar and any grace: the client's clock may close it.
    nowMs = endMs + 600_000;
  };
  process.on('message', () => {
    if (!waiting) return;
    const { socket, chunks } = waiting;
    waiting = undefined;
    void play(socket, chunks);
  });
  tell({ kind: 'listening', port, bars });
}

function plan(feed: TapeFeed): { readonly bars: NaiveBar[]; readonly lastMs: number } {
  const bars = new Map<number, NaiveBar>();
  let lastMs = feed.startMs;
  for (const { timeMs, text } of prints({ ...feed, count: feed.ticks })) {
    lastMs = timeMs;
    aggregate(bars, text, feed.intervalMs);
  }
  return { bars: [...bars.values()], lastMs };
}

/** Whole frames in chunks of up to 64 KiB, so that an answer can be put between two of them. */
function encode(feed: TapeFeed, reqId: number): Chunk[] {
  const batch = new FrameBatch();
  const chunks: Chunk[] = [];
  let lastMs = feed.startMs;
  for (const { timeMs, text } of prints({ ...feed, count: feed.ticks })) {
    const full = batch.add(tickString({ id: reqId, type: 48, value: text }));
    // A chunk that is handed over ends before the print that did not fit.
    if (full) chunks.push({ bytes: full, lastMs });
    lastMs = timeMs;
  }
  const rest = batch.take();
  if (rest) chunks.push({ bytes: rest, lastMs });
  return chunks;
}

function tell(told: TapeFeederMessage): void {
  process.send?.(told);
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  await main(JSON.parse(process.argv[2] ?? '{}') as TapeFeed);
}
