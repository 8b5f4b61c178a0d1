import type { Decimal } from 'decimal.js';
import { type Bill, budgetUsd, type Line, type Load } from './bill.ts';
import { prices, pricesAsOf } from './prices.ts';

/** The bill as a table of Markdown, which docs/cost.md holds for the budget's load. */
export function markdown({ lines, usd, usdAfterFree }: Bill): string {
  const rows = lines.map(
    (line) =>
      `| ${line.group} | ${line.what} | ${amount(line)} | ${priceText(line)} | ${money(line.usd)} | ${money(line.usdAfterFree)} |`,
  );
  return [
    '| group | what | quantity a month | list price | USD | with free allowances |',
    '|---|---|--:|--:|--:|--:|',
    ...rows,
    `| | **sum** | | | **${money(usd)}** | **${money(usdAfterFree)}** |`,
  ].join('\n');
}

export function text(bill: Bill): string {
  const width = Math.max(...bill.lines.map(({ what }) => what.length));
  const rows = bill.lines.map(
    (line) =>
      `${line.group.padEnd(9)} ${line.what.padEnd(width)} ${amount(line).padStart(14)} ${priceText(line).padEnd(36)} ${money(line.usd).padStart(8)} ${money(line.usdAfterFree).padStart(8)}`,
  );
  const head = `${' '.repeat(10 + width)} ${'a month'.padStart(14)} ${'list price'.padEnd(36)} ${'USD'.padStart(8)} ${'free off'.padStart(8)}`;
  const sum = `${'sum'.padEnd(width + 62)} ${money(bill.usd).padStart(8)} ${money(bill.usdAfterFree).padStart(8)}`;
  return [loadText(bill.load), head, ...rows, sum, verdict(bill)].join('\n');
}

export function result({ load, lines, usd, usdAfterFree }: Bill): object {
  return {
    load,
    region: 'us-east-1',
    pricesAsOf,
    lines: lines.map((line) => ({
      ...line,
      price: prices[line.price].usd,
      per: prices[line.price].per,
      quantity: line.quantity.toFixed(3),
      usd: line.usd.toFixed(4),
      usdAfterFree: line.usdAfterFree.toFixed(4),
    })),
    usd: usd.toFixed(2),
    usdAfterFree: usdAfterFree.toFixed(2),
    budgetUsd,
  };
}

/** Whether it is within the budget, which is meant for one load; and the line that weighs most. */
export function verdict({ lines, usd, usdAfterFree }: Bill): string {
  const most = lines.toSorted((a, b) => b.usd.comparedTo(a.usd))[0]!;
  const side = (sum: Decimal) => `${sum.greaterThan(budgetUsd) ? 'above' : 'within'} the ${budgetUsd} USD`;
  return `By list prices ${money(usd)} USD a month, ${side(usd)} of the budget; with AWS's lasting free allowances ${money(usdAfterFree)}, ${side(usdAfterFree)}. The largest line: ${most.what}, ${money(most.usd)}. Prices of us-east-1 as of ${pricesAsOf}, to be checked.`;
}

export function loadText({ symbols, orderEventsPerMinute, streamers, architecture, month }: Load): string {
  return `${symbols} symbols, ${orderEventsPerMinute} order events a minute, ${streamers} ${streamers === 1 ? 'streamer' : 'streamers'} on ${architecture}, month ${month}`;
}

function amount({ quantity }: Line): string {
  const whole = quantity.toNumber();
  if (whole >= 1_000) return Math.round(whole).toLocaleString('en');
  return quantity.toDecimalPlaces(2).toString();
}

function priceText({ price }: Line): string {
  const { usd, per } = prices[price];
  return `${usd} / ${per}`;
}

function money(usd: Decimal): string {
  return usd.toFixed(2);
}
