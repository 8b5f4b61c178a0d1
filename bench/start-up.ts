import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCloudStandIn } from './cloud-stand-in.ts';
import type { DayFeed, DayFeederMessage } from './feed/day-feeder.ts';
import type { BenchResult, Figure } from './figure.ts';
import { startPeer } from './processes.ts';
import { spread } from './statistics.ts';
import { bundleStreamer, type ProgramForm, startStreamerProgram } from './streamer-program.ts';

/**
 * From the start of the streamer's process to its health pages, and on to ready: lease taken, session open, one future
 * subscribed. As its image runs it, from the sources, and beside both a Node that does nothing. The sandbox's start, to
 * the first candle, is in tape-to-table.
 */
export interface StartUpOptions {
  readonly rounds: number;
}

const POLL_MS = 5;
const READY_WITHIN_MS = 30_000;

export async function startUp({ rounds }: StartUpOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  const cloud = await startCloudStandIn();
  const feed: DayFeed = {
    seed: 3,
    symbols: ['GC'],
    ticks: 1,
    startMs: Date.UTC(2026, 0, 6),
    hours: 1,
    ticksPerSecond: 1,
  };
  const feeder = startPeer<DayFeederMessage>('./feed/day-feeder.ts', feed);
  try {
    await bundleStreamer(folder);
    const { port } = await feeder.next('listening');
    const up = new Map<ProgramForm, number[]>([
      ['bundle', []],
      ['sources', []],
    ]);
    const ready = new Map<ProgramForm, number[]>([
      ['bundle', []],
      ['sources', []],
    ]);
    const bare: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bare.push(bareStartMs());
      for (const form of ['bundle', 'sources'] as const) {
        // No outbox of an earlier run: each is a first start.
        rmSync(join(folder, `outbox-${form}`), { recursive: true, force: true });
        const program = await startStreamerProgram({
          form,
          folder,
          gatewayPort: port,
          symbols: ['GC'],
          environment: cloud.environment,
        });
        up.get(form)!.push(program.upMs);
        while (!(await program.isReady())) {
          if (performance.now() - program.startedMs > READY_WITHIN_MS)
            throw new Error(`The streamer (${form}) was not ready within ${READY_WITHIN_MS / 1_000} s.`);
          await sleep(POLL_MS);
        }
        ready.get(form)!.push(performance.now() - program.startedMs);
        await program.stop();
      }
    }
    const figure = (name: string, times: readonly number[]): Figure => {
      const { min, median, max } = spread(times);
      return {
        name,
        value: median,
        unit: 'ms',
        detail: `min ${min.toFixed(0)}, max ${max.toFixed(0)}, ${times.length} starts`,
      };
    };
    return {
      name: 'start-up',
      figures: [
        figure('as deployed, to the health pages', up.get('bundle')!),
        figure('as deployed, to ready', ready.get('bundle')!),
        figure('from the sources, to the health pages', up.get('sources')!),
        figure('from the sources, to ready', ready.get('sources')!),
        figure('a Node that does nothing', bare),
      ],
    };
  } finally {
    feeder.kill();
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function bareStartMs(): number {
  const startMs = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - startMs;
}
