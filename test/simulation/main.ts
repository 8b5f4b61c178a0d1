/**
 * `npm run simulate`: the whole system in one process, under every fault at once, from seeds. What breaks an invariant is
 * printed as the shortest history that breaks it, and runs again the same way.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import './world/sync-zlib.ts';
import { optionProblem } from '../helpers/option-slip.ts';
import { invariants } from './invariants/names.ts';
import { simulateAll, WorkerLostError } from './pool.ts';
import { shrink } from './shrink.ts';
import type { SimulationResult } from './simulate.ts';
import type { Told } from './worker.ts';

const usage = `Usage: npm run simulate -- [options]

Simulates streamers, broker, queues, tables, functions and operators in one process, with crashes, lost answers,
redeliveries, wrong clocks and overlapping streamers, and checks the rules that never bend at every step.

Options
  --seeds N          seeds to run (default 1000)
  --first N          the first of them (default 1)
  --seed N           one seed, with its history
  --steps M          steps until the world is healed and must come to rest (default 2000)
  --only LIST        carry out these actions alone, by number: 3,7,12-15
  --workers N        processes (default: one for each core)
  --stop-at-first    end at the first seed that fails
  --no-shrink        print the history of a failure as it is
  --mutants          apply known bugs to the code, one after the other, and show that each is found
  --json             one JSON object on standard output
  --invariants       list what is checked
  --help             show this

Exit code: 0 when nothing is broken, 1 when an invariant is, 2 for bad options, 130 after Ctrl-C.
`;

const exitBroken = 1;
const exitOptions = 2;
const exitInterrupted = 130;

class OptionError extends Error {
  override readonly name = 'OptionError';
}

interface Options {
  readonly seeds: number;
  readonly first: number;
  readonly steps: number;
  readonly workers: number;
  readonly only: ReadonlySet<number> | undefined;
  readonly isOne: boolean;
  readonly stopsAtFirst: boolean;
  readonly shrinks: boolean;
  readonly json: boolean;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--mutants')) {
    const { runMutants } = await import('./mutants/run.ts');
    return runMutants(args.filter((arg) => arg !== '--mutants'));
  }
  const { values } = read(args);
  if (values.help === true) return print(usage);
  if (values.invariants === true)
    return print(
      `${Object.entries(invariants)
        .map(([name, what]) => `${name.padEnd(18)} ${what}`)
        .join('\n')}\n`,
    );
  const options = optionsOf(values);
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  return options.isOne ? one(options) : many(options, interrupted.signal);
}

const knownOptions = {
  seeds: { type: 'string', default: '1000' },
  first: { type: 'string', default: '1' },
  seed: { type: 'string' },
  steps: { type: 'string', default: '2000' },
  only: { type: 'string' },
  workers: { type: 'string', default: String(availableParallelism()) },
  'stop-at-first': { type: 'boolean', default: false },
  'no-shrink': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  invariants: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: knownOptions });
  } catch (error) {
    throw new OptionError(optionProblem(error as Error, [...Object.keys(knownOptions), 'mutants']));
  }
}

function optionsOf(values: ReturnType<typeof read>['values']): Options {
  const whole = (name: string, text: string, most: number): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > most)
      throw new OptionError(`--${name} is ${JSON.stringify(text)}; give a whole number from 1 to ${most}.`);
    return value;
  };
  return {
    seeds: values.seed === undefined ? whole('seeds', values.seeds, 10_000_000) : 1,
    first: whole(values.seed === undefined ? 'first' : 'seed', values.seed ?? values.first, 2_000_000_000),
    steps: whole('steps', values.steps, 10_000_000),
    workers: whole('workers', values.workers, 64),
    only: values.only === undefined ? undefined : numbersOf(values.only),
    isOne: values.seed !== undefined,
    stopsAtFirst: values['stop-at-first'],
    shrinks: !values['no-shrink'],
    json: values.json,
  };
}

function numbersOf(text: string): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const [, from, to = from] = /^\s*(\d{1,6})(?:-(\d{1,6}))?\s*$/.exec(part) ?? [];
    if (from === undefined || Number(to) < Number(from))
      throw new OptionError(
        `--only is ${JSON.stringify(text)}; give numbers of actions, for example 3,7,12-15.`,
      );
    for (let number = Number(from); number <= Number(to); number += 1) numbers.add(number);
  }
  return numbers;
}

/** One seed, in this process: its whole history. */
async function one({ first: seed, steps, only, shrinks, json }: Options): Promise<number> {
  const { simulate } = await import('./simulate.ts');
  const again = (kept: ReadonlySet<number> | undefined) =>
    simulate({ seed, steps, ...(kept === undefined ? {} : { only: kept }) });
  const result = await again(only);
  if (json)
    return printJson([result], 1, steps, result.steps, performance.now(), result.violations.length === 0);
  if (result.violations.length === 0 || !shrinks) {
    print(`${result.trace.join('\n')}\n\n${wordsOf(result, steps)}`);
    return result.violations.length === 0 ? 0 : exitBroken;
  }
  return printShrunk(result, steps, again);
}

