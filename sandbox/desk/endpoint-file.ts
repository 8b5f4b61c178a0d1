import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a running sandbox is, for the operator's CLI: `endpoint.json` in the data folder. */
export interface SandboxPlace {
  /** Of the local cloud, for AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  readonly region: string;
  readonly stage: string;
  readonly gatewayPort: number | undefined;
  /** Of the simulated gateway; left out with a real one. */
  readonly gatewayControlPort: number | undefined;
  /** Of the sandbox: a file whose process is gone was left by a crash. */
  readonly pid: number;
}

export const ENDPOINT_FILE = 'endpoint.json';

/** Writes the file, readable by its owner only: the endpoint asks nobody for a password. */
export function announce(dataDir: string, place: SandboxPlace): { remove(): void } {
  const file = join(dataDir, ENDPOINT_FILE);
  writeFileSync(`${file}.tmp`, `${JSON.stringify(place, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
  return { remove: () => rmSync(file, { force: true }) };
}
