/**
 * Answers Scan with the pages of a folder, as fast as it can be asked, and takes every BatchWriteItem: tables without the
 * work of tables.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

export interface ScanFeederOptions {
  readonly folder: string;
  readonly accounts: number;
}

export interface ScanFeederTold {
  readonly kind: 'listening';
  readonly port: number;
}

interface Asked {
  readonly TableName: string;
  readonly Segment: number;
  readonly TotalSegments: number;
  readonly ExclusiveStartKey?: { readonly pk: { readonly S: string }; readonly sk: { readonly S: string } };
}

const { folder, accounts } = JSON.parse(process.argv[2] ?? '{}') as ScanFeederOptions;
const checksums = new Map<string, number>();
for (const table of readdirSync(folder)) {
  for (const file of readdirSync(join(folder, table))) {
    const path = join(folder, table, file);
    checksums.set(path, crc32(readFileSync(path)));
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (String(request.headers['x-amz-target']).endsWith('.BatchWriteItem')) {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
      response.end('{"UnprocessedItems":{}}');
      return;
    }
    const path = pathOf(JSON.parse(Buffer.concat(chunks).toString()) as Asked);
    response.writeHead(200, {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-crc32': String(checksums.get(path)),
    });
    response.end(readFileSync(path));
  });
}).listen(0, '127.0.0.1', () => {
  process.send?.({
    kind: 'listening',
    port: (server.address() as AddressInfo).port,
  } satisfies ScanFeederTold);
});

/** One account after the other in each segment: the key says where the next page is. */
function pathOf({ TableName, Segment, TotalSegments, ExclusiveStartKey: from }: Asked): string {
  const [index, page] = from === undefined ? [Segment, 0] : [Number(from.pk.S), Number(from.sk.S)];
  if (index % TotalSegments !== Segment || index >= accounts) throw new Error(`no page ${index}-${page}`);
  return join(folder, TableName, `${index}-${page}.json`);
}
