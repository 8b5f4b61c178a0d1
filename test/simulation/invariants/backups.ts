/** Backups of a run: read back, and whole in themselves. */
import { digest } from '../../../lib/aws/audit-hash.ts';
import { readPart } from '../../../lib/backup/part-reader.ts';
import { verifyBackup } from '../../../lib/backup/verify-backup.ts';
import type { StoredLine } from '../../../lib/ports/table-scan.ts';
import type { Part } from '../world/part.ts';
import type { World } from '../world/world.ts';

const place = { stage: 'sandbox', awsAccount: '111122223333', region: 'us-east-1' };

interface Stored {
  readonly Item: {
    readonly version?: { readonly N: string };
    readonly changes?: { readonly L: readonly { readonly M: Change }[] };
  };
}
interface Change {
  readonly item: { readonly S: string };
  readonly image?: { readonly M?: { readonly version: { readonly N: string } } };
}

/** The last one, and the last that somebody wrote under; every one of them costs as much as the book is large. */
export async function checkBackups(world: World): Promise<void> {
  const { backups, busyBackup } = world.witness;
  const ids = new Set([backups.at(-1), busyBackup]);
  for (const id of ids) if (id !== undefined) await checkBackup(world, id);
}

async function checkBackup({ cloud, witness }: World, id: string): Promise<void> {
  // Without a way over the network, on which time would have to pass.
  const store = cloud.stores.backups.clientOf({
    name: 'witness',
    ask: async (_service: string, _call: string, effect: () => unknown) => effect(),
  } as unknown as Part);
  const { finding, manifest } = await verifyBackup({ store, id, digest, place });
  if (finding !== undefined || manifest === undefined)
    return witness.broken(
      'backup',
      `${id} is not what was written: ${finding?.message ?? 'it has no manifest'}`,
    );
  const written = new Map<string, number>();
  const items = new Map<string, number>();
  for (const part of manifest.parts) {
    for await (const line of readPart(store, part)) {
      if (part.table === 'book') items.set(line.sk, Number(itemOf(line).version?.N ?? 0));
      for (const { M } of itemOf(line).changes?.L ?? []) {
        const version = Number(M.image?.M?.version.N ?? 0);
        written.set(M.item.S, Math.max(written.get(M.item.S) ?? 0, version));
      }
    }
  }
  for (const [sort, version] of items)
    if (!sort.startsWith('AUDIT#') && (written.get(sort) ?? 0) < version)
      witness.broken(
        'backup',
        `${id} has ${sort} at version ${version}, and its trail ends at ${written.get(sort) ?? 0}`,
      );
}

function itemOf({ text }: StoredLine): Stored['Item'] {
  return (JSON.parse(text) as Stored).Item;
}
