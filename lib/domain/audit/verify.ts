/** Walks a chain of the audit trail and names the first row that is not what it was when it was written. */
import type { Json } from '../book/item.ts';
import { type AuditChain, type AuditRow, hashOf, noHash } from './row.ts';

/**
 * - `missing`: the row of this number is not there, and later ones are
 * - `edited`: the row says something else than its hash
 * - `out-of-order`: a row stands after one with a higher number or a later time
 * - `replaced`: the row is whole in itself, but the next one was not made on it
 * - `truncated`: the chain's head counts more rows than there are
 * - `beyond-head`: there are more rows than the chain's head counts
 * - `head-mismatch`: the last row is not the one that the chain's head names
 */
export type ChainFault =
  | 'missing'
  | 'edited'
  | 'out-of-order'
  | 'replaced'
  | 'truncated'
  | 'beyond-head'
  | 'head-mismatch';

export interface ChainFinding {
  readonly fault: ChainFault;
  readonly account: string;
  readonly writer: string;
  /** The broken row. */
  readonly seq: number;
  /** Time of that row, ISO-8601 UTC; of the last good one before it where that row is not there; `''` for none. */
  readonly at: string;
  readonly message: string;
}

export interface ChainReport {
  readonly account: string;
  readonly writer: string;
  /** Rows that were found good, from the first one on. */
  readonly rows: number;
  /** Hash of the last good row. */
  readonly hash: string;
  readonly finding?: ChainFinding;
}

/** What a verification reads; `AuditTrail` is one. */
export interface ChainSource {
  chains(account: string): Promise<readonly AuditChain[]>;
  rows(account: string, writer: string): AsyncIterable<AuditRow>;
}

export type Digest = (value: Json) => string;

/**
 * Every chain of an account, one report each, in order of the writers' names. Rows that are added while this runs are
 * no fault: the heads are read again at the end.
 */
export async function verifyAudit(
  source: ChainSource,
  account: string,
  digest: Digest,
): Promise<ChainReport[]> {
  const reports: ChainReport[] = [];
  const chains = await source.chains(account);
  for (const chain of chains.toSorted((a, b) => (a.writer < b.writer ? -1 : 1))) {
    reports.push(await verifyChain(source, chain, digest));
  }
  return reports;
}

/** One chain, from its first row to its head as it was when the walk began. */
export async function verifyChain(
  source: ChainSource,
  chain: AuditChain,
  digest: Digest,
): Promise<ChainReport> {
  const { account, writer } = chain;
  let last: AuditRow | undefined;
  const report = (finding?: ChainFinding): ChainReport => ({
    account,
    writer,
    rows: last?.seq ?? 0,
    hash: last?.hash ?? noHash,
    ...(finding ? { finding } : {}),
  });
  for await (const row of source.rows(account, writer)) {
    const finding = faultOf(row, last, digest) ?? headFault(row, chain);
    if (finding) return report({ ...finding, account, writer });
    last = row;
  }
  return report(await tailFault(source, chain, last));
}

type Finding = Omit<ChainFinding, 'account' | 'writer'>;

function faultOf(row: AuditRow, last: AuditRow | undefined, digest: Digest): Finding | undefined {
  const expected = (last?.seq ?? 0) + 1;
  if (row.seq > expected) {
    const message = `Row ${expected} is missing: row ${row.seq} stands in its place. It was deleted, or never belonged to this chain.`;
    return { fault: 'missing', seq: expected, at: last?.at ?? '', message };
  }
  const { seq, at } = row;
  if (seq < expected || (last && at < last.at)) {
    const message = `Row ${seq} of ${at} stands after row ${last?.seq} of ${last?.at}: it was moved or added by hand.`;
    return { fault: 'out-of-order', seq, at, message };
  }
  if (digestOf(row, digest) !== row.hash) {
    const message = `Row ${seq} of ${at} was edited: its content does not make its hash.`;
    return { fault: 'edited', seq, at, message };
  }
  if (row.previousHash !== (last?.hash ?? noHash)) {
    // The later row is whole and was made on another one, so it is the earlier one that is not the original.
    const blamed = last ?? row;
    const message = `Row ${blamed.seq} of ${blamed.at} was replaced: row ${seq} was made on one with another hash.`;
    return { fault: 'replaced', seq: blamed.seq, at: blamed.at, message };
  }
  return undefined;
}

function headFault({ seq, at, hash }: AuditRow, chain: AuditChain): Finding | undefined {
  if (seq !== chain.seq || hash === chain.hash) return undefined;
  const message = `Row ${seq} of ${at} is not the one that the chain's head in the book names: the row was replaced, or the head was edited.`;
  return { fault: 'head-mismatch', seq, at, message };
}

async function tailFault(
  source: ChainSource,
  { account, writer, seq }: AuditChain,
  last: AuditRow | undefined,
): Promise<ChainFinding | undefined> {
  const rows = last?.seq ?? 0;
  const at = last?.at ?? '';
  if (rows < seq) {
    const message = `The chain ends at row ${rows}, its head counts ${seq}: rows ${rows + 1} to ${seq} were deleted.`;
    return { fault: 'truncated', account, writer, seq: rows + 1, at, message };
  }
  if (rows === seq) return undefined;
  const now = (await source.chains(account)).find((chain) => chain.writer === writer);
  if (now !== undefined && now.seq >= rows) return undefined;
  const message = `The chain's head counts ${now?.seq ?? 0} rows, there are ${rows}: row ${rows} was added by hand, or the head was set back.`;
  return { fault: 'beyond-head', account, writer, seq: (now?.seq ?? 0) + 1, at, message };
}

/** What cannot even be hashed (a broken character in a text) was not written by us. */
function digestOf(row: AuditRow, digest: Digest): string {
  try {
    return hashOf(row, digest);
  } catch {
    return '';
  }
}
