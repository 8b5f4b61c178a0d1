/** `npm run bench`: measures what the budgets of docs/benchmarks.md are about, and prints it beside them. */
import { parseArgs } from 'node:util';
import { backup } from './backup.ts';
import { bookKeeper } from './book-keeper.ts';
import { bundles } from './bundles.ts';
import { candleClose } from './candle-close.ts';
import { consolePage } from './console-page.ts';
import { type BenchResult, renderTable, verdictOf } from './figure.ts';
import { describeMachine, machineLine } from './machine.ts';
import { orderOut } from './order-out.ts';
import { orderToBook } from './order-to-book.ts';
import { parse } from './parse.ts';
import { reconcileBench } from './reconcile.ts';
import { tapeToTable } from './tape-to-table.ts';
import { tickPath } from './tick-path.ts';

const usage = `Usage: npm run bench [-- [names] [options]]

Names (default: all): tick-path, candle-close, book-keeper, backup, order-to-book,
       order-out, bundles, tape-to-table, parse, reconcile, console-page

Options
  --json          print one JSON object instead of a table
  --strict        a missed budget, too, makes the exit code 1
  --rounds N      rounds of tick-path, reconcile and console-page (default 5)
  --ticks N       ticks of each measurement of tick-path (default 2000000)
  --seconds N     how long candle-close plays, in real time (default 70)
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
  readonly profileDir?: string;
  readonly say: (text: string) => void;
}

const benchmarks: Readonly<Record<string, (options: Options) => Promise<BenchResult> | BenchResult>> = {
  'tick-path': tickPath,
  'candle-close': candleClose,
  'book-keeper': () => bookKeeper({ orders: 200, accounts: 8 }),
  backup: ({ items, say }) => backup({ items, rounds: 3, say }),
  'order-to-book': ({ say }) => orderToBook({ orders: 200, say }),
  bundles: () => bundles({ runs: 9 }),
  'tape-to-table': tapeToTable,
  parse: () => parse({ count: 300_000, rounds: 9 }),
  'order-out': ({ say }) => orderOut({ orders: 200, say }),
  reconcile: ({ rounds, say }) => reconcileBench({ rounds, say }),
  'console-page': consolePage,
};

class UsageError extends Error {}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const names = positionals.length > 0 ? positionals : Object.keys(benchmarks);
  const unknown = names.find((name) => !(name in benchmarks));
  if (unknown)
    throw new UsageError(`There is no benchmark "${unknown}". Known: ${Object.keys(benchmarks).join(', ')}.`);
  const options: Options = {
    rounds: wholeNumber('rounds', values.rounds),
    ticks: wholeNumber('ticks', values.ticks),
    seconds: wholeNumber('seconds', values.seconds),
    items: wholeNumber('items', values.items),
    ...(values.profile === undefined ? {} : { profileDir: values.profile }),
    say: (text) => process.stderr.write(`${text}\n`),
  };
  const machine = describeMachine();
  options.say(machineLine(machine));
  const results: BenchResult[] = [];
  for (const name of names) {
    options.say(`${name} ...`);
    results.push(await attempt(name, options));
  }
  if (values.json) process.stdout.write(`${JSON.stringify(asJson(machine, results))}\n`);
  else process.stdout.write(`${machineLine(machine)}\n\n${renderTable(results)}\n`);
  const verdicts = results.flatMap(({ figures, invalid }) =>
    figures.map((figure) => verdictOf(figure, invalid !== undefined)),
  );
  const isInvalid = results.some(({ invalid }) => invalid !== undefined) || verdicts.includes('invalid');
  return isInvalid || (values.strict && verdicts.includes('missed')) ? 1 : 0;
}

/** One that breaks must not take the others' figures with it. */
async function attempt(name: string, options: Options): Promise<BenchResult> {
  try {
    return await benchmarks[name]!(options);
  } catch (error) {
    return { name, figures: [], invalid: (error as Error).message };
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
        rounds: { type: 'string', default: '5' },
        ticks: { type: 'string', default: '2000000' },
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
