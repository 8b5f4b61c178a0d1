import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { defaultDataDir } from './sandbox-place.ts';

const answerWithinMs = 2_000;
const place = z.object({ gatewayControlPort: z.int().min(1).max(65_535) });
const gatewayStatus = z.object({ ended: z.boolean() });

/** Whether the tape of a sandbox has been played to its end. False where nobody says so, and with a real gateway. */
export async function hasTapeEnded(dataDir: string): Promise<boolean> {
  try {
    const { gatewayControlPort } = place.parse(
      JSON.parse(readFileSync(join(dataDir, 'endpoint.json'), 'utf8')),
    );
    const answer = await fetch(`http://127.0.0.1:${gatewayControlPort}/status`, {
      signal: AbortSignal.timeout(answerWithinMs),
    });
    return gatewayStatus.parse(await answer.json()).ended;
  } catch {
    // Then nothing is known of a tape, and the doctor goes by the ticks.
    return false;
  }
}

/** What begins the tape anew, with an empty book. */
export function freshCommand(dataDir: string): string {
  return dataDir === defaultDataDir
    ? 'npm run sandbox -- --fresh'
    : `npm run sandbox -- --data ${dataDir} --fresh`;
}
