import {
  type RunRecord,
  type RunState,
  readRunState,
  runStateRef,
} from '../../lib/domain/reconcile/records.ts';
import type { Verdict } from '../../lib/domain/reconcile/types.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import { loadText } from '../../lib/reconcile/stored-text.ts';
import type { Session } from './session.ts';

export async function readState(
  book: Pick<BookReader, 'read'>,
  account: string,
): Promise<RunState | undefined> {
  const [item] = await book.read(account, [runStateRef]);
  return readRunState(item?.body);
}

/** @throws ReconcileError EVIDENCE_MISSING, EVIDENCE_CORRUPT */
export async function readVerdict(
  { ports }: Pick<Session, 'ports'>,
  { verdict }: Pick<RunRecord, 'verdict'>,
): Promise<Verdict | null> {
  if (verdict === null) return null;
  const errors = { missing: 'EVIDENCE_MISSING', corrupt: 'EVIDENCE_CORRUPT' } as const;
  return JSON.parse(await loadText(await ports.reconcile(), verdict, errors)) as Verdict;
}
