/** The mutation mode of the simulation: every known bug in a copy of the tree, and which invariant finds it at which seed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, ScratchTree } from '../../mutation/scratch-tree.ts';
import { simulationMutants } from './list.ts';
import { mutated, type SimulationMutant } from './mutant.ts';
import { byId, isFound, jsonText, pageText, type Tried, tableText } from './report.ts';
import { type Outcome, type TrialOptions, trial } from './trial.ts';

const usage = `Usage: npm run simulate -- --mutants [options]

Options
  --only M07[,M08]  these mutants, by id
  --workers N       at the same time, each with a copy of the tree (default 2)
  --seeds N         of each mutant at most (default 200)
  --first S         the first of them (default 1)
  --steps M         of each seed (default 4000)
  --limit SECONDS   of each mutant (default 600)
  --json            one JSON object on standard output
  --write           write docs/simulation-mutants.md, when all are found
  --help            show this

Exit code: 1 when one is not found, or by no invariant that the list names for it; 2 for options that are wrong.
`;

const page = 'docs/simulation-mutants.md';
const interrupted = 130;

interface Settings extends TrialOptions {
  readonly chosen: readonly SimulationMutant[];
  readonly workers: number;
  readonly json: boolean;
  readonly write: boolean;
}

/** @param args of the command line, with or without `--mutants` */
export async function runMutants(args: readonly string[]): Promise<number> {
  let settings: Settings | undefined;
  try {
    settings = settingsOf(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (settings === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    return await tryAll(settings, abort.signal);
  } catch (error) {
    if (abort.signal.aborted) return interrupted;
    throw error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}

function settingsOf(args: readonly string[]): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mutants: { type: 'boolean' },
      only: { type: 'string' },
      workers: { type: 'string', default: '2' },
      seeds: { type: 'string', default: '200' },
      first: { type: 'string', default: '1' },
      steps: { type: 'string', default: '4000' },
      limit: { type: 'string', default: '600' },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const wanted = values.only?.split(',').map((id) => id.trim());
  const unknown = wanted?.filter((id) => !simulationMutants.some((mutant) => mutant.id === id)) ?? [];
  if (unknown.length > 0) throw new Error(`There is no mutant ${unknown.join(', ')}.`);
  return {
    chosen: simulationMutants.filter(({ id }) => wanted?.includes(id) ?? true),
    workers: count('workers', values.workers),
    seeds: count('seeds', values.seeds),
    firstSeed: count('first', values.first),
    steps: count('steps', values.steps),
    limitSeconds: count('limit', values.limit),
    json: values.json,
    // A part of the list is no page.
    write: values.write && wanted === undefined,
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} takes a whole number above 0, and not ${text}.`);
}

async function tryAll(settings: Settings, signal: AbortSignal): Promise<number> {
  const { chosen, workers, seeds, json, write } = settings;
  const trees: ScratchTree[] = [];
  const tried: Tried[] = [];
  const underWay = new Set<string>();
  const progress = new ProgressLine();
  const tell = (): void =>
    progress.show(
      `${tried.length} of ${chosen.length} tried, ${tried.filter(isFound).length} found; ${[...underWay].join(', ')}`,
    );
  try {
    // The copies are small, and the sources must not change while they are made.
    for (let made = 0; made < Math.min(workers, chosen.length); made += 1) trees.push(new ScratchTree());
    progress.show('without a mutant');
    await control(trees[0], settings, signal);
    const queue = [...chosen];
    const work = async (tree: ScratchTree): Promise<void> => {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const present = mutant;
        underWay.add(present.id);
        tell();
        const change = (source: string): string => mutated(present, source);
        const outcome = await tree.with(present.file, change, () => trial(tree.folder, settings, signal));
        underWay.delete(present.id);
        tried.push({ mutant: present, outcome });
        tell();
      }
    };
    const results = await Promise.allSettled(trees.map(work));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  } finally {
    progress.clear();
    for (const tree of trees) tree.remove();
  }
  tried.sort(byId);
  const missed = tried.filter((one) => !isFound(one));
  process.stdout.write(json ? jsonText(tried, seeds) : tableText(tried));
  for (const { mutant, outcome } of missed)
    process.stderr.write(`${mutant.id} ${mutant.file}: ${shortOf(outcome)}\n`);
  process.stderr.write(`${tried.length - missed.length} of ${tried.length} found\n`);
  if (missed.length > 0) return 1;
  if (write) writeFileSync(join(root, page), pageText(tried, seeds));
  return 0;
}

/** Without a mutant nothing may be found: else every mutant would seem to be. */
async function control(
  tree: ScratchTree | undefined,
  options: TrialOptions,
  signal: AbortSignal,
): Promise<void> {
  if (tree === undefined) return;
  const outcome = await trial(tree.folder, { ...options, limitSeconds: options.limitSeconds * 4 }, signal);
  if (outcome.is === 'clean') return;
  throw new Error(`The simulation is not clean without any mutant: ${shortOf(outcome)}`);
}

function shortOf(outcome: Outcome): string {
  switch (outcome.is) {
    case 'found': {
      const { invariant, seed, step, message } = outcome.violation;
      return `${invariant} at seed ${seed}, step ${step}: ${message}`;
    }
    case 'clean':
      return 'all seeds are clean';
    case 'late':
      return `nothing in ${outcome.seconds} s`;
    case 'broken':
      return outcome.why;
  }
}

/** One line that is written over, where somebody looks. */
class ProgressLine {
  readonly #isSeen = process.stderr.isTTY === true;

  show(text: string): void {
    if (this.#isSeen) process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
  }

  clear(): void {
    if (this.#isSeen) process.stderr.write('\r\u001b[K');
  }
}
