/** A real browser for tests of the page: Debian's chromium where it is installed, else the one of an npm package. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import serverlessChromium from '@sparticuz/chromium';
import { type BrowserContext, chromium } from 'playwright-core';

const installed = '/usr/bin/chromium';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface TestBrowser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** @throws where no browser can start here, with what the loader says is missing */
export async function startBrowser(
  options: { readonly width?: number; readonly height?: number } = {},
): Promise<TestBrowser> {
  const { width = 1280, height = 900 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-browser-'));
  const executablePath = existsSync(installed) ? installed : await serverlessChromium.executablePath();
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    headless: true,
    args: flags,
    viewport: { width, height },
    colorScheme: 'light',
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Why no browser starts on this machine; undefined where one does. */
export async function whyNoBrowser(): Promise<string | undefined> {
  try {
    const browser = await startBrowser();
    await browser.close();
    return undefined;
  } catch (error) {
    return String(error instanceof Error ? error.message : error)
      .split('\n')
      .slice(0, 3)
      .join(' ');
  }
}
