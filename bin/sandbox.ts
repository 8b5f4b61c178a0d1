import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { environmentWithDotenv } from '../config/dotenv.ts';
import { loadConfig } from '../config/load.ts';
import { CloudError } from '../sandbox/cloud/errors.ts';
import { type Desk, DeskError, type StreamerStats, startDesk } from '../sandbox/desk/desk.ts';
import { count, createView } from '../sandbox/desk/view.ts';

/** `npm run sandbox`: the whole system on one machine, and a view of what happens in it. */
interface Options {
  readonly tape?: string;
  readonly seed: number;
  readonly speed: string;
  readonly for?: number;
  readonly untilTapeEnds: boolean;
  readonly json: boolean;
  readonly gateway?: { readonly host: string; readonly port: number };
  readonly symbols?: readonly string[];
  readonly data?: string;
  readonly script?: string;
  readonly fresh: boolean;
}

/** The last line with `--json`. Counts are of this run, but for `candlesStored`, which is what the table holds. */
interface Summary {
  /** Trades and quotes taken in. */
  readonly ticks: number;
  readonly trades: number;
  readonly quotes: number;
  readonly candles: number;
  readonly corrections: number;
  readonly gaps: number;
  readonly eventsPublished: number;
  /** Candles in the table at the end, and how many of them this run added. */
  readonly candlesStored: number;
  readonly candlesNew: number;
  readonly dropped: number;
  readonly outboxDepth: number;
  readonly seconds: number;
  /** Milliseconds from the start to the first candle seen in the table; null when none came. */
  readonly firstCandleMs: number | null;
}

const LOOK_EVERY_MS = 250;

const command = new Command('sandbox')
  .description(
    'Runs the whole system on this machine: simulated gateway, local cloud, streamer and Lambdas. Needs nothing but Node and npm.',
  )
  .option('--tape <file>', 'play this tape (CSV, plain or gzip) instead of a generated one')
  .option('--seed <n>', 'seed of the generated tape', wholeNumber, 1)
  .option('--speed <speed>', '1 is real time, N is N times as fast, max as fast as it goes', speed, '60')
  .option('--for <duration>', 'stop after this long: 30s, 5m, 2h', duration)
  .option('--until-tape-ends', 'stop when the tape has ended and everything has arrived', false)
  .addOption(
    new Option('--gateway <host:port>', 'a real IB Gateway or TWS instead of the simulated one')
      .argParser(hostPort)
      // What plays a tape means nothing to a real gateway, and is refused rather than ignored.
      .conflicts(['tape', 'seed', 'speed', 'script', 'untilTapeEnds']),
  )
  .option('--symbols <list>', 'what to subscribe to, comma separated (default: what the tape holds)', list)
  .option('--script <file>', 'timeline of faults for the simulated gateway (docs/gateway.md)')
  .option(
    '--data <dir>',
    'where data lives (default: .evenkeel/sandbox, with a real gateway .evenkeel/gateway)',
  )
  .option('--fresh', 'start with empty data: deletes what earlier runs left in the data folder', false)
  .option('--json', 'write a summary as the last line, as JSON', false)
  .addHelpText(
    'after',
    `
Examples
  npm run sandbox
  npm run sandbox -- --tape day.csv.gz --speed max --until-tape-ends --json
  npm run sandbox -- --gateway 127.0.0.1:4002 --symbols ES,AAPL`,
  )
  // As everywhere: 2 is for wrong input.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

async function main(): Promise<number> {
  const startedAtMs = Date.now();
  const options = command.parse().opts<Options>();
  const env = environmentWithDotenv();
  const { displayTimeZone } = loadConfig({ env, stage: 'sandbox' });
  // With --json only the summary goes to standard output.
  const view = createView(options.json ? process.stderr : process.stdout, displayTimeZone);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

  view.say(`Evenkeel sandbox: ${title(options)}`);
  const desk = await startDesk({
    tape: options.tape,
    seed: options.seed,
    speed: options.speed,
    gateway: options.gateway,
    // A tape says itself what it holds; a real gateway is asked for what is configured.
    symbols: options.symbols ?? (options.gateway && env.SYMBOLS ? list(env.SYMBOLS) : undefined),
    script: options.script,
    dataDir: options.data ?? (options.gateway ? '.evenkeel/gateway' : '.evenkeel/sandbox'),
    fresh: options.fresh,
    streamerEnv: passedOn(env),
  });
  const candlesBefore = (await desk.candles()).length;
  view.say(
    `Up after ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s. Local cloud: ${desk.cloud.endpoint}, data in ${desk.dataDir}`,
  );
  const watch = { firstCandleMs: null as number | null };
  const failure = await watchUntilDone(desk, options, view, interrupted.signal, startedAtMs, watch);
  view.done();
  view.say('Stopping ...');
  // Read before the cloud stops, but after the streamer has given its last candles.
  await desk.rest((text) => view.say(text));
  const candlesStored = (await desk.candles()).length;
  const stats = await desk.stop();
  if (failure) throw failure;
  const summary = summarise(stats, candlesStored, candlesBefore, startedAtMs, watch.firstCandleMs);
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else tell(summary);
  return 0;
}

