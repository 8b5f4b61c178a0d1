import { type ReconcileLock, whyLocked } from '../../lib/domain/safety/lock.ts';
import { plain, type View } from './view.ts';

/** The lock in words, wherever it is shown. `isOpen`: in this term of the lease orders pass it. */
export interface LockWords {
  readonly isOpen: boolean;
  readonly text: string;
}

/** @param leaseToken of the lease as it stands, which is the streamer's epoch; 0 where nobody has one */
export function lockWords(
  lock: Pick<ReconcileLock, 'state' | 'token' | 'reason'>,
  leaseToken: number,
): LockWords {
  const why = whyLocked(lock, leaseToken);
  return why === undefined
    ? { isOpen: true, text: `open for epoch ${leaseToken}` }
    : { isOpen: false, text: `locked: ${plain(why)}` };
}

export function lockLine(
  lock: Pick<ReconcileLock, 'state' | 'token' | 'reason'>,
  leaseToken: number,
  { colours }: View,
): string {
  const { isOpen, text } = lockWords(lock, leaseToken);
  return isOpen ? colours.green(text) : colours.yellow(text);
}
