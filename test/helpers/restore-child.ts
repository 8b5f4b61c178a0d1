/**
 * A restore as a process of its own, for tests that kill it: `restore-child.ts <endpoint> <names> <bucket>`. It prints
 * `here` and stands still when half of the book's items are put.
 */
import { openRestoreTarget, restoreTools } from '../../lib/aws/restore-target.ts';
import { restoreBackup } from '../../lib/backup/restore.ts';
import type { TableLoad } from '../../lib/ports/table-load.ts';
import { FolderBucket } from './folder-bucket.ts';
import { clientOf, place } from './restore-desk.ts';

const [endpoint = '', names = '{}', folder = ''] = process.argv.slice(2);
const tables = JSON.parse(names) as { book: string; audit: string; control: string };
const target = openRestoreTarget(clientOf(endpoint), tables);
const load: TableLoad = {
  async put(table, lines) {
    if (table !== tables.book) return target.load.put(table, lines);
    await target.load.put(table, lines.slice(0, lines.length / 2));
    console.log('here');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
};
await restoreBackup({
  store: new FolderBucket(folder),
  target: { ...target, load },
  tools: restoreTools,
  place,
  nowMs: Date.now,
  backup: 'latest',
  who: 'somebody',
  reason: 'the table was deleted',
  inPlace: false,
  backupFirst: () => Promise.reject(new Error('nobody asked for a backup')),
});