async function many(options: Options, signal: AbortSignal): Promise<number> {
  const { seeds, first, steps, workers, stopsAtFirst, shrinks, json } = options;
  const beganMs = performance.now();
  const failed: Told[] = [];
  const sums = new Map<string, number>();
  let done = 0;
  let allSteps = 0;
  const isTerminal = process.stderr.isTTY && !json;
  await simulateAll(
    seedsOf(options),
    Math.min(workers, seeds),
    (result) => {
      done += 1;
      allSteps += result.steps;
      for (const [name, value] of Object.entries(result.figures))
        sums.set(name, (sums.get(name) ?? 0) + value);
      if (result.violations.length > 0) failed.push(result);
      if (isTerminal) process.stderr.write(`\r${done} of ${seeds} seeds, ${failed.length} broken `);
      return !stopsAtFirst || failed.length === 0;
    },
    signal,
  );
  if (isTerminal) process.stderr.write('\r\x1b[K');
  const seconds = (performance.now() - beganMs) / 1_000;
  if (json) return printJson(failed, done, steps, allSteps, beganMs, failed.length === 0);
  print(
    `${done} seeds of ${steps} steps from ${first}, ${allSteps} steps in all, ${seconds.toFixed(1)} s with ${workers} workers.\n` +
      `${[...sums].map(([name, value]) => `${value} ${name}`).join(', ')}.\n`,
  );
  if (signal.aborted) return exitInterrupted;
  if (failed.length === 0) return print('Nothing was broken.\n');
  print(`${failed.length} seeds are broken: ${failed.map(({ seed }) => seed).join(', ')}.\n`);
  const [worst] = failed.toSorted((a, b) => a.actions.length - b.actions.length);
  if (worst === undefined) return exitBroken;
  if (!shrinks) return print(wordsOf(worst, steps)) || exitBroken;
  const { simulate } = await import('./simulate.ts');
  const whole = { ...worst, trace: worst.trace ?? [] };
  return printShrunk(whole, steps, (only) => simulate({ seed: worst.seed, steps, ...(only && { only }) }));
}

function* seedsOf({ seeds, first, steps, only }: Options) {
  for (let seed = first; seed < first + seeds; seed += 1)
    yield { seed, steps, ...(only === undefined ? {} : { only: [...only] }) };
}

async function printShrunk(
  failed: SimulationResult,
  steps: number,
  again: (only: ReadonlySet<number>) => Promise<SimulationResult>,
): Promise<number> {
  const { result, kept, runs } = await shrink(failed, again);
  print(
    `The shortest history of seed ${result.seed} (${failed.actions.length} actions shrunk to ${kept.length} in ${runs} runs):\n` +
      `${result.trace.join('\n')}\n\n${wordsOf(result, steps, kept)}`,
  );
  return exitBroken;
}

function wordsOf(
  { seed, violations, steps: all, simulatedMs, actions, figures }: Omit<SimulationResult, 'trace'>,
  steps: number,
  kept?: readonly number[],
): string {
  const minutes = (simulatedMs / 60_000).toFixed(1);
  const lines = [
    `Seed ${seed}: ${all} steps, ${minutes} simulated minutes, ${actions.length} actions; ${Object.entries(
      figures,
    )
      .map(([name, value]) => `${value} ${name}`)
      .join(', ')}.`,
    ...violations.map(
      ({ invariant, message, step }) =>
        `BROKEN at step ${step}: ${invariant} (${invariants[invariant]}): ${message}`,
    ),
  ];
  if (violations.length > 0)
    lines.push(
      `Again: npm run simulate -- --seed ${seed} --steps ${steps}${kept === undefined ? '' : ` --only ${kept.length === 0 ? '999999' : kept.join(',')}`}`,
    );
  return `${lines.join('\n')}\n`;
}

function printJson(
  failed: readonly Pick<Told, 'seed' | 'violations'>[],
  seeds: number,
  steps: number,
  allSteps: number,
  beganMs: number,
  clean: boolean,
): number {
  const violations = failed.flatMap(({ seed, violations: own }) => own.map((one) => ({ seed, ...one })));
  const elapsedMs = Math.round(performance.now() - beganMs);
  print(`${JSON.stringify({ clean, seeds, steps, allSteps, elapsedMs, violations })}\n`);
  return clean ? 0 : exitBroken;
}

function print(text: string): 0 {
  process.stdout.write(text);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof OptionError || error instanceof WorkerLostError)) throw error;
  process.stderr.write(
    `${error.message}${error instanceof OptionError ? '\nSee npm run simulate -- --help.' : ''}\n`,
  );
  process.exitCode = error instanceof OptionError ? exitOptions : exitBroken;
}
