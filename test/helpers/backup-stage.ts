import { digest } from '../../lib/aws/audit-hash.ts';
import { storedKeys } from '../../lib/aws/stored-keys.ts';
import { DynamoTableScan } from '../../lib/aws/table-scan.ts';
import { type MadeBackup, type MakeBackupOptions, makeBackup } from '../../lib/backup/make-backup.ts';
import type { BackupStore } from '../../lib/ports/backup-store.ts';
import type { BookTables } from './book-tables.ts';
import type { DynamoEngine } from './dynamo-engine.ts';

export const place = { stage: 'sandbox', awsAccount: '000000000000', region: 'eu-west-1' } as const;

export const startedMs = Date.UTC(2026, 0, 5, 3, 15);

/** A backup of tables on an engine, on 5 January 2026 at 03:15 if nothing else is said. */
export async function backUp(
  engine: DynamoEngine,
  { book, bookTable, auditTable }: BookTables,
  store: BackupStore,
  more: Partial<MakeBackupOptions> & { readonly pageItems?: number } = {},
): Promise<MadeBackup> {
  const { pageItems, ...options } = more;
  return makeBackup({
    book,
    scan: new DynamoTableScan({
      client: engine.client,
      ...(pageItems === undefined ? {} : { pageItems }),
    }),
    store,
    tables: { book: bookTable, audit: auditTable },
    keys: storedKeys,
    place,
    programVersion: '0.1.0',
    trigger: { kind: 'operator', by: 'somebody', reason: 'test' },
    digest,
    nowMs: () => startedMs,
    ...options,
  });
}
