/**
 * A fence stands where the head of a chain will be while an account is restored into an empty book: an item of kind
 * `audit-head` with version 0. No head has that version, so whoever wants to write the chain stops there.
 */
import type { BookBody } from '../book/item.ts';

export interface RestoreFence {
  /** Id of the backup that is being restored. */
  readonly restoring: string;
  /** Of its manifest: two stages may have made a backup in the same second. */
  readonly manifestHash: string;
  /** ISO-8601 UTC. */
  readonly startedAt: string;
}

/** Version of the item that a fence is. */
export const fenceVersion = 0;

export function fenceBody({ restoring, manifestHash, startedAt }: RestoreFence): BookBody {
  return { restoring, manifestHash, startedAt };
}

/** The fence that the body of an `audit-head` item is; undefined for a real head. */
export function readFence(body: BookBody | undefined): RestoreFence | undefined {
  if (typeof body?.restoring !== 'string') return undefined;
  const { restoring, manifestHash, startedAt } = body;
  return { restoring, manifestHash: String(manifestHash ?? ''), startedAt: String(startedAt ?? '') };
}
