import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { startBrowser, type TestBrowser, whyNoBrowser } from '../helpers/console-browser.ts';
import { type RunningConsole, startConsoleProgram } from '../helpers/console-program.ts';
import { openStageBook, plantDiscrepancy } from '../helpers/console-stage.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { evenkeelHere } from '../helpers/operator.ts';

const noBrowser = await whyNoBrowser();

let running: RunningConsole | undefined;
let browser: TestBrowser | undefined;

afterAll(async () => {
  await browser?.close();
  running?.kill();
  cleanFolders();
});

it.skipIf(noBrowser !== undefined)(
  `a person sees a discrepancy in the browser, approves the plan, sees it applied, audited and backed up${noBrowser === undefined ? '' : ` (skipped: no browser starts here: ${noBrowser})`}`,
  async () => {
    const dataDir = scratchFolder();
    const config = quickConfig(dataDir);
    const settings = 'reconcile: { quietMs: 0, everyMinutes: 60 }\n';
    appendFileSync(join(config.EVENKEEL_CONFIG_DIR!, 'sandbox.yml'), settings);
    await withDesk({ speed: '60', minutes: 120, dataDir, streamerEnv: config }, async (desk) => {
      await expect.poll(() => desk.streamerStats(), { timeout: 60_000 }).toMatchObject({ ready: true });
      const evenkeel = (...args: string[]) => evenkeelHere(['--data', dataDir, ...args], config);
      expect((await evenkeel('flags', 'preset', 'execute', '--reason', 'the test says so')).code).toBe(0);
      const stage = openStageBook(desk);
      const orderKey = await plantDiscrepancy(desk, stage.book).finally(() => stage.stop());

      running = await startConsoleProgram(dataDir, config);
      browser = await startBrowser();
      const page = await browser.context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
      await page.goto(running.url);
      await page.getByRole('heading', { name: /^Trading is/ }).waitFor();
      // The first stop of the keyboard leads past the navigation.
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('main');
      // The token is not left in the address.
      expect(page.url()).toMatch(/#\/overview$/);

      await open(page, 'Reconcile');
      await page.getByRole('button', { name: 'Reconcile now…' }).click();
      await page.getByLabel('Why, for the audit trail').fill('the book looks wrong');
      await page.getByRole('button', { name: 'Reconcile', exact: true }).click();
      await page.getByText(/^AWAITING_DRY_RUN_CONFIRM\. IB: /).waitFor({ timeout: 60_000 });

      // What IB has and the book has not.
      await open(page, 'Positions');
      await page.getByRole('row', { name: /2 .*−2 in the book/ }).waitFor({ timeout: 60_000 });
      await open(page, 'Alerts');
      await page.getByText('UNKNOWN_ORDER', { exact: true }).waitFor();
      // The alert came over the bus, and a person takes it.
      const alert = page
        .getByRole('listitem')
        .filter({ hasText: 'discrepancy_opened' })
        .filter({ hasText: 'MISSING_FROM_BOOK' });
      await alert.waitFor({ timeout: 60_000 });
      await alert.getByRole('button', { name: 'Acknowledge…' }).click();
      await page.getByLabel('Why, for the others').fill('on it');
      await page.getByRole('dialog').getByRole('button', { name: 'Acknowledge', exact: true }).click();
      await alert.getByText(/acknowledged by .*: on it/).waitFor({ timeout: 60_000 });

      await open(page, 'Plan');
      await page.getByRole('heading', { name: `insert order ${orderKey}` }).waitFor();
      const hash = (await page.locator('main code.hash').first().textContent()) ?? '';
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      await page.getByRole('button', { name: 'Approve…' }).click();
      await page.getByLabel(/^Type /).fill('00000000');
      await page.getByLabel('Why, for the audit trail').fill('compared with TWS');
      await page.getByRole('button', { name: 'Approve and apply' }).click();
      await page.getByRole('alert').filter({ hasText: 'NOT_CONFIRMED' }).waitFor();
      await page.getByLabel(/^Type /).fill(hash.slice(0, 8));
      await page.getByRole('button', { name: 'Approve and apply' }).click();
      const applied = page.getByText(/^Applied: \d+ actions?, each with its audit row\./);
      await applied.waitFor({ timeout: 60_000 });
      const [backup = ''] = /db_backup_\d{8}_\d{6}/.exec((await applied.textContent()) ?? '') ?? [];
      await page.getByRole('heading', { name: 'No plan waits' }).waitFor({ timeout: 60_000 });
      await page.getByRole('row', { name: new RegExp(`${hash.slice(0, 12)} .*applied`) }).waitFor();

      await open(page, 'Orders and fills');
      await page.getByRole('row', { name: new RegExp(orderKey) }).waitFor();

      await open(page, 'Audit trail');
      await page.getByLabel('Search the rows').fill(`plan ORDER#${orderKey}`);
      await page
        .getByRole('row', { name: new RegExp(orderKey) })
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Verify', exact: true }).click();
      await page.getByText('The audit trail is whole').waitFor({ timeout: 60_000 });

      await open(page, 'Backups');
      await page.getByRole('button', { name: new RegExp(backup) }).click({ timeout: 70_000 });
      await page.locator(`[data-manifest="${backup}"]`).waitFor();
      await page.getByRole('button', { name: 'Verify', exact: true }).click();
      await page.getByText(/are what was written/).waitFor({ timeout: 60_000 });

      // Nothing is wider than a phone, in any view.
      await page.keyboard.press('Escape');
      await page.setViewportSize({ width: 360, height: 760 });
      const links = await page.getByRole('navigation').getByRole('link').all();
      expect(links.length).toBe(10);
      for (const link of links) {
        await link.click();
        await expect.poll(() => link.getAttribute('aria-current')).toBe('page');
        await page.locator('.skeleton').first().waitFor({ state: 'detached' });
        expect(await page.evaluate('document.documentElement.scrollWidth'), page.url()).toBe(360);
      }
      expect(complaints).toEqual([]);

      // A second approval of the same plan is the command's to refuse, and it does.
      const again = await evenkeel('plan', 'approve', hash, '--reason', 'again', '--yes');
      expect(again).toMatchObject({ code: 3, stderr: expect.stringContaining('PLAN_ALREADY_APPLIED') });

      expect(await running.interrupt()).toEqual([130, null]);
      await page.getByText('lost, trying again').waitFor();
    });
  },
);

async function open(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: view }).click();
  await page.getByRole('heading', { level: 1, name: view }).waitFor();
}
