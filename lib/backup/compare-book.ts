/** A backup beside a book, by digests of the bodies. */

import type { BackupManifest } from '../domain/backup/manifest.ts';
import { BookDiff, type ItemDifference } from '../domain/backup/restore-diff.ts';
import type { BookBody, BookKind } from '../domain/book/item.ts';
import type { BookItem } from '../ports/book.ts';
import { type AccountSource, linesOf, progressOf } from './restore-source.ts';
import type { RestoreOptions } from './restore-types.ts';
import { imageOf } from './stored-line.ts';

/** What a comparison passes over. */
export interface Passed {
  /** Kinds of items that are not compared; heads of chains never are. */
  readonly isLeftOut: (kind: BookKind) => boolean;
  /** An item of the book that stays as it is; `isInBackup`: the backup has it too. */
  readonly stays: (item: BookItem, isInBackup: boolean) => boolean;
}

export async function compareBook(
  { backedUp, tail, digests: untouched }: AccountSource,
  { target, tools, signal }: RestoreOptions,
  { isLeftOut, stays }: Passed,
): Promise<ItemDifference[]> {
  const digests = new Map<string, string>();
  const add = (item: string, digest: () => string): void => {
    const kind = tools.refOf(item)?.kind;
    if (kind !== undefined && !isLeftOut(kind)) digests.set(item, digest());
  };
  for (const [item, digest] of untouched) add(item, () => digest);
  for (const [item, image] of tail) if (image) add(item, () => tools.digest(image.body));
  const diff = new BookDiff(digests);
  for await (const found of target.book.all(backedUp.account)) {
    signal?.throwIfAborted();
    if (isLeftOut(found.ref.kind)) continue;
    const item = tools.keyOf(found.ref);
    if (stays(found, digests.has(item))) diff.keep(item);
    else diff.see(item, found.version, tools.digest(found.body));
  }
  return diff.differences();
}

/** Every item of the account at the backup's instant, heads of chains included as they were scanned. */
export async function* bodiesOf(
  manifest: BackupManifest,
  { backedUp, tail }: AccountSource,
  options: RestoreOptions,
  isWanted: (item: string) => boolean = () => true,
): AsyncGenerator<readonly [item: string, body: BookBody], void, undefined> {
  const partition = options.tools.bookPartition(backedUp.account);
  const tick = progressOf(manifest, ['book'], 'compare', options);
  for await (const line of linesOf(manifest, 'book', options)) {
    tick();
    if (line.pk === partition && !tail.has(line.sk) && isWanted(line.sk)) yield [line.sk, imageOf(line).body];
  }
  for (const [item, image] of tail) if (image && isWanted(item)) yield [item, image.body];
}
