/**
 * Whole tables of DynamoDB. The SDK's way from an answer to items and back to text costs several times what compression
 * and hashing cost, so items are cut out of the answer's bytes as they came; `x-amz-crc32` says whether those are what
 * DynamoDB sent.
 */
import { crc32 } from 'node:zlib';
import {
  type AttributeValue,
  DynamoDBClient,
  ScanCommand,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb';
import { arrayStart, type ItemSpan, itemAt, nextItem } from '../domain/backup/item-text.ts';
import type { StoredLine, StoredPage, TableScan } from '../ports/table-scan.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** A page has at most 1 MB, and a large table may be busy. */
const patience = { ...requestPatience, requestTimeout: 30_000 } as const;

/** A page of 1 MB is somewhat more as JSON. */
const inboxBytes = 2 * 1024 * 1024;
/** Of items that are handed on together. */
const linesBytes = 128 * 1024;
const noBytes = Buffer.alloc(0);
const itemsName = Buffer.from('Items');
const lineStart = Buffer.from('{"Item":');
const closeBrace = 0x7d;
/** Behind every sort key of this project. */
const lastSortKey = '\u{10ffff}';

export interface DynamoTableScanOptions {
  readonly client: DynamoDBClient;
  /** Items of a page; DynamoDB's own 1 MB when left out. */
  readonly pageItems?: number;
}

/** The bytes of an answer are not those that were sent. The SDK asks again. */
export class ScanAnswerError extends Error {
  override readonly name = 'ScanAnswerError';
  readonly code = 'SCAN_ANSWER_DAMAGED';
  /** To the SDK's retries this is a failure that passes. */
  readonly $retryable = { throttling: false };

  constructor(expected: string, found: number) {
    super(
      `SCAN_ANSWER_DAMAGED: A page of a table came with the CRC32 ${found}, DynamoDB says ${expected}; it was not used. ` +
        'If this stays, look at what stands between this program and DynamoDB.',
    );
  }
}

export class DynamoTableScan implements TableScan {
  readonly #client: DynamoDBClient;
  readonly #pageItems: number | undefined;

  constructor({ client, pageItems }: DynamoTableScanOptions) {
    this.#client = client;
    this.#pageItems = pageItems;
  }

  async *segment(
    table: string,
    segment: { readonly index: number; readonly of: number },
  ): AsyncGenerator<readonly StoredLine[], void, undefined> {
    for await (const page of this.pages(table, segment, itemAt)) yield* linesOf(page);
  }

  async *pages<Span extends ItemSpan>(
    table: string,
    { index, of }: { readonly index: number; readonly of: number },
    read: ReadItem<Span>,
  ): AsyncGenerator<Page<Span>, void, undefined> {
    const inbox = new Inbox();
    let from: Record<string, AttributeValue> | undefined;
    do {
      const input = {
        TableName: table,
        ConsistentRead: true,
        Segment: index,
        TotalSegments: of,
        Limit: this.#pageItems,
        ExclusiveStartKey: from,
      };
      const page: Page<Span> = await this.#page(inbox, read, input);
      yield page;
      from = page.next;
    } while (from !== undefined);
  }

  /** Partitions of a table, one request each: from each the scan goes on behind its last possible sort key. */
  async *partitions(table: string): AsyncGenerator<string, void, undefined> {
    const inbox = new Inbox();
    let from: Record<string, AttributeValue> | undefined;
    for (;;) {
      const page = await this.#page(inbox, itemAt, {
        TableName: table,
        ConsistentRead: true,
        Limit: 1,
        ExclusiveStartKey: from,
      });
      const [span] = page.items;
      if (span === undefined) return;
      const { pk } = lineOf(page.bytes, span);
      yield pk;
      from = { pk: { S: pk }, sk: { S: lastSortKey } };
    }
  }

  async #page<Span extends ItemSpan>(
    inbox: Inbox,
    read: ReadItem<Span>,
    input: ScanCommandInput,
  ): Promise<Page<Span>> {
    let found: Omit<Page<Span>, 'next'> = { bytes: noBytes, items: [] };
    const command = new ScanCommand(input);
    // Next to the wire: the SDK then reads what is left of the answer, and asks again when this throws.
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const response = result.response as RawResponse;
        if (response.statusCode !== 200) return result;
        const bytes = await inbox.take(response.body);
        checkCrc(bytes, response.headers['x-amz-crc32']);
        const { items, rest } = cut(bytes, read);
        found = items.every(({ isCompact }) => isCompact) ? { bytes, items } : compacted(bytes, items, read);
        return { ...result, response: Object.assign(response, { body: rest }) };
      },
      { step: 'deserialize', priority: 'low', name: 'cutItems' },
    );
    const { LastEvaluatedKey: next } = await this.#client.send(command);
    return { ...found, next };
  }
}

