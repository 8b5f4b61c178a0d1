/** `npm run soak`: one simulated trading week through the real streamer, over a change of the clocks. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type ImageRuntime, imageRuntime } from '../helpers/streamer-image.ts';
import { bundleStreamer } from './bundle.ts';
import { asText, reportOn } from './report.ts';
import { type Measurement, soak } from './soak.ts';
import { type ClockChange, clockChanges, planWeek } from './week.ts';
import { weekTape } from './week-tape.ts';

interface Options {
  readonly change: ClockChange;
  readonly days: number;
  readonly speed: number;
  readonly symbols: string[];
  readonly ticksPerMinute: number;
  readonly seed: number;
  readonly short: boolean;
  readonly json: boolean;
  readonly asDeployed: boolean;
  readonly nodeOptions?: string;
  readonly keep?: string;
}

const EXIT = { good: 0, wrong: 1, badInput: 2, interrupted: 130 } as const;
const MINUTE_MS = 60_000;

const command = new Command('soak')
  .description(
    'A trading week through the real streamer, on simulated time: resets, login, change of the clocks. See docs/soak.md.',
  )
  .addOption(
    new Option('--change <season>', 'which change of the clocks')
      .choices(Object.keys(clockChanges))
      .default('autumn'),
  )
  .option('--days <n>', 'trading days after the Sunday; more than 5 are a second week', whole(1, 10), 5)
  .option(
    '--speed <n>',
    'simulated seconds a second at the most; max is as fast as it goes',
    speed,
    Number.POSITIVE_INFINITY,
  )
  .option('--symbols <list>', 'ES, NQ, GC, CL; any other is a stock', list, ['ES', 'GC', 'CL', 'AAPL'])
  .option('--ticks-per-minute <n>', 'trades of each symbol, on average', whole(1, 1_000), 20)
  .option('--seed <n>', 'of prices, resets and orders', whole(0, 4_294_967_295), 1)
  .option(
    '--short',
    'one night of a market that never closes: a reset, the login, the change of the clocks',
    false,
  )
  .option('--as-deployed', 'lease and heartbeat as often as deployed: half as long again', false)
  .option('--node-options <text>', "instead of the image's, for example --max-semi-space-size=2")
  .option('--json', 'one line of JSON instead of text', false)
  .option('--keep <folder>', "keep the streamer's log and outbox there")
  .addHelpText(
    'after',
    '\nExit codes: 0 all is accounted for, 1 something is wrong, 2 bad input, 130 interrupted.',
  )
  .exitOverride();

process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = command.parse().opts<Options>();
  } catch (error) {
    return (error as { exitCode?: number }).exitCode === 0 ? EXIT.good : EXIT.badInput;
  }
  const folder = options.keep ?? mkdtempSync(join(tmpdir(), 'evenkeel-soak-'));
  mkdirSync(folder, { recursive: true });
  // Orders and fills of an earlier run in this folder have the same ids as those of this one.
  for (const file of ['streamer.db', 'streamer.db-wal', 'streamer.db-shm', 'streamer.log'])
    rmSync(join(folder, file), { force: true });
  const abort = new AbortController();
  const onSignal = () => abort.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await run(options, folder, abort.signal);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.stderr.write('Interrupted: nothing is judged.\n');
    return EXIT.interrupted;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    if (options.keep === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function runtimeBy({ nodeOptions }: Options): ImageRuntime {
  const image = imageRuntime();
  return nodeOptions === undefined
    ? image
    : { ...image, nodeOptions: nodeOptions.split(/\s+/).filter(Boolean) };
}

async function run(options: Options, folder: string, signal: AbortSignal): Promise<number> {
  const { change, days, symbols, seed, ticksPerMinute, short, json } = options;
  const week = planWeek({
    change,
    days: short ? 0 : days,
    symbols: short ? ['ROUND'] : symbols,
    seed,
    nightOnly: short,
  });
  const say = (text: string) => process.stderr.write(`${text}\n`);
  say(
    `Making the tape: ${week.markets.map(({ localSymbol }) => localSymbol).join(', ')}, ${new Date(week.startMs).toISOString()} to ${new Date(week.endMs).toISOString()}`,
  );
  const tape = await weekTape(week, { seed, ticksPerMinute, folder });
  signal.throwIfAborted();
  const result = await soak({
    bundles: await bundleStreamer(folder),
    runtime: runtimeBy(options),
    week,
    tape,
    folder,
    speed: options.speed,
    measureEveryMs: 60 * MINUTE_MS,
    calm: !options.asDeployed,
    signal,
    onMeasured: (measurement) => say(lineOf(measurement, week.startMs)),
  });
  try {
    if (result.interrupted) {
      say('Interrupted: nothing is judged.');
      return EXIT.interrupted;
    }
    const report = reportOn(week, tape, result);
    process.stdout.write(`${json ? JSON.stringify(report) : asText(report)}\n`);
    return report.problems.length === 0 ? EXIT.good : EXIT.wrong;
  } finally {
    await result.stop();
  }
}

function lineOf(
  { atMs, realSeconds, rss, heapUsed, outboxRows, files }: Measurement,
  startMs: number,
): string {
  const hours = Math.round((atMs - startMs) / 3_600_000);
  const mib = (bytes: number) => (bytes / 1_048_576).toFixed(1);
  return `hour ${String(hours).padStart(3)} ${new Date(atMs).toISOString().slice(0, 16)} ${realSeconds.toFixed(0).padStart(5)} s  RSS ${mib(rss)} MiB, heap ${mib(heapUsed)} MiB, ${files ?? '?'} files, ${outboxRows} rows wait`;
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Allowed: a whole number from ${min} to ${max}.`);
    return value;
  };
}

function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  return whole(1, 1_000_000)(text);
}

function list(text: string): string[] {
  const names = text.split(',').filter((name) => name !== '');
  if (names.length === 0 || names.some((name) => !/^[A-Z]{1,6}$/.test(name)))
    throw new InvalidArgumentError(
      'Allowed: names in capitals, separated by commas, for example ES,GC,AAPL.',
    );
  return [...new Set(names)];
}
