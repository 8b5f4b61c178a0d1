/** `npm run chaos`: the whole sandbox as processes, one experiment after the other, each on a sandbox of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generateTape, writeTape } from '../../sandbox/tapes/generate.ts';
import { optionProblem } from '../helpers/option-slip.ts';
import { aggregateTape } from '../helpers/reference-bars.ts';
import { conduct } from './conduct.ts';
import { experiments } from './experiments.ts';
import { Report } from './report.ts';
import { speedStandard, type Tape } from './sandbox.ts';
import type { Experiment } from './trial.ts';

const USAGE = `Usage: npm run chaos [-- options]

Starts the whole sandbox as processes, trades on it, spoils one thing after the other, and looks whether everything is as
it must be afterwards. docs/chaos.md says what each experiment does and what is expected.

Options
  --list           names of the experiments, and what each does
  --only NAMES     these alone, separated by commas; a name may end with *
  --seed N         of orders, tape and everything at once (default 1)
  --minutes N      how long everything at once goes on (default 2)
  --json           one JSON object a line on standard output
  --help           show this

Exit code: 0 when every expectation was met, 1 when one was not, 2 for bad input, 130 after Ctrl-C.
`;

/** Market minutes beyond those of a run: for its start, its end and a slow machine. */
const tapeReserveMinutes = 240;
const experimentMinutes = 6;

const options = {
  list: { type: 'boolean', default: false },
  only: { type: 'string' },
  seed: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '2' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(): Promise<number> {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.list) {
    for (const { name, does } of experiments) process.stdout.write(`${name.padEnd(26)}${does}\n`);
    return 0;
  }
  const seed = numberOf('--seed', values.seed, 1, 2 ** 31);
  const minutes = numberOf('--minutes', values.minutes, 0.1, 240);
  const chosen = choose(values.only);
  // Every process of a sandbox listens for our end.
  process.setMaxListeners(0);
  const abort = new AbortController();
  // The first ends the experiment under way in order; whoever presses again does not want to wait.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => (abort.signal.aborted ? process.exit(130) : abort.abort()));
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-chaos-tape-'));
  const report = new Report(values.json);
  try {
    const tape = await makeTape(folder, seed, minutes);
    for (const experiment of chosen) {
      if (abort.signal.aborted) break;
      const say = report.begin(experiment);
      const outcome = await conduct(experiment, { tape, seed, minutes, say, signal: abort.signal });
      if (!abort.signal.aborted) report.end(outcome);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const exitCode = report.close();
  return abort.signal.aborted ? 130 : exitCode;
}

async function makeTape(folder: string, seed: number, minutes: number): Promise<Tape> {
  const file = join(folder, 'tape.csv');
  const length = Math.ceil((minutes + experimentMinutes) * speedStandard) + tapeReserveMinutes;
  await writeTape(file, generateTape({ seed, minutes: length, ticksPerMinute: 30 }));
  return { file, reference: (await aggregateTape(file)).bars };
}

class InputError extends Error {}

function choose(only: string | undefined): readonly Experiment[] {
  if (only === undefined) return experiments;
  const chosen = only.split(',').flatMap((name) => {
    const found = experiments.filter((one) =>
      name.endsWith('*') ? one.name.startsWith(name.slice(0, -1)) : one.name === name,
    );
    if (found.length === 0)
      throw new InputError(
        `There is no experiment "${name}". \`npm run chaos -- --list\` names all of them.`,
      );
    return found;
  });
  return [...new Set(chosen)];
}

function numberOf(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most))
    throw new InputError(`${option} must be a number from ${least} to ${most}, not "${text}".`);
  return value;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isInput =
    error instanceof InputError ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(
    `${isInput ? optionProblem(error as Error, Object.keys(options)) : ((error as Error).stack ?? String(error))}\n`,
  );
  process.exitCode = isInput ? 2 : 1;
}
process.exit();