/** Tables of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openTableScan(): DynamoTableScan {
  return new DynamoTableScan({
    client: unlogged(new DynamoDBClient({ requestHandler: patience, maxAttempts: 8 })),
  });
}

type ReadItem<Span> = (bytes: Uint8Array, start: number) => Span;

/** An answer as it lies in the inbox; valid until the next one. */
interface Page<Span extends ItemSpan = ItemSpan> extends StoredPage<Span> {
  readonly bytes: Buffer;
  readonly next: Record<string, AttributeValue> | undefined;
}

interface RawResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Where one answer after another is put together: what is cut out of it are copies, so the next may lie over it. */
class Inbox {
  #bytes = Buffer.allocUnsafeSlow(inboxBytes);

  async take(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
    let filled = 0;
    for await (const chunk of body) {
      if (filled + chunk.length > this.#bytes.length) {
        const larger = Buffer.allocUnsafeSlow((filled + chunk.length) * 2);
        this.#bytes.copy(larger, 0, 0, filled);
        this.#bytes = larger;
      }
      this.#bytes.set(chunk, filled);
      filled += chunk.length;
    }
    return this.#bytes.subarray(0, filled);
  }
}

function checkCrc(bytes: Buffer, expected: string | undefined): void {
  if (expected === undefined) return;
  const found = crc32(bytes);
  if (found !== Number(expected)) throw new ScanAnswerError(expected, found);
}

/** Where the items of an answer are, and a copy of the answer without them. */
function cut<Span extends ItemSpan>(
  bytes: Buffer,
  read: ReadItem<Span>,
): { items: readonly Span[]; rest: Buffer } {
  const items: Span[] = [];
  const start = arrayStart(bytes, itemsName);
  if (start < 0) return { items, rest: Buffer.from(bytes) };
  let end = start;
  for (let at = nextItem(bytes, start); at >= 0; at = nextItem(bytes, end)) {
    const item = read(bytes, at);
    items.push(item);
    end = item.end;
  }
  return { items, rest: Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]) };
}

/** DynamoDB writes without white space; an engine that does not costs the parsing. */
function compacted<Span extends ItemSpan>(
  bytes: Buffer,
  items: readonly ItemSpan[],
  read: ReadItem<Span>,
): Omit<Page<Span>, 'next'> {
  const texts = items.map(({ start, end }) => JSON.parse(bytes.toString('utf8', start, end)) as unknown);
  const page = Buffer.from(`{"Items":${JSON.stringify(texts)}}`);
  return { bytes: page, items: cut(page, read).items };
}

/** A few lines at a time: text that is used at once is young when it dies, and costs no memory to speak of. */
function* linesOf({ bytes, items }: Page): Generator<readonly StoredLine[], void, undefined> {
  let lines: StoredLine[] = [];
  let from = items[0]?.start ?? 0;
  for (const item of items) {
    lines.push(lineOf(bytes, item));
    if (item.end - from < linesBytes) continue;
    yield lines;
    lines = [];
    from = item.end;
  }
  yield lines;
}

function lineOf(bytes: Buffer, { start, end, pkStart, pkEnd, skStart, skEnd }: ItemSpan): StoredLine {
  return {
    pk: keyText(bytes, pkStart, pkEnd),
    sk: keyText(bytes, skStart, skEnd),
    text: lineText(bytes, start, end),
  };
}

/**
 * The line is made in the place of its item, over the end of the one before it, which is a line already: text that is
 * put together of pieces would be copied once more. The first item stands behind `"Items":[`.
 */
function lineText(bytes: Buffer, start: number, end: number): string {
  const behind = bytes[end] ?? closeBrace;
  lineStart.copy(bytes, start - lineStart.length);
  bytes[end] = closeBrace;
  const text = bytes.toString('utf8', start - lineStart.length, end + 1);
  bytes[end] = behind;
  return text;
}

function keyText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}
