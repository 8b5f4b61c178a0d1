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
import type { StoredLine, TableScan } from '../ports/table-scan.ts';

/** A page has at most 1 MB, and a large table may be busy. */
const patience = { connectionTimeout: 3_000, requestTimeout: 30_000, throwOnRequestTimeout: true } as const;

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
    { index, of }: { readonly index: number; readonly of: number },
  ): AsyncGenerator<readonly StoredLine[], void, undefined> {
    const inbox = new Inbox();
    let from: Record<string, AttributeValue> | undefined;
    do {
      const page = await this.#page(inbox, {
        TableName: table,
        ConsistentRead: true,
        Segment: index,
        TotalSegments: of,
        Limit: this.#pageItems,
        ExclusiveStartKey: from,
      });
      yield* linesOf(page);
      from = page.next;
    } while (from !== undefined);
  }

  /** Partitions of a table, one request each: from each the scan goes on behind its last possible sort key. */
  async *partitions(table: string): AsyncGenerator<string, void, undefined> {
    const inbox = new Inbox();
    let from: Record<string, AttributeValue> | undefined;
    for (;;) {
      const page = await this.#page(inbox, {
        TableName: table,
        ConsistentRead: true,
        Limit: 1,
        ExclusiveStartKey: from,
      });
      const [span] = page.spans;
      if (span === undefined) return;
      const { pk } = lineOf(page.bytes, span);
      yield pk;
      from = { pk: { S: pk }, sk: { S: lastSortKey } };
    }
  }

  async #page(inbox: Inbox, input: ScanCommandInput): Promise<Page> {
    let items: Omit<Page, 'next'> = { bytes: noBytes, spans: [] };
    const command = new ScanCommand(input);
    // Next to the wire: the SDK then reads what is left of the answer, and asks again when this throws.
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const response = result.response as RawResponse;
        if (response.statusCode !== 200) return result;
        const bytes = await inbox.take(response.body);
        checkCrc(bytes, response.headers['x-amz-crc32']);
        const { spans, rest } = cut(bytes);
        items = { bytes, spans };
        return { ...result, response: Object.assign(response, { body: rest }) };
      },
      { step: 'deserialize', priority: 'low', name: 'cutItems' },
    );
    const { LastEvaluatedKey: next } = await this.#client.send(command);
    return { ...items, next };
  }
}

/** Tables of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openTableScan(): DynamoTableScan {
  return new DynamoTableScan({ client: new DynamoDBClient({ requestHandler: patience, maxAttempts: 8 }) });
}

/** An answer as it lies in the inbox; valid until the next one. */
interface Page {
  readonly bytes: Buffer;
  readonly spans: readonly ItemSpan[];
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
function cut(bytes: Buffer): { spans: readonly ItemSpan[]; rest: Buffer } {
  const spans: ItemSpan[] = [];
  const start = arrayStart(bytes, itemsName);
  if (start < 0) return { spans, rest: Buffer.from(bytes) };
  let end = start;
  for (let at = nextItem(bytes, start); at >= 0; at = nextItem(bytes, end)) {
    const span = itemAt(bytes, at);
    spans.push(span);
    end = span.end;
  }
  return { spans, rest: Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]) };
}

/** A few lines at a time: text that is used at once is young when it dies, and costs no memory to speak of. */
function* linesOf({ bytes, spans }: Page): Generator<readonly StoredLine[], void, undefined> {
  let lines: StoredLine[] = [];
  let from = spans[0]?.start ?? 0;
  for (const span of spans) {
    lines.push(lineOf(bytes, span));
    if (span.end - from < linesBytes) continue;
    yield lines;
    lines = [];
    from = span.end;
  }
  yield lines;
}

function lineOf(bytes: Buffer, { start, end, isCompact, ...keys }: ItemSpan): StoredLine {
  return {
    pk: keyText(bytes, keys.pkStart, keys.pkEnd),
    sk: keyText(bytes, keys.skStart, keys.skEnd),
    text: isCompact
      ? lineText(bytes, start, end)
      : `{"Item":${JSON.stringify(JSON.parse(bytes.toString('utf8', start, end)))}}`,
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
