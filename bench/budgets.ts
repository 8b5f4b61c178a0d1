import type { BenchmarkName } from './catalogue.ts';

/** A budget of the design, and the figure that it is held against. */
export interface DesignBudget {
  readonly what: string;
  /** As the design words it. */
  readonly budget: string;
  readonly benchmark: BenchmarkName;
  /** Names of figures; the worst of them counts. A `*` stands for any text. */
  readonly figure: string;
  /** What stands beside it when it is missed. */
  readonly reason?: string;
}

/** A budget that no benchmark measures: its row is written by hand, and kept. */
export interface ForeignBudget {
  readonly what: string;
  readonly budget: string;
  readonly command: string;
}

export const designBudgets: readonly DesignBudget[] = [
  {
    what: 'tick path, socket to candle',
    budget: 'at least 70 % of a bare `IBApi`',
    benchmark: 'tick-path',
    figure: 'ratio streamer to bare',
  },
  {
    what: 'RTVolume read in one pass, no `split`',
    budget: 'at least as fast as `split`',
    benchmark: 'parse',
    figure: 'parseRtVolume to split',
  },
  {
    what: "streamer's memory after a day of ticks",
    budget: '150 MB in all',
    benchmark: 'memory',
    figure: 'as deployed, largest of a day',
  },
  {
    what: "streamer's memory, flat over an hour",
    budget: 'at most 0.5 MiB an hour of the market',
    benchmark: 'memory',
    figure: 'as deployed, growth in an hour',
  },
  {
    what: 'close of a candle to PutEvents, p99 at 1,000 ticks/s',
    budget: '50 ms beyond the grace',
    benchmark: 'candle-close',
    figure: 'end of grace to PutEvents, p99',
  },
  {
    what: 'reconcile of 10,000 orders, 2,000 positions, 20,000 fills',
    budget: '300 ms of compute',
    benchmark: 'reconcile',
    figure: '*, 1x',
    reason:
      'a book that agrees or differs in a twentieth is within it; where the whole desk has ended or every position is wrong, each item is judged and worded by itself, once, and a person looks at the plan',
  },
  {
    what: 'reconcile grows linearly',
    budget: 'exponent at most 1.2',
    benchmark: 'reconcile',
    figure: '*, growth',
  },
  { what: "a Lambda's bundle, the largest", budget: '600 KiB', benchmark: 'bundles', figure: '*, size' },
  {
    what: "a Lambda's cold import, the slowest",
    budget: '150 ms',
    benchmark: 'bundles',
    figure: '*, cold import',
  },
  {
    what: 'backup',
    budget: 'at least half the rate of bare zstd and SHA-256',
    benchmark: 'backup',
    figure: "backup, of the bare pipeline's rate",
  },
  {
    what: 'verification of a backup',
    budget: 'at least half the rate of bare SHA-256 and unzstd',
    benchmark: 'backup',
    figure: "verify, of the bare pipeline's rate",
  },
  {
    what: 'sandbox: start to first candle event, fast tape',
    budget: '10 s',
    benchmark: 'tape-to-table',
    figure: 'start to the first candle in the table',
  },
  {
    what: 'AWS bill, 50 symbols, 20 order events a minute',
    budget: 'under 75 USD a month',
    benchmark: 'cost',
    figure: 'AWS a month, by list prices',
    reason:
      "by list prices; an account that has nothing else is billed 67.02 USD, because AWS's lasting allowances come off. ARM (70.14 USD) or a task of 2 GiB (74.74 USD) would be below, but the gateway's image for ARM is experimental, and a gateway short of memory has to log in again: both are settings, neither the default before it has been tried ([cost.md](cost.md#what-lowers-it))",
  },
];

export const foreignBudgets: readonly ForeignBudget[] = [
  { what: 'test suite', budget: '3 minutes on 2 cores', command: '`npm test`' },
];
