/** Tables that a restore writes, and the keys and digests that they go by. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { chainTools } from './audit-hash.ts';
import { AuditTable } from './audit-table.ts';
import { BookImportTable } from './book-import.ts';
import { BookTable } from './book-table.ts';
import { accountPartition, auditPartition, auditRowOf, bookRefOf } from './keys.ts';
import { LeaseTable } from './lease-table.ts';
import { requestPatience } from './request-patience.ts';
import { DynamoScratchTables } from './scratch-tables.ts';
import { DynamoTableLoad } from './table-load.ts';
import { DynamoTableScan } from './table-scan.ts';
import { unlogged } from './unlogged.ts';

export const restoreTools = {
  ...chainTools,
  refOf: bookRefOf,
  bookPartition: accountPartition,
  auditPartition,
  auditRowOf,
};

export interface RestoreTables {
  readonly book: string;
  readonly audit: string;
  readonly control: string;
}

export function openRestoreTarget(
  client: DynamoDBClient,
  { book: bookTable, audit: auditTable, control }: RestoreTables,
) {
  const book = new BookTable({ client, bookTable, auditTable });
  return {
    tables: { book: bookTable, audit: auditTable },
    book,
    audit: new AuditTable({ client, auditTable, book }),
    imports: new BookImportTable({ client, bookTable, auditTable, book }),
    scan: new DynamoTableScan({ client }),
    load: new DynamoTableLoad({ client }),
    leases: new LeaseTable({ client, tableName: control, timeoutMs: requestPatience.requestTimeout }),
  };
}

/** What a drill works on, in this process's AWS account: region, credentials and endpoint come from the environment. */
export function openDrillTables({ prefix, liveBook }: { prefix: string; liveBook: string }) {
  const client = unlogged(
    new DynamoDBClient({
      requestHandler: { ...requestPatience, requestTimeout: 30_000 },
      maxAttempts: 8,
    }),
  );
  return {
    scratch: new DynamoScratchTables({ client, prefix }),
    open: (tables: RestoreTables) => openRestoreTarget(client, tables),
    // Read only: a drill writes no book but its own.
    live: new BookTable({ client, bookTable: liveBook, auditTable: '' }),
  };
}
