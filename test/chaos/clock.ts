/** The system clock of a program that was started with `clock-preload.ts`. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ClockSetting {
  readonly offsetMs: number;
  /** Gains so much of the time since it was set: 0.01 is a second in a hundred. */
  readonly driftShare: number;
}

export class Clock {
  readonly #file: string;

  constructor(folder: string, name: string) {
    this.#file = join(folder, `${name}.json`);
    this.set({});
  }

  get env(): Record<string, string> {
    return {
      NODE_OPTIONS: `--import ${new URL('./clock-preload.ts', import.meta.url).href}`,
      EVENKEEL_CHAOS_CLOCK: this.#file,
    };
  }

  set({ offsetMs = 0, driftShare = 0 }: Partial<ClockSetting>): void {
    writeFileSync(`${this.#file}.tmp`, JSON.stringify({ offsetMs, driftShare }));
    renameSync(`${this.#file}.tmp`, this.#file);
  }
}
