import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, spawnGuarded } from '../../sandbox/cloud/child-process.ts';

/** moto is another S3 to check against, written in Python: `pip install 'moto[server]'`. It is not needed. */
const COMMAND = 'moto_server';
const START_MS = 30_000;

/** Where moto_server is; undefined when it is not on the PATH. */
export function findMoto(): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, COMMAND);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // The next folder may have it.
    }
  }
  return undefined;
}

export interface Moto {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

/** Starts moto on a free port of the loopback interface; it ends with this process at the latest. */
export async function startMoto(command: string): Promise<Moto> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawnGuarded(command, ['-H', '127.0.0.1', '-p', String(port)]);
  const giveUp = performance.now() + START_MS;
  while (!(await answers(endpoint))) {
    if (!child.running()) throw new Error(`moto_server ended: ${await child.ended}`);
    if (performance.now() > giveUp) {
      await child.stop();
      throw new Error(`moto_server does not answer after ${START_MS} ms`);
    }
    await sleep(20);
  }
  return { endpoint, stop: child.stop };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/moto-api/`)).ok;
  } catch {
    return false;
  }
}
