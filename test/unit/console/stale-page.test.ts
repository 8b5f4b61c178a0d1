import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundlePage } from '../../../console/server/bundle.ts';
import type { Answer } from '../../../console/server/commands.ts';
import { type ConsoleServer, startConsole } from '../../../console/server/server.ts';
import { startBrowser, type TestBrowser, whyNoBrowser } from '../../helpers/console-browser.ts';
import { status } from '../../helpers/console-status.ts';

const noBrowser = await whyNoBrowser();
const skipped = noBrowser === undefined ? '' : ` (skipped: no browser starts here: ${noBrowser})`;
const refused: Answer = { ok: false, code: 'THROTTLED', message: 'too many reads', exitCode: 1 };

/** What every other command answers: nothing of anything. */
const empty = { account: 'DU1', rows: [], more: false, positions: [], alerts: [], channels: [] };

let browser: TestBrowser | undefined;
let server: ConsoleServer;
let isBroken = false;
/** How far the console's clock is ahead of this one. */
let aheadMs = 0;

beforeAll(async () => {
  if (noBrowser !== undefined) return;
  const answer = async (argv: readonly string[]): Promise<Answer> => {
    if (isBroken) return refused;
    if (argv[0] === 'status') return { ok: true, result: status(), exitCode: 0 };
    return { ok: true, result: empty, exitCode: 0 };
  };
  server = await startConsole({
    port: 0,
    files: await bundlePage(),
    run: { read: answer, act: answer },
    broker: async () => null,
    fingerprint: async () => '1',
    about: { stage: 'paper', account: 'DU1', timeZone: 'UTC', version: '0' },
    nowMs: () => Date.now() + aheadMs,
  });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

it.skipIf(noBrowser !== undefined)(
  `a page never calls old data live: it says how old it is and why, in each view, and in a new tab too${skipped}`,
  async () => {
    const page = await browser!.context.newPage();
    await page.goto(server.url);
    const head = page.getByRole('banner');
    await head.getByText(/^✓live$/).waitFor();

    isBroken = true;
    aheadMs = 40_000;
    await head.getByText(/^✕?status 4\d s old$/).waitFor();
    const why = page.getByRole('alert').filter({ hasText: 'THROTTLED too many reads' });
    await why.waitFor();
    await page.getByText(/^What you see of status is from 4\d s ago\.$/).waitFor();

    // Another view has the status in its head; its own data was never read.
    await page.getByRole('navigation').getByRole('link', { name: 'Audit trail' }).click();
    await page.getByRole('heading', { level: 1, name: 'Audit trail' }).waitFor();
    await page.getByText('Nothing of audit was read yet.').waitFor();
    await page.getByText(/^What you see of status is from \d+ s ago\.$/).waitFor();
    expect(await why.count()).toBe(1);

    const second = await browser!.context.newPage();
    await second.goto(server.url);
    await second.getByText(/^What you see of status is from \d+ s ago\.$/).waitFor();
    expect(
      await second
        .getByRole('banner')
        .getByText(/^✓live$/)
        .count(),
    ).toBe(0);

    isBroken = false;
    await head.getByText(/^✓live$/).waitFor();
    expect(await page.locator('.fault').count()).toBe(0);
  },
);
