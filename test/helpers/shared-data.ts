import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const candidate =
  process.env.EVENKEEL_SHARED_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/**
 * The folder of real ticks, vendor bars and recorded messages that lies beside the checkout where it is present.
 * Tests that need it are skipped, by name, where it is not.
 */
export const sharedDataDir: string | undefined = existsSync(candidate) ? candidate : undefined;

export const whenAbsent = 'needs real data in ../shared/data, which is not here';
