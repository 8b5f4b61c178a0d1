/**
 * The disk under the streamer's outbox. Where this user may mount, it is a small file system of its own, which is then
 * filled (ENOSPC); elsewhere SQLite is held to the pages that it has (SQLITE_FULL).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DiskSetting {
  /** Least and most that a write takes; null for none. */
  readonly slowMs: readonly [number, number] | null;
  readonly isFull: boolean;
}

/** The outbox's file, its log before the first checkpoint, and some room. */
const sizeBytes = 6 << 20;
const pieceBytes = 64 << 10;

export class Disk {
  /** How it becomes full. */
  readonly form: 'tmpfs' | 'page limit';
  readonly #folder: string;
  readonly #control: string;

  /** @param mayMount false for the form that needs nothing */
  constructor(parent: string, mayMount: boolean) {
    this.#folder = join(parent, 'disk');
    this.#control = join(parent, 'disk.json');
    mkdirSync(this.#folder);
    this.form = mayMount && mount(this.#folder) ? 'tmpfs' : 'page limit';
    this.#set({ slowMs: null, isFull: false });
  }

  get env(): Record<string, string> {
    return {
      DB_PATH: join(this.#folder, 'streamer.db'),
      NODE_OPTIONS: `--import ${new URL('./disk-preload.ts', import.meta.url).href}`,
      EVENKEEL_CHAOS_DISK: this.#control,
    };
  }

  slow(leastMs: number, mostMs: number): void {
    this.#set({ slowMs: [leastMs, mostMs], isFull: false });
  }

  fill(): void {
    if (this.form === 'page limit') {
      this.#set({ slowMs: null, isFull: true });
      return;
    }
    for (let size = pieceBytes, number = 0; size >= 1; number += 1) {
      try {
        writeFileSync(join(this.#folder, `filler-${number}`), Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size >>= 1;
      }
    }
  }

  /** Sound again. */
  heal(): void {
    this.#set({ slowMs: null, isFull: false });
    for (const name of readdirSync(this.#folder))
      if (name.startsWith('filler-')) rmSync(join(this.#folder, name));
  }

  /** Once nothing uses it any more. */
  remove(): void {
    if (this.form === 'tmpfs') execFileSync('umount', [this.#folder], { stdio: 'ignore' });
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #set(setting: DiskSetting): void {
    writeFileSync(`${this.#control}.tmp`, JSON.stringify(setting));
    renameSync(`${this.#control}.tmp`, this.#control);
  }
}

function mount(folder: string): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'evenkeel-chaos', folder], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}
