/** What ECS does for the streamer's container: starts it again when it has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Desk } from '../../sandbox/desk/desk.ts';

const lookEveryMs = 100;
const restartAfterMs = 1_000;

export interface Ending {
  /** Monotonic. */
  readonly atMs: number;
  /** Exit code, or the error of a start that failed. */
  readonly how: string;
}

export class Keeper {
  readonly endings: Ending[] = [];
  /** False: it stays as it is. */
  isOn = true;
  readonly #desk: Desk;
  #isOver = false;
  #loop: Promise<void> | undefined;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  start(): void {
    this.#loop = this.#keep();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#loop;
  }

  async #keep(): Promise<void> {
    for (; !this.#isOver; await sleep(lookEveryMs)) {
      const pid = this.#desk.streamerPid();
      if (!this.isOn || (pid !== undefined && isAlive(pid))) continue;
      const code = await this.#desk.endStreamer('SIGKILL');
      if (pid !== undefined) this.#note(`code ${code}`);
      await sleep(restartAfterMs);
      if (this.#isOver) return;
      try {
        await this.#desk.startStreamer();
      } catch (error) {
        this.#note((error as Error).message.split('\n')[0] ?? '');
        await this.#desk.endStreamer('SIGKILL');
      }
    }
  }

  #note(how: string): void {
    this.endings.push({ atMs: performance.now(), how });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
