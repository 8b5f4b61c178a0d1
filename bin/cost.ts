import { Command, InvalidArgumentError, Option } from 'commander';
import { bill, budgetLoad, type Load } from './cost/bill.ts';
import { markdown, result, text } from './cost/show.ts';

/** `npm run cost`: what a stage costs a month, by list prices. docs/cost.md says what it rests on. */
interface Options extends Load {
  readonly json: boolean;
  readonly markdown: boolean;
}

const {
  json,
  markdown: asMarkdown,
  ...load
} = new Command('cost')
  .description('What a stage costs a month by list prices of us-east-1: calculated, not measured.')
  .option('--symbols <n>', 'instruments, over all streamers', atLeast(0), budgetLoad.symbols)
  .option(
    '--order-events-per-minute <n>',
    'events of orders, fills, positions and balances',
    atLeast(0),
    budgetLoad.orderEventsPerMinute,
  )
  .option('--streamers <n>', 'one for each login of IB', atLeast(1), budgetLoad.streamers)
  .option('--month <n>', 'how many months it has run: what is stored grows', atLeast(1), budgetLoad.month)
  .addOption(
    new Option('--architecture <name>', 'of the task')
      .choices(['x86', 'arm'])
      .default(budgetLoad.architecture),
  )
  .option('--markdown', 'the table of docs/cost.md', false)
  .option('--json', 'JSON', false)
  .addHelpText(
    'after',
    `
Examples
  npm run cost
  npm run cost -- --symbols 50 --month 12
  npm run -s cost -- --json`,
  )
  // As everywhere: 2 is for wrong input.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Options>();

const made = bill(load);
const shown = asMarkdown ? markdown(made) : text(made);
process.stdout.write(json ? `${JSON.stringify(result(made))}\n` : `${shown}\n`);

function atLeast(least: number): (given: string) => number {
  return (given) => {
    const number = /^\d{1,7}$/.test(given) ? Number(given) : -1;
    if (number < least) throw new InvalidArgumentError(`Allowed: a whole number from ${least}.`);
    return number;
  };
}
