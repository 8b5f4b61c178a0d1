import { InvalidArgumentError } from 'commander';
import type { AuditRow, AuditTrail } from '../../lib/ports/audit-trail.ts';
import { checkAudit, showVerified, type Verified } from './audit-verify.ts';
import type { Cli } from './cli.ts';
import { progress } from './cli.ts';
import { exit } from './exit.ts';
import { counted, createMeter } from './meter.ts';
import { count, iso, plain, table, time, type View } from './view.ts';
import { parseWhen, whenHelp } from './when.ts';

const dayMs = 86_400_000;
const limitByDefault = 20;
const limitMax = 100_000;
/** How far back the last rows are looked for, one after the other. */
const lookBackDays = [1, 7, 60, Number.POSITIVE_INFINITY];

export interface AuditList {
  readonly account: string;
  /** Oldest first. */
  readonly rows: readonly AuditRow[];
  /** True where `limit` left out older rows of that time. */
  readonly more: boolean;
}

/** The last rows of all chains of an account, by time. */
export async function readAudit(
  trail: AuditTrail,
  account: string,
  {
    sinceMs,
    limit,
    nowMs,
  }: { readonly sinceMs?: number | undefined; readonly limit: number; readonly nowMs: number },
): Promise<AuditList> {
  const writers = (await trail.chains(account)).map(({ writer }) => writer);
  const spans = sinceMs === undefined ? lookBackDays.map((days) => nowMs - days * dayMs) : [sinceMs];
  for (const fromMs of spans) {
    const rows = await rowsSince(trail, account, writers, Math.max(0, fromMs));
    if (rows.length > limit || fromMs === spans.at(-1)) {
      return { account, rows: rows.slice(-limit), more: rows.length > limit };
    }
  }
  return { account, rows: [], more: false };
}

async function rowsSince(
  trail: AuditTrail,
  account: string,
  writers: readonly string[],
  fromMs: number,
): Promise<AuditRow[]> {
  const from = new Date(fromMs).toISOString();
  const rows: AuditRow[] = [];
  for (const writer of writers) {
    for await (const row of trail.rows(account, writer, from.slice(0, 10)))
      if (row.at >= from) rows.push(row);
  }
  return rows.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.writer < b.writer ? -1 : a.seq - b.seq));
}

export function showAudit({ account, rows, more }: AuditList, view: View): string {
  if (rows.length === 0) return `The audit trail of ${account} has no row of that time.`;
  const columns = [
    { name: 'time' },
    { name: 'chain' },
    { name: 'row', right: true },
    { name: 'what' },
    { name: 'by' },
    { name: 'order' },
    { name: 'items' },
  ];
  const drawn = table(
    view,
    columns,
    rows.map((row) => rowCells(row, view)),
  );
  const rest = more ? ', older ones are left out (--limit)' : '';
  return `${drawn}\n${view.colours.dim(count(rows.length, 'row') + rest)}`;
}

function rowCells({ at, writer, seq, cause, orderKey, changes }: AuditRow, view: View): string[] {
  const items = changes.map(({ item, image }) =>
    image === null ? `${item} deleted` : `${item} v${image.version}`,
  );
  const shown = items.length > 3 ? [...items.slice(0, 3), `and ${items.length - 3} more`] : items;
  const what = cause.reason === '' ? cause.name : `${cause.name}: ${cause.reason}`;
  return [time(view, at), writer, String(seq), plain(what), plain(cause.id), orderKey, shown.join(', ')];
}

interface AuditOptions {
  readonly since?: string;
  readonly limit: number;
}

export function addAudit({ program, run }: Cli): void {
  const audit = program
    .command('audit')
    .description('the latest changes of the book: what, by whom, why')
    .option('--since <time>', whenHelp)
    .option('--limit <n>', 'at most so many rows, the latest', limit, limitByDefault)
    .action(
      run<AuditOptions>(async ({ ports, account, view, io }, options) => {
        const nowMs = io.nowMs();
        const sinceMs =
          options.since === undefined ? undefined : parseWhen(options.since, nowMs, view.timeZone);
        const result = await readAudit(ports.audit, account, { sinceMs, limit: options.limit, nowMs });
        return { result, text: () => showAudit(result, view) };
      }),
    );
  audit
    .command('verify')
    .description(
      'walk every chain of the audit trail and name the first broken row; exit code 3 when there is one',
    )
    .option('--against-book', 'also rebuild the book from the trail and compare it, item by item')
    .action(
      run<{ againstBook?: boolean }>(async (session, { againstBook = false }) => {
        const { ports, account, view } = session;
        progress(session, `Reading the audit trail of ${account} ...`);
        const meter = createMeter(session);
        const audit: AuditTrail = {
          chains: (of) => ports.audit.chains(of),
          rowsOfOrder: (of, orderKey) => ports.audit.rowsOfOrder(of, orderKey),
          rows: (of, writer, fromDay) =>
            counted(ports.audit.rows(of, writer, fromDay), meter, {
              what: `Reading the chain ${writer}`,
              noun: 'row',
            }),
        };
        const result: Verified = await checkAudit({ audit, book: ports.book }, account, againstBook).finally(
          () => meter.clear(),
        );
        return {
          result: { checkedAt: iso(session.io.nowMs()), ...result },
          text: () => showVerified(result, view),
          exitCode: result.ok ? exit.ok : exit.problem,
        };
      }),
    );
}

function limit(text: string): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > limitMax)
    throw new InvalidArgumentError(`Allowed: a whole number from 1 to ${limitMax}.`);
  return number;
}
