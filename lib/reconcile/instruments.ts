/**
 * Instruments of the book: what a streamer has resolved, kept so that runs know multipliers, expiries and sessions. The
 * bus may deliver late and twice; the later word stays.
 */
import * as z from 'zod';
import { reconcileWriter } from '../domain/audit/writers.ts';
import type { AuditCause, BookBody, BookRef } from '../domain/book/item.ts';
import { compareStamps, type Stamp } from '../domain/orders/stamp.ts';
import { instrumentResolved } from '../events/instrument-resolved.ts';
import type { Book } from '../ports/book.ts';
import { ReconcileError } from './reconcile-error.ts';

const attemptsMax = 5;

const resolvedEvent = z.object({
  'detail-type': z.literal('instrument.resolved'),
  detail: z.object({
    id: z.string().min(1),
    account: z.string().min(1),
    epoch: z.int().nonnegative(),
    seq: z.int().nonnegative(),
    data: instrumentResolved,
  }),
});

export type ResolvedEvent = z.output<typeof resolvedEvent>;

/** The event, where it is one. */
export function resolvedInstrument(request: unknown): ResolvedEvent['detail'] | undefined {
  return resolvedEvent.safeParse(request).data?.detail;
}

/**
 * @returns whether the book has changed
 * @throws ReconcileError RUN_CONTENTION, BookError: then the bus delivers it again
 */
export async function keepInstrument(
  { id, account, epoch, seq, data }: ResolvedEvent['detail'],
  { book, nowMs }: { readonly book: Pick<Book, 'read' | 'commit'>; readonly nowMs: () => number },
): Promise<boolean> {
  const ref: BookRef = { kind: 'instrument', id: String(data.conId) };
  const body: BookBody = { ...data, stamp: { epoch, seq } };
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const [item] = await book.read(account, [ref]);
    const stored = item?.body.stamp as unknown as Stamp | undefined;
    if (stored !== undefined && compareStamps(stored, { epoch, seq }) >= 0) return false;
    const cause: AuditCause = { kind: 'event', id, name: 'instrument.resolved', reason: '' };
    const writes = [{ ref, expectedVersion: item?.version ?? 0, body }];
    const change = { account, writer: reconcileWriter, cause, atMs: nowMs(), orderKey: '', writes };
    if ((await book.commit(change)) === 'committed') return true;
  }
  throw new ReconcileError(
    'RUN_CONTENTION',
    `The instrument ${data.conId} of ${account} lost to others ${attemptsMax} times.`,
  );
}
