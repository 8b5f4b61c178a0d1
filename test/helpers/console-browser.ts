/** A real browser for tests of the page: Debian's chromium where it is installed, else the one of an npm package. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BrowserContext, chromium } from 'playwright-core';

const installed = '/usr/bin/chromium';
const packed = import.meta.resolve('@sparticuz/chromium');
const unpacked = fileURLToPath(new URL('../../node_modules/.cache/evenkeel-chromium/', import.meta.url));

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

/** Started to see whether one starts: the first who wants one has it. */
let spare: TestBrowser | undefined;

/** @throws where no browser can start here, with what the loader says is missing */
export async function startBrowser(): Promise<TestBrowser> {
  const started = spare;
  spare = undefined;
  return started ?? launch();
}

async function launch(): Promise<TestBrowser> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-browser-'));
  const executablePath = existsSync(installed) ? installed : await unpackOnce();
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    headless: true,
    args: flags,
    viewport: { width: 1280, height: 900 },
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

/** Two hundred megabytes: kept for later runs, whose temporary folders go away with them. */
async function unpackOnce(): Promise<string> {
  const described = readFileSync(join(dirname(fileURLToPath(packed)), '../package.json'), 'utf8');
  const folder = join(unpacked, (JSON.parse(described) as { version: string }).version);
  if (!existsSync(folder)) {
    mkdirSync(unpacked, { recursive: true });
    const made = mkdtempSync(join(unpacked, 'tmp-'));
    try {
      // It unpacks to the temporary folder of its process.
      const unpack = `await (await import(${JSON.stringify(packed)})).default.executablePath()`;
      const args = ['--input-type=module', '--eval', unpack];
      await promisify(execFile)(process.execPath, args, { env: { ...process.env, TMPDIR: made } });
      renameSync(made, folder);
    } catch (error) {
      // Who was second has the other's.
      if (!existsSync(folder)) throw error;
    } finally {
      rmSync(made, { recursive: true, force: true });
    }
  }
  return join(folder, 'chromium');
}

/** Why no browser starts on this machine; undefined where one does, which then waits for `startBrowser`. */
export async function whyNoBrowser(): Promise<string | undefined> {
  try {
    spare ??= await launch();
    return undefined;
  } catch (error) {
    return String(error instanceof Error ? error.message : error)
      .split('\n')
      .slice(0, 3)
      .join(' ');
  }
}
