/** Runs the tests with one mutant on, again and again: everything is loaded once. */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { switchName } from './mutators.ts';

export interface WorkerData {
  /** Instrumented code by file URL. */
  readonly code: ReadonlyMap<string, string>;
  readonly tests: readonly string[];
  /** On from the beginning, for what is evaluated at load; 0 for none. */
  readonly atLoad: number;
  readonly propertyRuns: number;
}

/** What a test of the unchanged program took, and which mutants it came by. */
export interface Baseline {
  readonly index: number;
  readonly title: string;
  readonly ms: number;
  readonly reached: readonly number[];
  readonly failure: string;
}

export type Ask =
  | { readonly do: 'baseline' }
  | { readonly do: 'try'; readonly mutant: number; readonly tests: readonly number[] };
export type Told =
  | { readonly said: 'ready' }
  | { readonly said: 'baseline'; readonly all: readonly Baseline[] }
  | { readonly said: 'tried'; readonly mutant: number; readonly killedBy: string };

const { code, tests, atLoad } = workerData as WorkerData;
const port = parentPort!;
const shim = new URL('collected.ts', import.meta.url).href;
const standIns = new Map([
  ['vitest', shim],
  ['fast-check', new URL('few-cases.ts', import.meta.url).href],
]);

let on = atLoad;
let reached: Set<number> | undefined;
(globalThis as Record<string, unknown>)[switchName] = (id: number) => {
  reached?.add(id);
  return id === on;
};

registerHooks({
  resolve: (specifier, context, next) => {
    const url = standIns.get(specifier);
    if (url === undefined || url === context.parentURL) return next(specifier, context);
    return { url, format: 'module-typescript', shortCircuit: true };
  },
  load: (url, context, next) => {
    const source = code.get(url);
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
  },
});

const { tests: collected } = (await import(shim)) as typeof import('./collected.ts');
let brokenAtLoad = '';
try {
  for (const test of tests) await import(pathToFileURL(test).href);
} catch (error) {
  brokenAtLoad = `while loading: ${wordsOf(error)}`;
}

port.on('message', (ask: Ask) => void answer(ask));

async function answer(ask: Ask): Promise<void> {
  if (ask.do === 'baseline') {
    const all: Baseline[] = [];
    if (brokenAtLoad !== '') throw new Error(brokenAtLoad);
    for (const [index, { title }] of collected.entries()) {
      reached = new Set();
      const startMs = performance.now();
      const failure = await failureOf(index);
      all.push({ index, title, ms: performance.now() - startMs, reached: [...reached], failure });
    }
    reached = undefined;
    port.postMessage({ said: 'baseline', all } satisfies Told);
    return;
  }
  on = ask.mutant;
  let killedBy = brokenAtLoad;
  for (const index of ask.tests) {
    if (killedBy !== '') break;
    if ((await failureOf(index)) !== '') killedBy = collected[index]!.title;
  }
  on = atLoad;
  port.postMessage({ said: 'tried', mutant: ask.mutant, killedBy } satisfies Told);
}

port.postMessage({ said: 'ready' } satisfies Told);

async function failureOf(index: number): Promise<string> {
  try {
    await collected[index]!.run();
    return '';
  } catch (error) {
    return wordsOf(error) || 'failed';
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 300) : String(error);
}
