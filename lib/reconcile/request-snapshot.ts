/** Asks the streamer for everything that the broker has, by its queue, and waits until it lies in the bucket. */
import { createHash } from 'node:crypto';
import type { Command } from '../events/command.ts';
import { queryGroup, snapshotKey } from '../events/command-names.ts';
import { type SnapshotDocument, snapshotDocument } from '../events/snapshot-document.ts';
import type { CommandSender } from '../ports/command-queue.ts';
import type { ObjectStore } from '../ports/object-store.ts';

const lookEveryMs = 500;

export interface SnapshotRequest {
  readonly account: string;
  /** Of the command, a UUID. */
  readonly commandId: string;
  readonly issuedBy: string;
  readonly timeoutMs: number;
}

export interface SnapshotPorts {
  readonly sender: CommandSender;
  readonly snapshots: Pick<ObjectStore, 'get'>;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export type SnapshotAnswer =
  | {
      readonly taken: true;
      readonly key: string;
      readonly sha256: string;
      readonly document: SnapshotDocument;
    }
  /** `why` in words for a person. */
  | { readonly taken: false; readonly why: string };

/** @throws what the queue or the bucket throws, but for bytes that do not agree with their checksum */
export async function requestSnapshot(
  { account, commandId, issuedBy, timeoutMs }: SnapshotRequest,
  { sender, snapshots, nowMs, sleep }: SnapshotPorts,
): Promise<SnapshotAnswer> {
  const startMs = nowMs();
  const command: Command = {
    id: commandId,
    type: 'snapshot',
    version: 1,
    account,
    issuedAt: new Date(startMs).toISOString(),
    issuedBy,
    // Nobody waits for it after that.
    validUntil: new Date(startMs + timeoutMs).toISOString(),
  };
  await sender.send({ id: commandId, group: queryGroup(account), body: JSON.stringify(command) });
  const key = snapshotKey(account, commandId);
  for (;;) {
    const bytes = await read(snapshots, key);
    if (typeof bytes === 'string') return { taken: false, why: bytes };
    if (bytes !== undefined) return checked(key, bytes, account, commandId);
    if (nowMs() - startMs >= timeoutMs) {
      return { taken: false, why: `no snapshot came within ${Math.round(timeoutMs / 1000)} s` };
    }
    await sleep(lookEveryMs);
  }
}

/** @returns a text where the bytes are not those whose SHA-256 was stored with them */
async function read(
  snapshots: Pick<ObjectStore, 'get'>,
  key: string,
): Promise<Uint8Array | string | undefined> {
  try {
    return await snapshots.get(key);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    if (!/checksum/i.test(words)) throw error;
    return `the snapshot ${key} is corrupted: ${words}`;
  }
}

function checked(key: string, bytes: Uint8Array, account: string, commandId: string): SnapshotAnswer {
  const document = parsed(bytes);
  if (typeof document === 'string') {
    return { taken: false, why: `the snapshot ${key} cannot be read: ${document}` };
  }
  if (document.commandId !== commandId || document.account !== account) {
    return {
      taken: false,
      why: `${key} is a snapshot of ${document.account} for command ${document.commandId}, and not the one that was asked for`,
    };
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { taken: true, key, sha256, document };
}

function parsed(bytes: Uint8Array): SnapshotDocument | string {
  try {
    const result = snapshotDocument.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    return `${issue?.path.join('.')}: ${issue?.message}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
