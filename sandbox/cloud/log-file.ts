import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const BYTES_MAX = 20_000_000;
const BUFFER_BYTES_MAX = 1_000_000;
const GATHER_MS = 20;

/**
 * A log of lines in a file. Writes are gathered; at 20 MB the file becomes `<name>.1` and a new one starts, so that a
 * long run cannot fill the disk. When the disk cannot follow, lines are dropped, and the file says how many.
 */
export class LogFile {
  readonly #file: string;
  readonly #mayWrite: () => boolean;
  #buffer: string[] = [];
  #bufferedBytes = 0;
  #dropped = 0;
  #bytes: number | undefined;
  #writing: Promise<void> | undefined;

  /** @param mayWrite asked before each write; what may not be written is lost */
  constructor(file: string, mayWrite: () => boolean = () => true) {
    this.#file = file;
    this.#mayWrite = mayWrite;
  }

  line(text: string): void {
    this.#add(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Takes what a process writes, line by line; a line that says no time itself gets one, as Lambda does it. */
  pipe(stream: Readable): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) this.#add(`${timed(text)}\n`);
    });
    stream.on('end', () => {
      if (rest !== '') this.#add(`${timed(rest)}\n`);
    });
  }

  /** Resolves when everything so far is in the file. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #add(text: string): void {
    if (this.#bufferedBytes + text.length > BUFFER_BYTES_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#buffer.push(text);
    this.#bufferedBytes += text.length;
    this.#writing ??= this.#write()
      .catch(() => {
        // A full disk must not stop the system that is being watched; the loss is counted.
        this.#dropped += 1;
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #write(): Promise<void> {
    // One write for what a burst of invocations prints, instead of one for each line.
    await sleep(GATHER_MS, undefined, { ref: false });
    await mkdir(path.dirname(this.#file), { recursive: true });
    this.#bytes ??= await stat(this.#file).then(
      (s) => s.size,
      () => 0,
    );
    while (this.#buffer.length > 0) {
      const note =
        this.#dropped > 0 ? `(${this.#dropped} pieces of output dropped: the disk was too slow)\n` : '';
      const text = this.#buffer.join('') + note;
      this.#buffer = [];
      this.#bufferedBytes = 0;
      this.#dropped = 0;
      if (!this.#mayWrite()) continue;
      if (this.#bytes > BYTES_MAX) {
        await rename(this.#file, `${this.#file}.1`);
        this.#bytes = 0;
      }
      await appendFile(this.#file, text);
      this.#bytes += text.length;
    }
  }
}

function timed(text: string): string {
  return text.startsWith('{') ? text : `${new Date().toISOString()}\t${text}`;
}
