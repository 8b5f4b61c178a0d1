import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { CliError, exit } from './exit.ts';

/** Where the running sandbox answers in AWS's place. */
export interface SandboxPlace {
  readonly endpoint: string;
  readonly region: string;
}

export const defaultDataDir = '.evenkeel/sandbox';

const schema = z.object({ endpoint: z.url(), region: z.string().min(1) });

/**
 * Reads what the sandbox wrote when it started.
 *
 * @throws CliError SANDBOX_NOT_RUNNING
 */
export function findSandbox(dataDir: string): SandboxPlace {
  const file = join(dataDir, 'endpoint.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw sandboxNotRunning(dataDir);
  }
  const parsed = schema.safeParse(parse(text));
  if (!parsed.success) {
    throw new CliError(
      'SANDBOX_FILE_UNUSABLE',
      `${file} does not say where the sandbox is. Stop the sandbox, delete that file, and start it again: npm run sandbox.`,
      exit.unreachable,
    );
  }
  return parsed.data;
}

export function sandboxNotRunning(dataDir: string): CliError {
  return new CliError(
    'SANDBOX_NOT_RUNNING',
    `No sandbox runs in ${dataDir}. Start it in another terminal: ${startCommand(dataDir)}. For a deployed stage say which one: --stage paper.`,
    exit.unreachable,
  );
}

/** What starts a sandbox in this folder. */
export function startCommand(dataDir: string): string {
  return dataDir === defaultDataDir ? 'npm run sandbox' : `npm run sandbox -- --data ${dataDir}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