async function watchUntilDone(
  desk: Desk,
  options: Options,
  view: ReturnType<typeof createView>,
  interrupted: AbortSignal,
  startedAtMs: number,
  watch: { firstCandleMs: number | null },
): Promise<DeskError | undefined> {
  let failure: DeskError | undefined;
  void desk.failed.then((error) => {
    failure = error;
  });
  const endMs = options.for === undefined ? Number.POSITIVE_INFINITY : startedAtMs + options.for;
  while (!interrupted.aborted && !failure && Date.now() < endMs) {
    const [streamer, gateway, broker] = await Promise.all([
      desk.streamerStats(),
      desk.gatewayStatus(),
      desk.gateway && desk.broker().catch(() => undefined),
    ]);
    const cloud = desk.cloud.stats();
    if (watch.firstCandleMs === null && cloud.invocations.ok > 0 && (await desk.candles()).length > 0) {
      watch.firstCandleMs = Date.now() - startedAtMs;
      view.say(`First candle in the table after ${(watch.firstCandleMs / 1000).toFixed(1)} s.`);
    }
    view.show({ atMs: Date.now(), streamer, gateway, broker, cloud });
    if (options.untilTapeEnds && (await desk.settled())) break;
    await sleep(LOOK_EVERY_MS, undefined, { signal: interrupted }).catch(() => undefined);
  }
  return failure;
}

function summarise(
  stats: StreamerStats | undefined,
  candlesStored: number,
  candlesBefore: number,
  startedAtMs: number,
  firstCandleMs: number | null,
): Summary {
  const sum = (read: (line: StreamerStats['marketData']['lines'][number]) => number): number =>
    stats?.marketData.lines.reduce((total, line) => total + read(line), 0) ?? 0;
  const buffer = stats?.marketData.buffer;
  return {
    ticks: sum((line) => line.trades + line.quotes),
    trades: sum((line) => line.trades),
    quotes: sum((line) => line.quotes),
    candles: stats?.events['candle.completed'] ?? 0,
    corrections: stats?.events['candle.corrected'] ?? 0,
    gaps: stats?.events['gap.detected'] ?? 0,
    eventsPublished: stats?.publisher.published ?? 0,
    candlesStored,
    candlesNew: candlesStored - candlesBefore,
    dropped: (buffer?.droppedQuotes ?? 0) + (buffer?.droppedTrades ?? 0),
    outboxDepth: stats?.outbox.depth ?? 0,
    seconds: Math.round((Date.now() - startedAtMs) / 10) / 100,
    firstCandleMs,
  };
}

function tell(summary: Summary): void {
  const { trades, quotes, candles, corrections, gaps, eventsPublished, candlesNew, candlesStored } = summary;
  process.stdout.write(
    `Ran ${summary.seconds} s: ${count(trades, 'trade')}, ${count(quotes, 'quote')}; ${count(candles, 'candle')}, ${count(corrections, 'correction')}, ${count(gaps, 'gap')}.\n` +
      `${count(eventsPublished, 'event')} published; ${count(candlesNew, 'new candle')} in the table, ${candlesStored.toLocaleString('en')} in all; ${count(summary.dropped, 'tick')} dropped, ${count(summary.outboxDepth, 'event')} left in the outbox.\n`,
  );
}

/** What plays, in a line. */
function title({ gateway, tape, seed, speed }: Options): string {
  if (gateway) return `the IB Gateway at ${gateway.host}:${gateway.port}. Starting cloud and streamer ...`;
  const what = tape ?? `a generated day of gold futures (seed ${seed})`;
  const pace =
    speed === 'max' ? 'as fast as it goes' : speed === '1' ? 'in real time' : `at ${speed} times real time`;
  return `playing ${what} ${pace}. Starting gateway, cloud and streamer ...`;
}

/** Variables of a person's own environment that the streamer understands; where things are, the sandbox says itself. */
function passedOn(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of [
    'IB_CLIENT_ID',
    'IB_ACCOUNT',
    'LOG_LEVEL',
    'DISPLAY_TIME_ZONE',
    'EVENKEEL_CONFIG_DIR',
  ]) {
    const value = env[name];
    if (value) kept[name] = value;
  }
  return kept;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Allowed: a whole number.');
  return Number(text);
}

function speed(text: string): string {
  if (text === 'max' || (/^\d+(\.\d+)?$/.test(text) && Number(text) >= 0.01)) return text;
  throw new InvalidArgumentError('Allowed: max, or a number from 0.01 (1 is real time).');
}

function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text);
  if (!match) throw new InvalidArgumentError('Allowed: a number with s, m or h, for example 30s, 5m, 2h.');
  return Number(match[1]) * { s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 's' | 'm' | 'h'];
}

function hostPort(text: string): { host: string; port: number } {
  const match = /^(.+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('Allowed: host:port, for example 127.0.0.1:4002.');
  }
  return { host: match[1], port };
}

function list(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('')) throw new InvalidArgumentError('Allowed: symbols with commas between them.');
  return parts;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const expected =
      error instanceof DeskError || error instanceof ConfigError || error instanceof CloudError;
    process.stderr.write(`${expected ? error.message : ((error as Error).stack ?? String(error))}\n`);
    process.exit(error instanceof DeskError ? error.exitCode : 1);
  },
);
