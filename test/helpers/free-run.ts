import { setTimeout as sleep } from 'node:timers/promises';
import type { Ended } from './programs.ts';

const attemptsMax = 60;

/**
 * Asks for a reconcile as a person does who is told that another one is under way (that of a streamer's start): once more a
 * moment later.
 */
export async function onceFree(ask: () => Promise<Ended>): Promise<Ended> {
  for (let attempt = 1; ; attempt += 1) {
    const ended = await ask();
    const isBusy = /^SKIPPED BUSY /m.test(ended.stdout) || /"code":\s*"BUSY"/.test(ended.stdout);
    if (!isBusy || attempt === attemptsMax) return ended;
    await sleep(500);
  }
}
