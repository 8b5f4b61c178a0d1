/**
 * Writes the items of one table as parts, a line each: compressed, hashed, put. Memory is bounded: a few parts are under
 * way, and whoever adds items waits for a place. Compression works on other threads while the next items come in.
 */
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { backupId, partKey } from '../domain/backup/backup-id.ts';
import type { ItemSpan } from '../domain/backup/item-text.ts';
import type { BackedUpTable, BackupPart } from '../domain/backup/manifest.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { StoredPage } from '../ports/table-scan.ts';
import { sha256Of } from './part-reader.ts';

const compress = promisify(zstdCompress);

/**
 * Of a book and its trail level 3 leaves 5.0 %, level 5 4.0 %, level 7 3.6 %, level 9 3.5 % and level 12 3.4 %, for 1.3,
 * 2.4, 3.5, 4.5 and 10 ms of a processor a megabyte (of a book as `npm run bench -- backup` makes it). Level 7 stores a
 * quarter less than level 3 for as long as the lock holds, and takes less time than reading the pages does; on the one
 * processor of a Lambda both together are faster than DynamoDB hands its pages out. Above it only the time grows.
 */
export const compressionLevel = 7;

/** Before compression. Small enough for several in memory, large enough for few requests. */
export const partBytesMax = 8 * 1024 * 1024;
/** Parts that are compressed or stored at the same time, beside the one that is being filled. */
const underWayMax = 2;

const lineStart = Buffer.from('{"Item":');
const closeBrace = 0x7d;
const newline = 0x0a;
/** Bytes of a line beside its item. */
const aroundItem = lineStart.length + 2;

export const partContentType = 'application/zstd';

export interface PartWriterOptions {
  readonly store: Pick<ObjectStore, 'put'>;
  readonly table: BackedUpTable;
  readonly name: BackupName;
  readonly partBytes?: number;
  /** Buffers that are not in use, of this writer and of those after it: they are too large to make anew each time. */
  readonly idle: Buffer[];
}

/** The id under which the parts are put. The first part decides it: of two backups of one second one takes the next. */
export class BackupName {
  /** The id, once it is taken. */
  readonly taken: Promise<string>;
  readonly #startedMs: number;
  readonly #take: PromiseWithResolvers<string>;

  /** @param startedMs Unix milliseconds, UTC */
  constructor(startedMs: number) {
    this.#startedMs = startedMs;
    this.#take = Promise.withResolvers();
    this.taken = this.#take.promise;
    // Who claims hears of a failure by himself.
    this.taken.catch(() => undefined);
  }

  /** Puts the first part of all under an id that is free, and so takes it. */
  async claim(put: (id: string) => Promise<'stored' | 'exists'>): Promise<string> {
    try {
      for (let second = 0; ; second += 1) {
        const id = backupId(new Date(this.#startedMs + second * 1_000).toISOString());
        if ((await put(id)) === 'exists') continue;
        this.#take.resolve(id);
        return id;
      }
    } catch (error) {
      this.#take.reject(error);
      throw error;
    }
  }
}

export class PartWriter {
  readonly #options: PartWriterOptions;
  readonly #partBytes: number;
  readonly #parts: BackupPart[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #buffer: Buffer;
  #filled = 0;
  #lines = 0;
  #sealed = 0;
  #items = 0;
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: PartWriterOptions) {
    this.#options = options;
    this.#partBytes = options.partBytes ?? partBytesMax;
    this.#buffer = this.#freshBuffer();
  }

  /** Lines so far. */
  get items(): number {
    return this.#items + this.#lines;
  }

  /** Of them, before compression. */
  get bytes(): number {
    return this.#bytes + this.#filled;
  }

  /**
   * Takes the items of a page for which `isWanted` says so, and resolves when there is room for more. Several may add at
   * the same time.
   */
  async add<Span extends ItemSpan>(
    { bytes, items }: StoredPage<Span>,
    isWanted: (item: Span) => boolean,
  ): Promise<void> {
    const page = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const item of items) {
      if (!isWanted(item)) continue;
      const { start, end } = item;
      this.#makeRoom(end - start + aroundItem);
      const buffer = this.#buffer;
      lineStart.copy(buffer, this.#filled);
      const lineEnd =
        this.#filled + lineStart.length + page.copy(buffer, this.#filled + lineStart.length, start, end);
      buffer[lineEnd] = closeBrace;
      buffer[lineEnd + 1] = newline;
      this.#filled = lineEnd + 2;
      this.#lines += 1;
      while (this.#underWay.size >= underWayMax) await Promise.race(this.#underWay);
      this.#check();
    }
  }

  /** The parts in the order of their keys, once all are stored. The first table's has at least one, if empty. */
  async end({ atLeastOne = false } = {}): Promise<readonly BackupPart[]> {
    if (this.#lines > 0 || (atLeastOne && this.#sealed === 0)) this.#seal();
    await this.settled();
    this.#release(this.#buffer);
    this.#check();
    return this.#parts;
  }

  /** Resolves when nothing is under way any more, however it went. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #makeRoom(bytes: number): void {
    if (this.#filled + bytes <= this.#buffer.length) return;
    if (this.#lines > 0) this.#seal();
    // One item alone can be larger than a part only where parts are made small.
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  #seal(): void {
    const buffer = this.#buffer;
    const bytes = buffer.subarray(0, this.#filled);
    const index = this.#sealed;
    const lines = this.#lines;
    this.#sealed += 1;
    this.#items += lines;
    this.#bytes += this.#filled;
    this.#buffer = this.#freshBuffer();
    this.#filled = 0;
    this.#lines = 0;
    const work = this.#write(index, lines, bytes)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#underWay.delete(work);
        this.#release(buffer);
      });
    this.#underWay.add(work);
  }

  async #write(index: number, items: number, bytes: Buffer): Promise<void> {
    const { store, table, name } = this.#options;
    const compressed = compress(bytes, {
      chunkSize: 1024 * 1024,
      params: { [constants.ZSTD_c_compressionLevel]: compressionLevel },
      pledgedSrcSize: bytes.length,
    });
    const put = async (id: string): Promise<'stored' | 'exists'> =>
      store.put(
        { key: partKey(id, table, index), body: await compressed, contentType: partContentType },
        { onlyIfNew: true },
      );
    const isFirst = table === 'book' && index === 0;
    const id = isFirst ? await name.claim(put) : await name.taken;
    // Under an id that is ours a part is there already only when the answer to a first attempt was lost.
    if (!isFirst) await put(id);
    const body = await compressed;
    this.#parts[index] = {
      table,
      key: partKey(id, table, index),
      items,
      bytes: bytes.length,
      storedBytes: body.length,
      sha256: sha256Of(body),
    };
  }

  #freshBuffer(): Buffer {
    return this.#options.idle.pop() ?? Buffer.allocUnsafeSlow(this.#partBytes);
  }

  #release(buffer: Buffer): void {
    if (buffer.length === this.#partBytes) this.#options.idle.push(buffer);
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
