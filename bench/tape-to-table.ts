import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { synth } from '../sandbox/cloud/synth.ts';
import { generateTape, writeTape } from '../sandbox/tapes/generate.ts';
import { sharedDataDir } from '../test/helpers/shared-data.ts';
import type { BenchResult } from './figure.ts';

/**
 * The whole sandbox as one process, from its start to its end: a tape at full speed through gateway, streamer, event
 * bus and Lambda into the table. With the real gold tape beside the checkout, else with a generated one.
 */
const SECONDS_MAX = 20;
const FIRST_CANDLE_SECONDS_MAX = 10;
const KILL_AFTER_MS = 180_000;

const root = fileURLToPath(new URL('../', import.meta.url));
const goldTape = sharedDataDir && join(sharedDataDir, 'ticks/GCZ3_2013-10-08.ticks.csv.gz');
/** Rows and one-minute bars of that tape. */
const gold = { ticks: 52_037, bars: 1_377 };

interface Summary {
  readonly ticks: number;
  readonly candles: number;
  readonly corrections: number;
  readonly gaps: number;
  readonly candlesStored: number;
  readonly dropped: number;
  readonly outboxDepth: number;
  readonly seconds: number;
  readonly firstCandleMs: number | null;
}

export async function tapeToTable(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-bench-'));
  try {
    const real = goldTape !== undefined;
    const tape = goldTape ?? join(folder, 'tape.csv');
    const expectedTicks = real ? gold.ticks : await writeGenerated(tape);
    // The budget is for a synth that is there already.
    await synth({ stage: 'sandbox' });
    const startMs = performance.now();
    const summary = await runSandbox(tape, join(folder, 'data'));
    const seconds = (performance.now() - startMs) / 1_000;
    const wrong: string[] = [];
    if (summary.ticks !== expectedTicks) wrong.push(`${summary.ticks} of ${expectedTicks} ticks`);
    if (summary.dropped > 0) wrong.push(`${summary.dropped} ticks dropped`);
    if (summary.outboxDepth > 0) wrong.push(`${summary.outboxDepth} events left in the outbox`);
    if (real && summary.candlesStored < gold.bars)
      wrong.push(`${summary.candlesStored} of ${gold.bars} candles in the table`);
    return {
      name: 'tape-to-table',
      figures: [
        {
          name: `${real ? 'gold tape' : 'generated tape'}, start to end`,
          value: seconds,
          unit: 's',
          budget: { kind: 'at-most', value: SECONDS_MAX },
          detail: `${summary.ticks.toLocaleString('en')} ticks, ${summary.candlesStored.toLocaleString('en')} candles in the table`,
        },
        {
          name: 'start to the first candle in the table',
          value: summary.firstCandleMs === null ? Number.NaN : summary.firstCandleMs / 1_000,
          unit: 's',
          budget: { kind: 'at-most', value: FIRST_CANDLE_SECONDS_MAX },
        },
      ],
      ...(wrong.length > 0 ? { invalid: wrong.join('; ') } : {}),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeGenerated(file: string): Promise<number> {
  const rows = generateTape({ seed: 5, minutes: 1_380, ticksPerMinute: 38, quotes: false });
  await writeTape(file, rows);
  return rows.filter(({ kind }) => kind === 'trade').length;
}

function runSandbox(tape: string, data: string): Promise<Summary> {
  const options = [
    '--tape',
    tape,
    '--speed',
    'max',
    '--until-tape-ends',
    '--json',
    '--fresh',
    '--data',
    data,
  ];
  const child = spawn(process.execPath, ['bin/sandbox.ts', ...options], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: KILL_AFTER_MS,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const last = out.trim().split('\n').at(-1) ?? '';
      if (code === 0 && last.startsWith('{')) resolve(JSON.parse(last) as Summary);
      else
        reject(
          new Error(
            `The sandbox ended with ${signal ?? code}: ${err.trim().split('\n').slice(-3).join(' | ')}`,
          ),
        );
    });
  });
}
