import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { AuditFoldError, type FoldedBook, foldTrail } from '../../lib/domain/audit/fold.ts';
import { type ChainReport, verifyAudit } from '../../lib/domain/audit/verify.ts';
import type { AuditTrail } from '../../lib/ports/audit-trail.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import { count, table, type View } from './view.ts';

/** While the book is written, trail and book are read at two moments: so often it is tried again. */
const stableAttemptsMax = 5;
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
  const chains = await verifyAudit(audit, account, digest);
  const whole = chains.every(({ finding }) => finding === undefined);
  if (!againstBook || !whole) return { account, ok: whole, chains, againstBook: null };
  const comparison = await compareWithBook(audit, book, account);
  return { account, ok: comparison.differences.length === 0, chains, againstBook: comparison };
}

async function compareWithBook(
  audit: AuditTrail,
  book: BookReader,
  account: string,
): Promise<BookComparison> {
  for (let attempt = 1; ; attempt++) {
    const before = canonicalJson(headsOf(await audit.chains(account)));
    const items = await itemsOf(book, account);
    const after = canonicalJson(headsOf(await audit.chains(account)));
    const last = attempt === stableAttemptsMax;
    if (before !== after && !last) continue;
    try {
      const differences = differencesOf(items, await foldTrail(audit, account, chainTools.keyOf));
      // Rows that came while the trail was folded are ahead of the items: only a difference at rest is one.
      const moved = canonicalJson(headsOf(await audit.chains(account))) !== after;
      if (differences.length === 0 || !moved || last) return { items: items.size, differences };
    } catch (error) {
      if (!(error instanceof AuditFoldError) || last) throw error;
    }
  }
}

function headsOf(chains: Awaited<ReturnType<AuditTrail['chains']>>) {
  return chains.map(({ writer, seq, hash }) => [writer, seq, hash]);
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

function showComparison({ items, differences }: BookComparison, { colours }: View): string[] {
  if (differences.length === 0)
    return [`${count(items, 'item')} of the book are what the trail makes, byte for byte.`];
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
