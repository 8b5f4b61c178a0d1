/** `npm run bench`: measures what the budgets of docs/performance.md are about, and prints it beside them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backup } from './backup.ts';
import { cost } from './bill.ts';
import { bookKeeper } from './book-keeper.ts';
import { bufferMemory } from './buffer-memory.ts';
import { bundles } from './bundles.ts';
import { candleBuilder } from './candle-builder.ts';
import { candleClose } from './candle-close.ts';
import { type BenchmarkName, benchmarks as catalogue } from './catalogue.ts';
import { consolePage } from './console-page.ts';
import { type BenchResult, renderTable, verdictOf } from './figure.ts';
import { describeMachine, machineLine } from './machine.ts';
import { memory } from './memory.ts';
import { orderOut } from './order-out.ts';
import { orderToBook } from './order-to-book.ts';
import { outbox } from './outbox.ts';
import { isWorthKeeping, writeInto } from './page.ts';
import { parse } from './parse.ts';
import { reconcileBench } from './reconcile.ts';
import { startUp } from './start-up.ts';
import { tapeToTable } from './tape-to-table.ts';
import { tickPath } from './tick-path.ts';

const usage = `Usage: npm run bench [-- [names] [options]]

Names (default: all)
${Object.entries(catalogue)
  .map(
    ([name, what]) =>
      `  ${name.padEnd(16)}${what.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '')}`,
  )
  .join('\n')}

Options
  --json          print one JSON object instead of a table
  --write         write the figures into docs/performance.md as well; what is invalid leaves the old ones there
  --strict        a missed budget, too, makes the exit code 1
  --rounds N      rounds of tick-path, reconcile and console-page (default 3)
  --ticks N       ticks of each measurement of tick-path (default 1000000)
  --seconds N     how long candle-close plays, in real time (default 70)
  --day-ticks N   ticks of the day that memory plays (default 3000000)
  --orders N      orders of order-out and order-to-book (default 200)
  --items N       items of the book that backup backs up (default 200000)
  --profile DIR   tick-path: write CPU profiles of its clients; the figures are then not for keeping
  --help          show this

Exit code: 1 when a run is invalid, or with --strict when a budget is missed; 2 for an unknown name or option.
`;

interface Options {
  readonly rounds: number;
  readonly ticks: number;
  readonly seconds: number;
  readonly items: number;
  readonly dayTicks: number;
  readonly orders: number;
  readonly profileDir?: string;
  readonly say: (text: string) => void;
}

const benchmarks: Readonly<Record<BenchmarkName, (options: Options) => Promise<BenchResult> | BenchResult>> =
  {
    'tick-path': tickPath,
    parse: () => parse({ count: 300_000, rounds: 9 }),
    'candle-builder': () => candleBuilder({ ticks: 2_000_000, rounds: 9 }),
    'buffer-memory': () => bufferMemory({ rounds: 9 }),
    memory,
    'candle-close': candleClose,
    outbox: () => outbox({ events: 10_000, rounds: 5 }),
    'start-up': () => startUp({ rounds: 5 }),
    'book-keeper': () => bookKeeper({ orders: 200, accounts: 8 }),
    backup: ({ items, say }) => backup({ items, rounds: 3, say }),
    'order-to-book': orderToBook,
    'order-out': orderOut,
    reconcile: reconcileBench,
    bundles: () => bundles({ runs: 9 }),
    'tape-to-table': tapeToTable,
    'console-page': consolePage,
    cost,
  };

const page = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

class UsageError extends Error {}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const asked = positionals.length > 0 ? positionals : Object.keys(benchmarks);
  const isKnown = (name: string): name is BenchmarkName => Object.hasOwn(benchmarks, name);
  const names = asked.filter(isKnown);
  const unknown = asked.find((name) => !isKnown(name));
  if (unknown !== undefined)
    throw new UsageError(`There is no benchmark "${unknown}". Known: ${Object.keys(benchmarks).join(', ')}.`);
  const options: Options = {
    rounds: wholeNumber('rounds', values.rounds),
    ticks: wholeNumber('ticks', values.ticks),
    seconds: wholeNumber('seconds', values.seconds),
    items: wholeNumber('items', values.items),
    dayTicks: wholeNumber('day-ticks', values['day-ticks']),
    orders: wholeNumber('orders', values.orders),
    ...(values.profile === undefined ? {} : { profileDir: values.profile }),
    say: (text) => process.stderr.write(`${text}\n`),
  };
  const machine = describeMachine();
  options.say(machineLine(machine));
  const results: BenchResult[] = [];
  for (const name of names) {
    options.say(`${name} ...`);
    const startMs = performance.now();
    const result = await attempt(name, options);
    results.push(result);
    options.say(`${name}: ${Math.round((performance.now() - startMs) / 1_000)} s`);
    // After each of them: what was measured is on the page whatever happens to the rest.
    if (values.write) keepOnPage(result, machineLine(machine), options.say);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(asJson(machine, results))}\n`);
  else process.stdout.write(`${machineLine(machine)}\n\n${renderTable(results)}\n`);
  const verdicts = results.flatMap(({ figures, invalid }) =>
    figures.map((figure) => verdictOf(figure, invalid !== undefined)),
  );
  const isInvalid = results.some(({ invalid }) => invalid !== undefined) || verdicts.includes('invalid');
  return isInvalid || (values.strict && verdicts.includes('missed')) ? 1 : 0;
}

/** A result that must not be used leaves the figures of an earlier run where they are, and says so. */
function keepOnPage(result: BenchResult, machine: string, say: (text: string) => void): void {
  if (!isWorthKeeping(result)) {
    say(
      `${result.name}: NOT written to docs/performance.md, its old figures stay: ${result.invalid ?? 'no figure'}`,
    );
    return;
  }
  const day = new Date().toISOString().slice(0, 10);
  const load = `load ${loadavg()[0]!.toFixed(1)}`;
  writeFileSync(
    page,
    writeInto(readFileSync(page, 'utf8'), [result], { day, machine: `${machine}, ${load}` }),
  );
}

/** None takes half as long on a machine that has nothing else to do. */
const MINUTES_MAX = 5;

/** One that breaks, or never ends, must not take the others' figures with it. */
async function attempt(name: BenchmarkName, options: Options): Promise<BenchResult> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`it had not ended after ${MINUTES_MAX} minutes`)),
    MINUTES_MAX * 60_000,
  );
  try {
    return await Promise.race([benchmarks[name](options), late.promise]);
  } catch (error) {
    return { name, figures: [], invalid: (error as Error).message };
  } finally {
    clearTimeout(timer);
  }
}

function asJson(machine: ReturnType<typeof describeMachine>, results: readonly BenchResult[]) {
  return {
    machine,
    results: results.map((result) => ({
      ...result,
      figures: result.figures.map((figure) => ({
        ...figure,
        verdict: verdictOf(figure, result.invalid !== undefined),
      })),
    })),
  };
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        strict: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '3' },
        ticks: { type: 'string', default: '1000000' },
        'day-ticks': { type: 'string', default: '3000000' },
        orders: { type: 'string', default: '200' },
        seconds: { type: 'string', default: '70' },
        items: { type: 'string', default: '200000' },
        profile: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`--${name} is "${text}"; allowed: a whole number above 0.`);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
// A benchmark that did not end still has its processes: they go when this one does.
process.stdout.write('', () => process.exit());
