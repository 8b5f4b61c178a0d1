/** The last usable snapshot of an account: one whose positions and open orders were told to their ends. */
import { type SnapshotDocument, snapshotDocument } from '../events/snapshot-document.ts';
import type { ObjectStore } from '../ports/object-store.ts';

/** Snapshots that are opened before there counts as none. */
const openedMax = 5;

export async function lastSnapshot(
  store: Pick<ObjectStore, 'get' | 'list'>,
  account: string,
): Promise<{ readonly key: string; readonly document: SnapshotDocument } | undefined> {
  let newest: { readonly key: string; readonly storedAt: string }[] = [];
  for await (const { key, storedAt = '' } of store.list(`snapshots/${account}/`)) {
    newest.push({ key, storedAt });
    newest = newest.sort((a, b) => (a.storedAt > b.storedAt ? -1 : 1)).slice(0, openedMax);
  }
  for (const { key } of newest) {
    const bytes = await store.get(key);
    const document = bytes && parsed(bytes);
    const { positions, openOrders } = document?.parts ?? {};
    if (document?.account === account && positions?.outcome === 'ok' && openOrders?.outcome === 'ok')
      return { key, document };
  }
  return undefined;
}

function parsed(bytes: Uint8Array): SnapshotDocument | undefined {
  try {
    return snapshotDocument.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}
