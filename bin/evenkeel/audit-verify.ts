import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { type FoldedBook, foldTrail } from '../../lib/domain/audit/fold.ts';
import { AuditFoldError } from '../../lib/domain/audit/fold-error.ts';
import { type ChainReport, verifyAudit } from '../../lib/domain/audit/verify.ts';
import type { AuditTrail } from '../../lib/ports/audit-trail.ts';
import type { BookReader, BookRef } from '../../lib/ports/book.ts';
import { CliError, exit } from './exit.ts';
import { restoreUnderWay, restoringText } from './restoring.ts';
import { count, table, type View } from './view.ts';

const foldAttemptsMax = 5;
const differencesShown = 10;

export interface Verified {
  readonly account: string;
  readonly ok: boolean;
  readonly chains: readonly ChainReport[];
  /** Null where it was not asked for, or the chains are broken already. */
  readonly againstBook: BookComparison | null;
}

export interface BookComparison {
  readonly items: number;
  /** Items that were written while this ran, and were not compared. */
  readonly moving: number;
  readonly differences: readonly BookDifference[];
}

export interface BookDifference {
  /** Sort key of the item. */
  readonly item: string;
  /** `missing`: the trail has it, the book has not; `unaudited`: the other way round. */
  readonly kind: 'missing' | 'unaudited' | 'version' | 'content';
  readonly bookVersion: number;
  readonly trailVersion: number;
}

/** Every chain of the account, and on request the book against what its trail makes. */
export async function checkAudit(
  { audit, book }: { readonly audit: AuditTrail; readonly book: BookReader },
  account: string,
  againstBook: boolean,
): Promise<Verified> {
  const fence = await restoreUnderWay(book, account);
  // The heads are not there yet: every chain would look as if somebody had added rows to it.
  if (fence)
    throw new CliError('BOOK_RESTORING', `The account ${account} is ${restoringText(fence)}`, exit.problem);
  const chains = await verifyAudit(audit, account, digest);
  const whole = chains.every(({ finding }) => finding === undefined);
  if (!againstBook || !whole) return { account, ok: whole, chains, againstBook: null };
  const comparison = await compareWithBook(audit, book, account);
  return { account, ok: comparison.differences.length === 0, chains, againstBook: comparison };
}

/**
 * The book is read first and the trail after it, so on a desk that trades the trail is ahead: items that rows changed
 * meanwhile are left for the next time, all others must be what the trail makes.
 */
async function compareWithBook(
  audit: AuditTrail,
  book: BookReader,
  account: string,
): Promise<BookComparison> {
  for (let attempt = 1; ; attempt++) {
    const before = await headsOf(audit, book, account);
    const items = await itemsOf(book, account);
    try {
      const folded = await foldTrail(audit, account, chainTools.keyOf);
      const moving = await changedSince(before, audit, account);
      const differences = differencesOf(items, folded).filter(({ item }) => !moving.has(item));
      return { items: items.size, moving: moving.size, differences };
    } catch (error) {
      // Two chains that are written while they are folded may not fit each other for a moment.
      if (!(error instanceof AuditFoldError) || attempt === foldAttemptsMax) throw error;
    }
  }
}

interface Head {
  readonly seq: number;
  /** Of its last row, `yyyy-mm-dd` UTC: what comes after it is of that day or a later one. */
  readonly day: string;
}

async function headsOf(
  audit: AuditTrail,
  book: BookReader,
  account: string,
): Promise<ReadonlyMap<string, Head>> {
  const chains = await audit.chains(account);
  const items = await book.read(
    account,
    chains.map(({ writer }): BookRef => ({ kind: 'audit-head', id: writer })),
  );
  const day = (index: number) => String(items[index]?.body.at ?? '').slice(0, 10);
  return new Map(chains.map(({ writer, seq }, index) => [writer, { seq, day: day(index) }]));
}

/** Items that rows beyond these heads changed, the heads of their chains included. */
async function changedSince(
  heads: ReadonlyMap<string, Head>,
  audit: AuditTrail,
  account: string,
): Promise<ReadonlySet<string>> {
  const changed = new Set<string>();
  for (const { writer, seq } of await audit.chains(account)) {
    const { seq: from, day } = heads.get(writer) ?? { seq: 0, day: '' };
    if (seq <= from) continue;
    changed.add(chainTools.keyOf({ kind: 'audit-head', id: writer }));
    for await (const row of audit.rows(account, writer, day)) {
      if (row.seq > from) for (const { item } of row.changes) changed.add(item);
    }
  }
  return changed;
}

interface Stored {
  readonly version: number;
  readonly json: string;
}

async function itemsOf(book: BookReader, account: string): Promise<ReadonlyMap<string, Stored>> {
  const items = new Map<string, Stored>();
  for await (const { ref, version, body } of book.all(account)) {
    items.set(chainTools.keyOf(ref), { version, json: canonicalJson(body) });
  }
  return items;
}

function differencesOf(items: ReadonlyMap<string, Stored>, folded: FoldedBook): BookDifference[] {
  const differences: BookDifference[] = [];
  for (const item of [...new Set([...items.keys(), ...folded.keys()])].sort()) {
    const stored = items.get(item);
    const image = folded.get(item);
    const versions = { bookVersion: stored?.version ?? 0, trailVersion: image?.version ?? 0 };
    if (stored === undefined) differences.push({ item, kind: 'missing', ...versions });
    else if (image === undefined) differences.push({ item, kind: 'unaudited', ...versions });
    else if (stored.version !== image.version) differences.push({ item, kind: 'version', ...versions });
    else if (stored.json !== canonicalJson(image.body))
      differences.push({ item, kind: 'content', ...versions });
  }
  return differences;
}

export function showVerified({ account, ok, chains, againstBook }: Verified, view: View): string {
  const { colours } = view;
  if (chains.length === 0) return `The audit trail of ${account} is empty: there is nothing to verify.`;
  const rows = chains.map(({ writer, rows: good, finding }) => [
    writer,
    good.toLocaleString('en'),
    finding === undefined ? colours.green('ok') : colours.red(`${finding.fault} at row ${finding.seq}`),
  ]);
  const lines = [
    table(view, [{ name: 'chain' }, { name: 'good rows', right: true }, { name: 'state' }], rows),
  ];
  for (const { writer, finding } of chains) if (finding) lines.push(`${writer}: ${finding.message}`);
  if (againstBook) lines.push(...showComparison(againstBook, view));
  lines.push(
    ok
      ? colours.green(`The audit trail of ${account} is whole.`)
      : colours.red(
          'The trail or the book was changed by something else than Evenkeel. Keep both as they are, find out who had access (CloudTrail), and rebuild from the last good state.',
        ),
  );
  return lines.join('\n');
}

function showComparison({ items, moving, differences }: BookComparison, { colours }: View): string[] {
  const compared = `${count(items, 'item')} of the book are what the trail makes, byte for byte`;
  if (differences.length === 0)
    return [
      moving === 0 ? `${compared}.` : `${compared}; ${moving} of them were written meanwhile and left out.`,
    ];
  const words = {
    missing: 'is not in the book',
    unaudited: 'is in no row of the trail',
    version: '',
    content: 'says something else',
  };
  return [
    colours.red(`${count(differences.length, 'item')} of the book differ from the trail:`),
    ...differences
      .slice(0, differencesShown)
      .map(({ item, kind, bookVersion, trailVersion }) =>
        kind === 'version'
          ? `  ${item} has version ${bookVersion} in the book and ${trailVersion} in the trail`
          : `  ${item} ${words[kind]}`,
      ),
  ];
}
