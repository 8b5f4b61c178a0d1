/**
 * The audit trail's rows and how they are chained. Every change of the book is one row; each has the hash of the row
 * before it, and the chain's head in the book has the hash of the last. Pure: the digest is handed in.
 */
import type { AuditCause, BookBody, BookChange, BookRef, Json } from '../book/item.ts';

/** One row of the audit trail: the full new image and the former version of every item of one transaction. */
export interface AuditRow {
  readonly account: string;
  readonly writer: string;
  /** Counts the rows of one chain (account, writer) from 1. */
  readonly seq: number;
  /** ISO-8601, UTC. Never earlier than the row before. */
  readonly at: string;
  readonly cause: AuditCause;
  /** `''` where it concerns no order. */
  readonly orderKey: string;
  readonly changes: readonly AuditChange[];
  /** SHA-256 of the row before, lower-case hexadecimal; 64 zeros for the first. */
  readonly previousHash: string;
  /** SHA-256 of this row's canonical JSON (RFC 8785) without `hash`. */
  readonly hash: string;
}

export interface AuditChange {
  /** Sort key of the item in the book, for example `ORDER#P17`. */
  readonly item: string;
  /** 0 where there was no item before. */
  readonly formerVersion: number;
  /** The item as it is now, with its version; null where it was deleted. */
  readonly image: AuditImage | null;
}

export interface AuditImage {
  readonly version: number;
  readonly body: BookBody;
}

/** Where a chain stands: the body of its head in the book. The head's version is `seq`. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
  /** Of the last row. */
  readonly at: string;
  /** Day of the first row, `yyyy-mm-dd` UTC: where a walk through the trail begins. */
  readonly since: string;
}

export interface AuditChain {
  readonly account: string;
  readonly writer: string;
  /** What the chain's head in the book says. */
  readonly seq: number;
  readonly hash: string;
}

export interface ChainTools {
  /** SHA-256 of a value's canonical JSON (RFC 8785), lower-case hexadecimal. */
  readonly digest: (value: Json) => string;
  /** Sort key of an item in the book. */
  readonly keyOf: (ref: BookRef) => string;
}

/** The previous hash of a chain's first row. */
export const noHash = '0'.repeat(64);

/**
 * The row that a change adds to its chain.
 *
 * @param head where the chain stands; undefined for its first row
 */
export function nextRow(change: BookChange, head: ChainHead | undefined, tools: ChainTools): AuditRow {
  const { account, writer, cause, orderKey, writes } = change;
  const at = isoUtc(change.atMs);
  const row = {
    account,
    writer,
    seq: (head?.seq ?? 0) + 1,
    // Two processes on two clocks may write one chain; days are walked in order, so time must not go back in it.
    at: head !== undefined && head.at > at ? head.at : at,
    cause: { kind: cause.kind, id: cause.id, name: cause.name, reason: cause.reason },
    orderKey,
    changes: writes.map(({ ref, expectedVersion, body }) => ({
      item: tools.keyOf(ref),
      formerVersion: expectedVersion,
      image: body === null ? null : { version: expectedVersion + 1, body },
    })),
    previousHash: head?.hash ?? noHash,
  };
  return { ...row, hash: tools.digest(row) };
}

/** Where the chain stands once `row` is on it. */
export function headAfter(row: AuditRow, head: ChainHead | undefined): ChainHead {
  return { seq: row.seq, hash: row.hash, at: row.at, since: head?.since ?? dayOf(row.at) };
}

/** The hash that a row should have: of everything in it but the hash. */
export function hashOf(row: AuditRow, digest: ChainTools['digest']): string {
  const { account, writer, seq, at, cause, orderKey, changes, previousHash } = row;
  return digest({
    account,
    writer,
    seq,
    at,
    cause: { ...cause },
    orderKey,
    changes: changes.map(({ item, formerVersion, image }) => ({
      item,
      formerVersion,
      image: image && { ...image },
    })),
    previousHash,
  });
}

/** `2026-01-05T14:30:00.000Z` to `2026-01-05`: the partition that a row lies in. */
export function dayOf(at: string): string {
  return at.slice(0, 10);
}

function isoUtc(atMs: number): string {
  return new Date(atMs).toISOString();
}
