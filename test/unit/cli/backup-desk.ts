import type { StagePorts } from '../../../bin/evenkeel/stage-ports.ts';
import { digest } from '../../../lib/aws/audit-hash.ts';
import { openRestoreTarget } from '../../../lib/aws/restore-target.ts';
import { DynamoScratchTables } from '../../../lib/aws/scratch-tables.ts';
import { storedKeys } from '../../../lib/aws/stored-keys.ts';
import { DynamoTableScan } from '../../../lib/aws/table-scan.ts';
import { makeBackup } from '../../../lib/backup/make-backup.ts';
import type { BackupTrigger } from '../../../lib/domain/backup/manifest.ts';
import type { Json } from '../../../lib/domain/book/item.ts';
import type { BookTables } from '../../helpers/book-tables.ts';
import type { DynamoEngine } from '../../helpers/dynamo-engine.ts';
import { MemoryBackupStore } from '../../helpers/memory-backup-store.ts';

/** Where the backups of the desk are, and what its function does when it is called. */
export interface BackupWorld {
  readonly store: MemoryBackupStore;
  /** Payloads of the calls of the backup function. */
  readonly asked: Json[];
  /** Stands for the function instead of a real backup. */
  answer: (() => Promise<Json>) | undefined;
}

export function createBackupWorld(): BackupWorld {
  return { store: new MemoryBackupStore(), asked: [], answer: undefined };
}

/** The ports of backups over the desk's own tables; the function makes a real backup. */
export function backupPorts(
  world: BackupWorld,
  {
    engine,
    tables: { book, bookTable, auditTable },
    controlTable,
    nowMs,
  }: {
    readonly engine: DynamoEngine;
    readonly tables: BookTables;
    readonly controlTable: string;
    readonly nowMs: () => number;
  },
): Pick<StagePorts, 'backups' | 'functions' | 'restoreTarget' | 'scratch'> {
  const { client } = engine;
  const where = { awsAccount: '000000000000', region: 'us-east-1' };
  const scan = new DynamoTableScan({ client });
  return {
    backups: async () => ({ store: world.store, ...where }),
    functions: {
      call: async (_name, payload) => {
        world.asked.push(payload);
        if (world.answer !== undefined) return world.answer();
        const { trigger, by, reason } = payload as { [name: string]: string };
        const { manifest, durationMs } = await makeBackup({
          book,
          scan,
          store: world.store,
          tables: { book: bookTable, audit: auditTable },
          keys: storedKeys,
          place: { stage: 'sandbox', ...where },
          programVersion: '0.1.0',
          trigger: { kind: trigger, by, reason } as BackupTrigger,
          digest,
          nowMs,
          accounts: ['DU1234567'],
        });
        const { id, number, hash, instant, tables, parts } = manifest;
        const sum = (name: 'items' | 'bytes' | 'storedBytes') =>
          tables.reduce((all, table) => all + table[name], 0);
        return {
          id,
          number,
          hash,
          instant,
          items: sum('items'),
          bytes: sum('bytes'),
          storedBytes: sum('storedBytes'),
          parts: parts.length,
          durationMs,
        };
      },
    },
    // The desk's own tables are not called as those of a stage are; the tables of a drill are what they are called.
    restoreTarget: (named) =>
      openRestoreTarget(
        client,
        named.book.includes('-drill-')
          ? named
          : { book: bookTable, audit: auditTable, control: controlTable },
      ),
    scratch: new DynamoScratchTables({ client, prefix: 'evenkeel-sandbox-drill-', pollSeconds: 1 }),
  };
}
