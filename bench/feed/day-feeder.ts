/**
 * Process that plays a whole day of many futures, made as it goes, at a bounded rate: 23 hours of the market in a minute. It
 * plays an hour of the market each time it is told `go`: a day has the time to empty the outbox that a day in a minute has not.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { tickString } from '../../sandbox/gateway/encode-market.ts';
import { FrameBatch } from '../../sandbox/gateway/frame.ts';
import { drained, listen } from './broker.ts';
import { PrintMaker } from './prints.ts';

export interface DayFeed {
  readonly seed: number;
  readonly symbols: readonly string[];
  /** Of all symbols together. */
  readonly ticks: number;
  /** Unix ms UTC: start of the first bar. */
  readonly startMs: number;
  readonly hours: number;
  /** Of all symbols together, at the most. */
  readonly ticksPerSecond: number;
}

export type DayFeederMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'subscribed' }
  /** So many hours of the market have been sent. */
  | { readonly kind: 'hour'; readonly hours: number }
  | { readonly kind: 'played'; readonly ticks: number };

const CON_ID_FIRST = 712_000_001;
const HOUR_MS = 3_600_000;

async function main(feed: DayFeed): Promise<void> {
  const makers = feed.symbols.map((_, index) => new PrintMaker(feed.seed + index));
  const reqIds = new Map<number, number>();
  let nowMs = feed.startMs - 1_000;
  let go = Promise.withResolvers<void>();
  const play = async (socket: Socket): Promise<void> => {
    await go.promise;
    const batch = new FrameBatch();
    const stepMs = (feed.hours * HOUR_MS) / feed.ticks;
    let hour = 1;
    let begun = { atMs: performance.now(), index: 0 };
    for (let index = 0; index < feed.ticks; index += 1) {
      const line = index % makers.length;
      nowMs = Math.floor(feed.startMs + index * stepMs);
      const value = makers[line]!.next(nowMs);
      const full = batch.add(tickString({ id: reqIds.get(line) ?? 0, type: 48, value }));
      if (full) {
        if (!socket.write(full)) await drained(socket);
        // The client may ask what time it is.
        await turn();
        const dueMs = begun.atMs + ((index - begun.index) / feed.ticksPerSecond) * 1_000;
        if (dueMs > performance.now()) await sleep(dueMs - performance.now());
      }
      if (nowMs < feed.startMs + hour * HOUR_MS) continue;
      const part = batch.take();
      if (part) socket.write(part);
      go = Promise.withResolvers();
      tell({ kind: 'hour', hours: hour });
      await go.promise;
      begun = { atMs: performance.now(), index };
      hour += 1;
    }
    const rest = batch.take();
    if (rest) socket.write(rest);
    // Past the last bar and any grace: the client's clock may close it.
    nowMs += 600_000;
    tell({ kind: 'played', ticks: feed.ticks });
  };
  const { port } = await listen({
    contracts: feed.symbols.map((symbol, index) => ({ conId: CON_ID_FIRST + index, symbol })),
    aroundMs: feed.startMs,
    nowSeconds: () => Math.floor(nowMs / 1_000),
    subscribed: (socket, reqId, { conId }) => {
      reqIds.set(conId - CON_ID_FIRST, reqId);
      if (reqIds.size < feed.symbols.length) return;
      tell({ kind: 'subscribed' });
      void play(socket);
    },
  });
  process.on('message', () => go.resolve());
  tell({ kind: 'listening', port });
}

function tell(told: DayFeederMessage): void {
  process.send?.(told);
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  await main(JSON.parse(process.argv[2] ?? '{}') as DayFeed);
}
