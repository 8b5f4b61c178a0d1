/**
 * `npm run screenshots`: every view of the console, in both themes and at the width of a phone, into docs/screenshots/.
 * What they show is a sandbox that has played part of a day: an outage, a backfill, orders, and a book that has lost an
 * order and a position.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { type Desk, startDesk } from '../sandbox/desk/desk.ts';
import { startBrowser } from '../test/helpers/console-browser.ts';
import { startConsoleProgram } from '../test/helpers/console-program.ts';
import { openStageBook, plantDiscrepancy, typeOrder } from '../test/helpers/console-stage.ts';
import { run } from '../test/helpers/programs.ts';

const folder = fileURLToPath(new URL('../docs/screenshots', import.meta.url));
const program = fileURLToPath(new URL('../bin/evenkeel.ts', import.meta.url));

const views = [
  ['overview', 'Overview'],
  ['chart', 'Chart'],
  ['orders', 'Orders and fills'],
  ['positions', 'Positions'],
  ['plan', 'Plan'],
  ['reconcile', 'Reconcile'],
  ['audit', 'Audit trail'],
  ['backups', 'Backups'],
  ['alerts', 'Alerts'],
  ['flags', 'Flags'],
] as const;

const looks = [
  { name: 'light', colorScheme: 'light', width: 1280, height: 860 },
  { name: 'dark', colorScheme: 'dark', width: 1280, height: 860 },
  { name: 'phone', colorScheme: 'light', width: 360, height: 760 },
] as const;

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'evenkeel-screenshots-'));
  const configDir = join(dataDir, 'config');
  mkdirSync(configDir, { recursive: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(configDir, 'sandbox.yml'),
    'stage: sandbox\nstreamers: [{ name: main, account: DU1234567, symbols: [GC], health: { port: 0 } }]\nreconcile: { quietMs: 0, everyMinutes: 60 }\n',
  );
  const env = { EVENKEEL_CONFIG_DIR: configDir };
  const desk = await startDesk({
    speed: '300',
    minutes: 390,
    dataDir: join(dataDir, 'data'),
    streamerEnv: env,
    schedules: false,
  });
  try {
    await playPartOfADay(desk, env);
    await shoot(desk.dataDir, env);
  } finally {
    await desk.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function playPartOfADay(desk: Desk, env: Record<string, string>): Promise<void> {
  const evenkeel = async (...args: string[]) => {
    const { code, stderr } = await run(program, ['--data', desk.dataDir, ...args], env, {
      timeoutMs: 60_000,
    });
    if (code !== 0) throw new Error(`evenkeel ${args.join(' ')} ended with ${code}: ${stderr}`);
  };
  while ((await desk.streamerStats())?.ready !== true) await sleep(100);
  await evenkeel('flags', 'preset', 'execute', '--reason', 'reviewed, first day');
  for (const [side, quantity] of [
    ['BUY', '3'],
    ['SELL', '1'],
    ['BUY', '1'],
    ['SELL', '3'],
  ] as const) {
    await typeOrder(desk, { side, quantity });
    await sleep(700);
  }
  await evenkeel('backup', '--reason', 'before the first day');
  const stage = openStageBook(desk);
  await plantDiscrepancy(desk, stage.book).finally(() => stage.stop());
  // A gap that is filled in from historical data, as late as can be: the chart begins with the latest bars.
  await fault(desk, { type: 'drop' });
  await sleep(3_000);
  while ((await desk.streamerStats())?.ready !== true) await sleep(100);
  await evenkeel('reconcile', '--reason', 'the book looks wrong');
}

async function fault(desk: Desk, what: Readonly<Record<string, string>>): Promise<void> {
  const url = `http://127.0.0.1:${desk.gateway?.controlPort}/fault`;
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(what) });
  if (!response.ok) throw new Error(await response.text());
}

async function shoot(dataDir: string, env: Record<string, string>): Promise<void> {
  const running = await startConsoleProgram(dataDir, env);
  const browser = await startBrowser();
  const page = await browser.context.newPage();
  try {
    await page.goto(running.url);
    const home = new URL('/', running.url).href;
    await page.mouse.move(0, 0);
    for (const { name, colorScheme, width, height } of looks) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      for (const [view, title] of views) {
        await page.goto(`${home}#/${view}`);
        await settled(page, title);
        await page.screenshot({ path: join(folder, `${view}-${name}.png`) });
      }
      await page.goto(`${home}#/plan`);
      await page.getByRole('button', { name: 'Approve…' }).click();
      await page.getByRole('dialog').waitFor();
      await page.screenshot({ path: join(folder, `approve-${name}.png`) });
      await page.getByRole('button', { name: 'Leave it' }).click();
    }
  } finally {
    await browser.close();
    await running.interrupt();
  }
}

async function settled(page: Page, title: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
  while ((await page.locator('.skeleton, .notice').count()) > 0) await page.waitForTimeout(100);
  if (title === 'Chart') await page.locator('.chart-box canvas').first().waitFor({ timeout: 20_000 });
  // The chart draws in the next frames.
  await page.waitForTimeout(500);
}

await main();
