/**
 * Mutation testing of the reconcile engine: small mistakes are made in it one by one, and the engine's tests have to notice.
 * What they do not notice is a hole in the tests, or no mistake at all; `survivors.md` says which.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { instrument, type Mutant } from './mutators.ts';
import { described, percent, report, shareOf, type Tried } from './report.ts';
import type { Ask, Baseline, Told, WorkerData } from './worker.ts';

const usage = `Usage: node --import ./bin/require-node-24.mjs test/mutation/main.ts [files] [options]

Files: names of lib/domain/reconcile without their ending (default: all).

Options
  --sample N     so many mutants, chosen by the seed (default: all)
  --minutes N    stop after that time (default 30)
  --seed N       which ones, and in which order (default 1)
  --runs N       cases of each property test (default 40)
  --workers N    at the same time (default 1)
  --only N[,N]   these mutants by number
  --json         one JSON object on standard output
  --markdown     the list of survivors on standard output, with the reasons that survivors.md has for them
  --help         show this

Leave the engine and its tests as they are meanwhile: a worker that has to start again loads the tests anew.
Exit code: 1 when fewer than 87 % are killed.
`;

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = 'lib/domain/reconcile';
/** The tests of the engine alone: what runs it is slower, and has tests of its own. */
const testFiles = [
  ...['c1-orders', 'c2-reconcile', 'c3-positions', 'c4-plan', 'c5-continuous'].map(
    (name) => `test/scenarios/${name}.test.ts`,
  ),
  ...readdirSync(join(root, 'test/unit/reconcile'))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/unit/reconcile/${name}`)
    .filter((file) => !/lib\/(reconcile|ports)\//.test(readFileSync(join(root, file), 'utf8'))),
];
/** Types alone, or the program that only reads and writes records. */
const left = new Set(['types.ts', 'context.ts']);
const killedShareMin = 0.87;
const endless = 'it does not come to an end';
/** Properties that count how often they say something need all their cases. */
const brokenMax = 2;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sample: { type: 'string' },
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '40' },
      workers: { type: 'string', default: '1' },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { code, mutants } = instrumented(positionals);
  const only = values.only?.split(',').map(Number);
  const wanted = only
    ? mutants.filter(({ id }) => only.includes(id))
    : shuffled(mutants, Number(values.seed));
  const chosen = wanted.slice(0, values.sample === undefined ? wanted.length : Number(values.sample));
  const data: WorkerData = {
    code,
    tests: testFiles.map((file) => join(root, file)),
    atLoad: 0,
    propertyRuns: Number(values.runs),
  };
  const baseline = await baselineOf(data);
  const slowestMs = Math.max(...baseline.map(({ ms }) => ms));
  const totalMs = baseline.reduce((sum, { ms }) => sum + ms, 0);
  say(
    `${mutants.length} mutants, ${chosen.length} chosen (seed ${values.seed}); ${baseline.length} tests in ${(totalMs / 1_000).toFixed(1)} s`,
  );
  const deadlineMs = performance.now() + Number(values.minutes) * 60_000;
  const queue = [...chosen];
  const tried: Tried[] = [];
  const limitMs = 20_000 + 5 * slowestMs + 2 * totalMs;
  const work = async () => {
    const bench = new Bench(data, limitMs);
    for (;;) {
      const mutant = performance.now() < deadlineMs ? queue.shift() : undefined;
      if (mutant === undefined) break;
      const killedBy = await bench.try(mutant, baseline);
      tried.push({ mutant, killedBy });
      if (killedBy === '') say(`survived ${described(mutant)}`);
      // On a machine that is busy this may say nothing of the tests: such a one is worth a look of its own.
      if (killedBy === endless) say(`${endless}: ${described(mutant)}`);
      if (tried.length % 100 === 0) say(`${tried.length} tried, ${percent(tried)} killed`);
    }
    await bench.close();
  };
  await Promise.all(Array.from({ length: Number(values.workers) }, work));
  const form = values.json ? 'json' : values.markdown ? 'markdown' : 'text';
  report(tried, baseline, form, `${mutants.length} mutants, seed ${values.seed}`);
  return shareOf(tried) < killedShareMin ? 1 : 0;
}

function instrumented(names: readonly string[]) {
  const code = new Map<string, string>();
  const mutants: Mutant[] = [];
  for (const name of readdirSync(join(root, folder)).sort()) {
    if (left.has(name) || (names.length > 0 && !names.includes(name.replace(/\.ts$/, '')))) continue;
    const path = join(root, folder, name);
    const made = instrument(`${folder}/${name}`, readFileSync(path, 'utf8'), mutants.length + 1);
    mutants.push(...made.mutants);
    code.set(pathToFileURL(path).href, made.code);
  }
  return { code, mutants };
}

async function baselineOf(data: WorkerData): Promise<readonly Baseline[]> {
  const worker = await started(data);
  const told = await answer(worker, { do: 'baseline' }, 600_000);
  const tests = told?.said === 'baseline' ? told.all.filter(({ failure }) => failure === '') : [];
  // A second time, as every mutant has them: whatever the first has left must not make them fail.
  const again = await answer(
    worker,
    { do: 'try', mutant: 0, tests: tests.map(({ index }) => index) },
    600_000,
  );
  await worker.terminate();
  if (again?.said === 'tried' && again.killedBy !== '') {
    throw new Error(`Without any mutant, when it is run again: ${again.killedBy}`);
  }
  if (told?.said !== 'baseline') throw new Error('The unchanged program does not come to an end.');
  const broken = told.all.filter(({ failure }) => failure !== '');
  const words = broken.map(({ title, failure }) => `${title}: ${failure}`).join('\n');
  if (broken.length > brokenMax) throw new Error(`Tests fail without any mutant:\n${words}`);
  if (broken.length > 0) say(`left out, as they need more cases: ${words}`);
  return told.all.filter(({ failure }) => failure === '');
}

/** A worker, and a new one whenever a mutant has brought it down or into an endless loop. */
class Bench {
  readonly #data: WorkerData;
  readonly #limitMs: number;
  #worker: Worker | undefined;

  constructor(data: WorkerData, limitMs: number) {
    this.#data = data;
    this.#limitMs = limitMs;
  }

  async try({ id, atLoad }: Mutant, baseline: readonly Baseline[]): Promise<string> {
    if (atLoad) await this.close();
    const tests = baseline
      .filter(({ reached }) => atLoad || reached.includes(id))
      .sort((a, b) => a.ms - b.ms)
      .map(({ index }) => index);
    if (tests.length === 0) return '';
    this.#worker ??= await started({ ...this.#data, atLoad: atLoad ? id : 0 }).catch(() => undefined);
    if (this.#worker === undefined) return 'it cannot be loaded';
    const told = await answer(this.#worker, { do: 'try', mutant: id, tests }, this.#limitMs);
    if (told === undefined || atLoad) await this.close();
    if (told === undefined) return endless;
    return told.said === 'tried' ? told.killedBy : '';
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }
}

async function started(data: WorkerData): Promise<Worker> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: data,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 1_024 },
  });
  worker.on('error', (error) => say(`worker: ${error.message}`));
  if ((await next(worker, 60_000))?.said !== 'ready') {
    await worker.terminate();
    throw new Error('A worker does not start.');
  }
  return worker;
}

function answer(worker: Worker, ask: Ask, limitMs: number): Promise<Told | undefined> {
  const told = next(worker, limitMs);
  worker.postMessage(ask);
  return told;
}

/** What the worker says next; undefined where it ends or says nothing in time. */
function next(worker: Worker, limitMs: number): Promise<Told | undefined> {
  return new Promise((resolve) => {
    const done = (told: Told | undefined) => {
      clearTimeout(timer);
      worker.off('message', done);
      worker.off('exit', gone);
      resolve(told);
    };
    const gone = () => done(undefined);
    const timer = setTimeout(gone, limitMs);
    worker.on('message', done);
    worker.on('exit', gone);
  });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Mulberry32, and Fisher and Yates. */
function shuffled<T>(all: readonly T[], seed: number): T[] {
  let state = seed | 0;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const result = [...all];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

process.exitCode = await main();
