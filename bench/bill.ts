import { bill, budgetLoad, budgetUsd } from '../bin/cost/bill.ts';
import type { BenchResult } from './figure.ts';

/** The bill that docs/cost.md takes apart, so that every budget is on one page. Nothing is measured: list prices are summed. */
export function cost(): BenchResult {
  const { usd, usdAfterFree } = bill(budgetLoad);
  const arm = bill({ ...budgetLoad, architecture: 'arm' });
  return {
    name: 'cost',
    figures: [
      {
        name: 'AWS a month, by list prices',
        value: usd.toNumber(),
        unit: 'USD',
        budget: { kind: 'at-most', value: budgetUsd },
        detail: `${budgetLoad.symbols} symbols, ${budgetLoad.orderEventsPerMinute} order events a minute, on x86`,
      },
      {
        name: 'less the allowances that AWS gives for ever',
        value: usdAfterFree.toNumber(),
        unit: 'USD',
        detail: 'in an account that has nothing else',
      },
      { name: 'on ARM, by list prices', value: arm.usd.toNumber(), unit: 'USD' },
    ],
  };
}
