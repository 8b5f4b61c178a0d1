import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assumptions, bill, budgetLoad, budgetUsd, type Load } from '../../bin/cost/bill.ts';
import { type PriceName, prices, pricesAsOf } from '../../bin/cost/prices.ts';
import { loadText, markdown, result, verdict } from '../../bin/cost/show.ts';
import { loadConfig } from '../../config/load.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}/docs/cost.md`, 'utf8');

const loads: fc.Arbitrary<Load> = fc.record({
  symbols: fc.integer({ min: 0, max: 500 }),
  orderEventsPerMinute: fc.integer({ min: 0, max: 2_000 }),
  streamers: fc.integer({ min: 1, max: 20 }),
  architecture: fc.constantFrom('x86', 'arm'),
  month: fc.integer({ min: 1, max: 60 }),
});

const usd = (load: Load, price?: PriceName): number =>
  bill(load)
    .lines.filter((line) => price === undefined || line.price === price)
    .reduce((sum, line) => sum + line.usd.toNumber(), 0);

describe('the monthly bill', () => {
  it('sums its lines, and a free allowance only ever takes away', () => {
    fc.assert(
      fc.property(loads, (load) => {
        const { lines, usd: sum, usdAfterFree } = bill(load);
        expect(sum.toNumber()).toBeCloseTo(usd(load), 6);
        expect(usdAfterFree.lte(sum)).toBe(true);
        for (const line of lines) {
          expect(line.quantity.gte(0)).toBe(true);
          expect(line.usdAfterFree.gte(0) && line.usdAfterFree.lte(line.usd)).toBe(true);
        }
      }),
    );
  });

  it('never falls with more symbols, more orders, another streamer or another month', () => {
    const grows = (change: (load: Load) => Load) =>
      fc.assert(fc.property(loads, (load) => usd(change(load)) >= usd(load)));
    grows((load) => ({ ...load, symbols: load.symbols + 1 }));
    grows((load) => ({ ...load, orderEventsPerMinute: load.orderEventsPerMinute + 1 }));
    grows((load) => ({ ...load, streamers: load.streamers + 1 }));
    grows((load) => ({ ...load, month: load.month + 1 }));
  });

  it('a free allowance is one for all lines of its price', () => {
    // Calls of functions are one line, requests of queues another: each has its own million.
    const { lines } = bill({ ...budgetLoad, symbols: 0, orderEventsPerMinute: 0 });
    const freed = (name: PriceName) =>
      lines
        .filter(({ price }) => price === name)
        .reduce((sum, line) => sum + line.usd.minus(line.usdAfterFree).toNumber(), 0);
    for (const [name, { free, units, usd: price }] of Object.entries(prices))
      expect(freed(name as PriceName)).toBeLessThanOrEqual((free / units) * Number(price) + 1e-9);
    expect(freed('metric')).toBeCloseTo(3, 9);
  });

  it('prices what can be reckoned by hand', () => {
    // 730 hours of one vCPU, three GiB and an address.
    expect(usd(budgetLoad, 'fargate-x86-vcpu')).toBeCloseTo(730 * 0.04048, 6);
    expect(usd(budgetLoad, 'fargate-x86-memory')).toBeCloseTo(730 * 3 * 0.004445, 6);
    expect(usd(budgetLoad, 'public-ipv4')).toBeCloseTo(3.65, 6);
    expect(usd({ ...budgetLoad, streamers: 2 }, 'secret')).toBeCloseTo(1.2, 6);
    expect(usd({ ...budgetLoad, architecture: 'arm' })).toBeLessThan(usd(budgetLoad));
    // One symbol: a candle for each open minute, a write unit each.
    const candle = bill({ ...budgetLoad, symbols: 1 }).lines.find(({ what }) => what === 'candles');
    expect(candle?.quantity.toNumber()).toBeCloseTo(assumptions.openHours * 60, 3);
  });

  it("rests on the stack's own settings", () => {
    const { aws, lease, heartbeat, reconcile } = loadConfig({ stage: 'paper', env: {} });
    expect([aws.streamerCpu / 1024, aws.streamerMemoryMiB / 1024]).toEqual([
      assumptions.vcpu,
      assumptions.memoryGib,
    ]);
    expect(lease.renewMs / 1000).toBe(assumptions.leaseSeconds);
    expect(heartbeat.everyMs / 1000).toBe(assumptions.heartbeatSeconds);
    expect(reconcile.everyMinutes).toBe(assumptions.reconcileMinutes);
    const memoryOf = (file: string) =>
      Number(
        /memorySize: ([\d_]+)/
          .exec(readFileSync(`${root}/lib/stacks/${file}.ts`, 'utf8'))?.[1]
          ?.replace('_', ''),
      );
    expect(memoryOf('candles')).toBe(assumptions.candleKeeper.mb);
    expect(memoryOf('book')).toBe(assumptions.bookKeeper.mb);
    expect(memoryOf('watchdog')).toBe(assumptions.watchdog.mb);
    expect(memoryOf('job')).toBe(assumptions.reconcile.mb);
  });
});

describe('docs/cost.md', () => {
  const part = (name: string) => new RegExp(`<!-- ${name} -->\n([\\s\\S]*?)\n<!-- end -->`).exec(page)?.[1];

  it('has the table that `npm run cost -- --markdown` prints: paste it there after a change', () => {
    expect(part('cost of the budget')?.trim()).toBe(markdown(bill(budgetLoad)));
  });

  it('has the sums of other loads as they are', () => {
    const rows = [
      budgetLoad,
      { ...budgetLoad, month: 13 },
      { ...budgetLoad, architecture: 'arm' as const },
      { ...budgetLoad, symbols: 10, orderEventsPerMinute: 2 },
      { ...budgetLoad, symbols: 100, orderEventsPerMinute: 60 },
      { ...budgetLoad, symbols: 300, orderEventsPerMinute: 60, streamers: 3 },
    ].map((load) => {
      const made = bill(load);
      return `| ${loadText(load)} | ${made.usd.toFixed(2)} | ${made.usdAfterFree.toFixed(2)} |`;
    });
    const table = ['| load | USD | with free allowances |', '|---|--:|--:|', ...rows].join('\n');
    expect(part('cost of other loads')?.trim()).toBe(table);
  });

  it('says plainly where the budget is not kept, and of when the prices are', () => {
    const { usd: sum } = bill(budgetLoad);
    expect(sum.greaterThan(budgetUsd)).toBe(true);
    expect(page).toContain(
      `**${sum.toFixed(2)} USD a month by list prices, which is above the budget of ${budgetUsd} USD.**`,
    );
    expect(page).toContain(pricesAsOf);
  });
});

describe('npm run cost', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [`${root}/bin/cost.ts`, ...args], { encoding: 'utf8' });

  it('gives the same as JSON for another load', () => {
    const { stdout, status } = run(
      '--symbols',
      '10',
      '--order-events-per-minute',
      '2',
      '--streamers',
      '2',
      '--json',
    );
    expect(status).toBe(0);
    const load = { ...budgetLoad, symbols: 10, orderEventsPerMinute: 2, streamers: 2 };
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(result(bill(load)))));
  });

  it('says what the largest line is, and refuses what is no load', () => {
    expect(verdict(bill(budgetLoad))).toContain('The largest line: Fargate, processor');
    const { status, stderr } = run('--streamers', '0');
    expect(status).not.toBe(0);
    expect(stderr).toContain('Allowed: a whole number from 1.');
  });
});
