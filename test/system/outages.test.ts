import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Desk } from '../../sandbox/desk/desk.ts';
import type { FaultInput } from '../../sandbox/gateway/index.ts';
import { generateTape, writeTape } from '../../sandbox/tapes/generate.ts';
import {
  cleanFolders,
  quickConfig,
  scratchFolder,
  untilPlayed,
  untilSettled,
  withDesk,
} from '../helpers/desk-runs.ts';
import { aggregateTape, compareCandles, type ReferenceBars } from '../helpers/reference-bars.ts';

/**
 * Whatever happens on the way, every bar of the tape ends up in the table once, exact. The tape runs on while nobody
 * listens: at least 5 % of its ticks fall into the outages, and every outage has bars that came from history.
 */
const MINUTES = 360;
/** Tape seconds a second: the six hours take about nine. */
const SPEED = '2400';
const UNSEEN_SHARE_MIN = 0.05;

let tape: string;
let reference: ReferenceBars;

beforeAll(async () => {
  tape = join(scratchFolder(), 'six-hours.csv');
  await writeTape(tape, generateTape({ seed: 11, minutes: MINUTES, ticksPerMinute: 40 }));
  reference = (await aggregateTape(tape)).bars;
});

afterAll(cleanFolders);

/** Runs the tape with `outages` spread over it and checks everything that must hold. */
async function survive(outages: readonly ((desk: Desk) => Promise<void>)[]): Promise<void> {
  const folder = scratchFolder();
  await withDesk({ tape, speed: SPEED, dataDir: folder, streamerEnv: quickConfig(folder) }, async (desk) => {
    let missed = 0;
    for (const [index, outage] of outages.entries()) {
      await untilPlayed(desk, (index + 1) / (outages.length + 2), 30_000);
      const before = await missedBars(desk);
      await outage(desk);
      await untilFlowing(desk);
      missed += 1;
      // Each outage by itself must have been healed from history, not all by one lucky request.
      await untilGapsFilled(desk);
      expect(await missedBars(desk), `backfilled bars after outage ${index + 1}`).toBeGreaterThan(before);
    }
    expect(missed).toBe(outages.length);
    await untilSettled(desk, 40_000);

    const gateway = await desk.gatewayStatus();
    const found = compareCandles(await desk.candles(), reference);
    expect(found).toMatchObject({ exact: reference.size, missing: [], extra: [], different: [], partial: 0 });
    expect(gateway!.ticksUnseen / gateway!.ticksTotal).toBeGreaterThanOrEqual(UNSEEN_SHARE_MIN);
  });
}

/** Bars in the table that came from history. */
async function missedBars(desk: Desk): Promise<number> {
  return (await desk.candles()).filter((candle) => candle.source === 'backfill').length;
}

async function untilFlowing(desk: Desk): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if ((await desk.streamerStats())?.ready) return;
    await sleep(20);
  }
  throw new Error(`The streamer was not ready again: ${JSON.stringify(await desk.streamerStats())}`);
}

async function untilGapsFilled(desk: Desk): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const stats = await desk.streamerStats();
    if (stats?.gaps.open === 0 && stats.outbox.depth === 0 && desk.cloud.stats().pending === 0) return;
    await sleep(20);
  }
  throw new Error(`Gaps stay open: ${JSON.stringify((await desk.streamerStats())?.gaps)}`);
}

function kill(pauseMs: number) {
  return async (desk: Desk): Promise<void> => {
    await desk.endStreamer('SIGKILL');
    await sleep(pauseMs);
    await desk.startStreamer();
  };
}

function faults(...steps: readonly (FaultInput | number)[]) {
  return async (desk: Desk): Promise<void> => {
    for (const each of steps) {
      if (typeof each === 'number') await sleep(each);
      else await desk.fault(each);
    }
  };
}

describe('outages: every candle of the tape is in the table once, with its gap backfilled', () => {
  it('the streamer is killed (SIGKILL) three times and started again', async () => {
    await survive([kill(50), kill(300), kill(0)]);
  });

  it('the streamer is stopped cleanly (SIGTERM) and started again', async () => {
    await survive([
      async (desk) => {
        const beganMs = performance.now();
        expect(await desk.endStreamer('SIGTERM')).toBe(0);
        expect(performance.now() - beganMs).toBeLessThan(30_000);
        await sleep(200);
        await desk.startStreamer();
      },
      kill(100),
    ]);
  });

  it('the socket is dropped, and left half-open', async () => {
    await survive([
      faults({ type: 'drop' }),
      faults({ type: 'half-open' }, 800),
      faults({ type: 'drop' }),
      faults({ type: 'half-open' }, 800),
    ]);
  });

  it('1100 then 1101, 1100 then 1102, and a market data farm that breaks', async () => {
    await survive([
      faults({ type: '1100' }, 300, { type: '1101' }, 100),
      faults({ type: '1100' }, 300, { type: '1102' }, 100),
      faults({ type: 'farm-down' }, 300, { type: 'farm-up' }, 100),
    ]);
  });

  it('the gateway restarts', async () => {
    await survive([
      faults({ type: 'restart', downMs: 500 }, 100),
      faults({ type: 'restart', downMs: 800 }, 100),
    ]);
  });
});
