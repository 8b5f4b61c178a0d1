/** How fast the console's page is in the tests' browser, with a full day of a large desk. */
import type { Page } from 'playwright-core';
import { bundlePage } from '../console/server/bundle.ts';
import { startConsole } from '../console/server/server.ts';
import { startBrowser } from '../test/helpers/console-browser.ts';
import { plantedRunner } from './console-planted.ts';
import type { BenchResult } from './figure.ts';
import { median } from './statistics.ts';

const planted = { orders: 10_000, contracts: 50, bars: 390 };
const kib = 1024;

/** First paint, size of what is loaded, and the longest of each kind of interaction. */
export async function consolePage({
  rounds,
  say,
}: {
  readonly rounds: number;
  readonly say: (text: string) => void;
}): Promise<BenchResult> {
  const beganMs = performance.now();
  const files = await bundlePage();
  const bundleMs = performance.now() - beganMs;
  const bytes = [...files.values()].reduce((sum, { gzip }) => sum + gzip.length, 0);
  const server = await startConsole({
    port: 0,
    files,
    run: plantedRunner(planted),
    broker: async () => null,
    fingerprint: async () => '1',
    about: { stage: 'sandbox', account: 'DU1234567', timeZone: 'Europe/Stockholm', version: '0.0.0' },
    nowMs: Date.now,
  });
  const browser = await startBrowser();
  const paints: number[] = [];
  const shown: number[] = [];
  const worst = new Map<string, number>();
  try {
    for (let round = 1; round <= rounds; round++) {
      say(`console-page: round ${round} of ${rounds}`);
      const page = await browser.context.newPage();
      await watchEvents(page);
      await page.goto(server.url);
      await page.getByRole('heading', { name: /^Trading is/ }).waitFor();
      shown.push(await page.evaluate(() => performance.now()));
      paints.push(await firstPaint(page));
      for (const [name, ms] of await interactions(page)) worst.set(name, Math.max(worst.get(name) ?? 0, ms));
      await page.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
  const over = `${planted.orders.toLocaleString('en')} orders, ${planted.contracts} × ${planted.bars} bars, ${rounds} rounds`;
  return {
    name: 'console-page',
    figures: [
      {
        name: 'first paint',
        value: Math.max(...paints),
        unit: 'ms',
        budget: { kind: 'at-most', value: 1_000 },
        detail: `the slowest; median ${Math.round(median(paints))} ms; ${over}`,
      },
      {
        name: 'state of trading shown',
        value: Math.max(...shown),
        unit: 'ms',
        budget: { kind: 'at-most', value: 1_000 },
        detail: 'from the navigation until the page says whether trading is unlocked',
      },
      ...[...worst].map(([name, ms]) => ({
        name,
        value: ms,
        unit: 'ms',
        budget: { kind: 'at-most' as const, value: 100 },
        detail: name.includes('task')
          ? 'an input meanwhile waits at most so long; 0: none was longer than 50 ms'
          : 'the slowest, from the input to the next paint (Event Timing, in steps of 8 ms)',
      })),
      {
        name: 'loaded',
        value: bytes / kib,
        unit: 'KiB',
        budget: { kind: 'at-most', value: 150 },
        detail: 'compressed, all files',
      },
      { name: 'bundle', value: bundleMs, unit: 'ms', detail: 'once, when the command starts' },
    ],
  };
}

/** Events of the page with how long they took until the next paint; 16 ms is the least that a browser tells. */
async function watchEvents(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const seen: number[] = [];
    const tasks: number[] = [];
    Object.assign(globalThis, { seenEvents: seen, seenTasks: tasks });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) tasks.push(entry.duration);
    }).observe({ type: 'longtask' as 'mark', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.push(entry.duration);
    }).observe({ type: 'event' as 'mark', durationThreshold: 16, buffered: true } as { type: 'mark' });
  });
}

async function firstPaint(page: Page): Promise<number> {
  // It is told some time after it has happened.
  await page.waitForTimeout(300);
  return page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  );
}

async function interactions(page: Page): Promise<readonly (readonly [name: string, ms: number])[]> {
  const found: (readonly [string, number])[] = [];
  const timed = async (name: string, work: () => Promise<void>) => {
    await page.evaluate(() => {
      (globalThis as unknown as { seenEvents: number[] }).seenEvents.length = 0;
    });
    await work();
    // The observer is told after the paint.
    await page.waitForTimeout(400);
    const seen = await page.evaluate(() => (globalThis as unknown as { seenEvents: number[] }).seenEvents);
    found.push([name, Math.max(0, ...seen)]);
  };
  const navigation = page.getByRole('navigation');
  const tasks = () =>
    page.evaluate(() => (globalThis as unknown as { seenTasks: number[] }).seenTasks.splice(0));
  await tasks();
  await timed('to the orders', () => navigation.getByRole('link', { name: 'Orders and fills' }).click());
  await page.getByRole('row').nth(5).waitFor();
  // While the page takes them in, an input would have to wait for the longest piece of it.
  await page.waitForTimeout(1_000);
  found.push(['orders taken in, longest task', Math.max(0, ...(await tasks()))]);
  await page.getByText('All 10,000').click();
  await timed('search of 10,000 orders', async () => {
    await page.getByLabel('Search orders').pressSequentially('sy07 filled', { delay: 60 });
  });
  await page.getByLabel('Search orders').fill('');
  await timed('sort of 10,000 orders', async () => {
    await page.getByRole('button', { name: 'Quantity' }).first().click();
    await page.getByRole('button', { name: 'Contract' }).first().click();
  });
  await timed('scroll of 10,000 orders', async () => {
    await page.getByRole('table', { name: 'Orders' }).hover();
    for (let turn = 0; turn < 10; turn++) await page.mouse.wheel(0, 3_000);
  });
  await timed('to the chart', () => navigation.getByRole('link', { name: 'Chart' }).click());
  await page.locator('.chart-box canvas').first().waitFor();
  await timed('another contract', async () => {
    await page.getByRole('button', { name: /^SY09/ }).click();
    await page.getByRole('heading', { name: /^SY09/ }).waitFor();
  });
  return found;
}
