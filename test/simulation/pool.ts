/** Seeds over processes: each gets the next one when it has ended the last. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SentOptions, Told } from './worker.ts';

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** A worker ended although it was not told to. */
export class WorkerLostError extends Error {
  override readonly name = 'WorkerLostError';
  readonly code = 'SIMULATION_WORKER_LOST';

  constructor(seed: number, how: string) {
    super(
      `SIMULATION_WORKER_LOST: The process that simulated seed ${seed} ended (${how}). Its last words are above. Run that seed alone: npm run simulate -- --seed ${seed}`,
    );
  }
}

/**
 * @param told is told of each result as it comes; false ends everything
 * @throws WorkerLostError
 */
export async function simulateAll(
  all: Iterable<SentOptions>,
  workers: number,
  told: (result: Told) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const left = all[Symbol.iterator]();
  const running = new Set<ChildProcess>();
  const end = (): void => {
    for (const child of running) child.kill('SIGKILL');
  };
  let isOver = false;
  signal.addEventListener('abort', end, { once: true });
  const runOne = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(worker, [], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        execArgv: ['--disable-warning=ExperimentalWarning'],
      });
      running.add(child);
      let seed = 0;
      const next = (): void => {
        const { value, done } = isOver || signal.aborted ? { value: undefined, done: true } : left.next();
        if (done === true || value === undefined) {
          isOver = true;
          child.removeAllListeners('exit');
          running.delete(child);
          child.kill('SIGKILL');
          resolve();
          return;
        }
        seed = value.seed;
        child.send(value);
      };
      child.on('message', (result: Told) => {
        if (!told(result)) isOver = true;
        next();
      });
      child.once('error', reject);
      child.once('exit', (code, by) => {
        running.delete(child);
        if (signal.aborted || isOver) resolve();
        else reject(new WorkerLostError(seed, by ?? `exit code ${code}`));
      });
      next();
    });
  try {
    await Promise.all(Array.from({ length: workers }, runOne));
  } finally {
    isOver = true;
    end();
  }
}
