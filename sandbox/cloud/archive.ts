import { appendFile, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from './errors.ts';
import type { ArchiveModel } from './model.ts';

const DAY_MS = 86_400_000;
const BUFFER_MAX = 50_000;

/**
 * An archive of a bus: every matching event as a line of JSON in `archives/<name>/<UTC day>.ndjson`. Files older than the
 * retention are deleted when a new day's file starts. Like EventBridge's own it is written after PutEvents has answered.
 */
export class EventArchive {
  readonly model: ArchiveModel;
  readonly #folder: string;
  readonly #problem: (message: string) => void;
  #buffer: string[] = [];
  #day = '';
  #writing: Promise<void> | undefined;

  constructor(model: ArchiveModel, dataDir: string, problem: (message: string) => void) {
    this.model = model;
    this.#folder = path.join(dataDir, 'archives', model.name);
    this.#problem = problem;
  }

  append(event: unknown): void {
    if (this.#buffer.length >= BUFFER_MAX) {
      this.#problem(
        `archive ${this.model.name}: the disk is too slow, an event was not archived (its delivery goes on)`,
      );
      return;
    }
    this.#buffer.push(JSON.stringify(event));
    this.#writing ??= this.#write()
      .catch((error: unknown) => this.#problem(`archive ${this.model.name}: ${messageOf(error)}`))
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#buffer.length > 0) {
      const lines = this.#buffer;
      this.#buffer = [];
      const day = new Date().toISOString().slice(0, 10);
      if (day !== this.#day) {
        await mkdir(this.#folder, { recursive: true });
        await this.#expire(day);
        this.#day = day;
      }
      await appendFile(path.join(this.#folder, `${day}.ndjson`), `${lines.join('\n')}\n`);
    }
  }

  async #expire(today: string): Promise<void> {
    if (this.model.retentionDays === 0) return;
    const oldest = new Date(Date.parse(today) - this.model.retentionDays * DAY_MS).toISOString().slice(0, 10);
    for (const file of await readdir(this.#folder)) {
      if (file.endsWith('.ndjson') && file.slice(0, 10) < oldest) await rm(path.join(this.#folder, file));
    }
  }
}
