import type { LogLine, LogReader } from '../../lib/ports/log-reader.ts';
import { chosenArgument } from './choices.ts';
import type { Cli } from './cli.ts';
import { exit } from './exit.ts';
import type { Session } from './session.ts';
import { stageNames } from './stage-names.ts';
import { validName } from './valid-names.ts';
import { iso, plain, time, type View } from './view.ts';
import { parseWhen, whenHelp } from './when.ts';

export const logParts = [
  'streamer',
  'gateway',
  'book-keeper',
  'candle-keeper',
  'backup',
  'drill',
  'archive',
  'reconcile',
  'apply-plan',
  'watchdog',
  'alerts',
] as const;
export type LogPart = (typeof logParts)[number];

const lookEveryMs = 2_000;
/** CloudWatch takes in late what was written earlier: each look begins so long before the last entry seen. */
const overlapMs = 10_000;

/** Group and streams of a part. Streamer and gateway are two containers of one task. */
export function logPlace(
  part: LogPart,
  stage: string,
  streamer: string,
): { group: string; streamPrefix?: string } {
  const { logGroup } = stageNames(stage);
  if (part === 'streamer' || part === 'gateway') {
    return { group: logGroup(`streamer-${streamer}`), streamPrefix: part };
  }
  return { group: logGroup(part) };
}

/**
 * The entries of a log from a moment on, each once. With `follow` it goes on until `stopped`.
 *
 * @param wait between two looks
 */
export async function* readLog(
  reader: LogReader,
  place: { readonly group: string; readonly streamPrefix?: string },
  fromMs: number,
  follow?: { readonly stopped: () => boolean; readonly wait: () => Promise<void> },
): AsyncGenerator<LogLine, void, undefined> {
  let from = fromMs;
  let newestMs = fromMs;
  let seen = new Map<string, number>();
  for (;;) {
    for await (const line of reader.lines({ ...place, fromMs: from })) {
      const key = `${line.stream} ${line.id}`;
      if (seen.has(key)) continue;
      seen.set(key, line.atMs);
      newestMs = Math.max(newestMs, line.atMs);
      yield line;
    }
    if (!follow || follow.stopped()) return;
    await follow.wait();
    if (follow.stopped()) return;
    from = Math.max(fromMs, newestMs - overlapMs);
    // What lies before the next look cannot come again.
    seen = new Map([...seen].filter(([, atMs]) => atMs >= from));
  }
}

const levels: Readonly<Record<string, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** One line for a person: time, level, message, and the other fields of an entry that is JSON. */
export function showLine({ atMs, message }: LogLine, view: View): string {
  const { colours } = view;
  const entry = asObject(message);
  if (entry === undefined) return `${colours.dim(time(view, atMs))} ${plain(message)}`;
  const { level, msg, message: text, time: _, timestamp: __, ...fields } = entry;
  const word = levels[String(level)] ?? String(level ?? '').toLowerCase();
  const paint =
    word === 'error' || word === 'fatal' ? colours.red : word === 'warn' ? colours.yellow : colours.green;
  const rest = Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  return `${colours.dim(time(view, atMs))} ${paint(word.padEnd(5))} ${plain(String(msg ?? text ?? ''))}${
    rest === '' ? '' : ` ${colours.dim(plain(rest))}`
  }`;
}

/** Embedded metric format: figures for CloudWatch's metrics, which `--metrics` shows; nobody reads them in a log. */
function isMetrics(message: string): boolean {
  return Object.hasOwn(asObject(message) ?? {}, '_aws');
}

function asObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

interface LogOptions {
  readonly args: readonly [LogPart];
  readonly follow?: boolean;
  readonly since?: string;
  readonly metrics?: boolean;
}

export function addLogs({ program, run }: Cli): void {
  program
    .command('logs')
    .description('what a part has logged; with --json one entry a line')
    .addArgument(
      chosenArgument('[part]', 'whose log', logParts, (part) => validName('part', part, logParts)).default(
        'streamer',
      ),
    )
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .option('--since <time>', `${whenHelp} (default: 15m)`)
    .option('--metrics', 'also the lines that are figures for CloudWatch (EMF)')
    .action(run<LogOptions>((session, options) => writeLog(session, options)));
}

async function writeLog(
  session: Session,
  { args: [part], follow, since = '15m', metrics = false }: LogOptions,
) {
  const { stage, streamer, ports, io, json, view } = session;
  const fromMs = parseWhen(since, io.nowMs(), view.timeZone);
  const place = logPlace(part, stage, streamer.name);
  const following = { stopped: () => io.signal.aborted, wait: () => io.sleep(lookEveryMs) };
  let lines = 0;
  for await (const line of readLog(ports.logs, place, fromMs, follow ? following : undefined)) {
    if (!metrics && isMetrics(line.message)) continue;
    lines += 1;
    const { stream, id, message } = line;
    const entry = asObject(message) ?? message;
    io.out.write(
      `${json ? JSON.stringify({ at: iso(line.atMs), stream, id, entry }) : showLine(line, view)}\n`,
    );
  }
  if (lines === 0 && !json && !io.signal.aborted)
    io.err.write(`The ${part} has logged nothing since ${time(view, fromMs)}.\n`);
  return exit.ok;
}
