/** What a person is told of a reconcile, or of the broker's lists, that did not come, and of their return. */
import type { LatenessNote } from './lateness-watch.ts';
import type { WatchAlert } from './protection-watch.ts';

/** No run has judged: each was postponed, refused or skipped, or none came. */
export function reconcileLate(account: string, note: LatenessNote, nowMs: number): WatchAlert {
  return {
    key: `reconcile_late:${note.sinceMs}:${note.tellings - 1}`,
    alert: 'reconcile_late',
    severity: 'HIGH',
    subject: `account ${account}`,
    message: `${account}: no reconcile has compared the broker with the book ${sinceOf(note, nowMs)}. Whatever differs is not seen. Look why: \`evenkeel reconcile runs --account ${account}\`, then \`evenkeel reconcile --account ${account} --reason late\`.`,
  };
}

export function reconcileOnTime(account: string, before: LatenessNote): WatchAlert {
  return {
    key: `reconcile_on_time:${before.sinceMs}`,
    alert: 'reconcile_on_time',
    severity: 'INFO',
    subject: `account ${account}`,
    message: `${account}: a reconcile has compared the broker with the book again.`,
  };
}

/** The streamer lives and is connected, and does not compare orders, positions and cash with the broker's lists. */
export function listsLate(account: string, streamer: string, note: LatenessNote, nowMs: number): WatchAlert {
  return {
    key: `broker_lists_late:${note.sinceMs}:${note.tellings - 1}`,
    alert: 'broker_lists_late',
    severity: 'HIGH',
    subject: `streamer ${streamer}`,
    message: `${account}: the streamer ${streamer} has not compared orders and positions with the broker's lists ${sinceOf(note, nowMs)}. The book may be behind the broker. Look at \`evenkeel status --account ${account}\` and \`evenkeel logs streamer --account ${account}\`.`,
  };
}

export function listsBack(account: string, streamer: string, before: LatenessNote): WatchAlert {
  return {
    key: `broker_lists_back:${before.sinceMs}`,
    alert: 'broker_lists_back',
    severity: 'INFO',
    subject: `streamer ${streamer}`,
    message: `${account}: the streamer ${streamer} compares orders and positions with the broker's lists again.`,
  };
}

function sinceOf({ sinceMs, isFirst }: LatenessNote, nowMs: number): string {
  const minutes = Math.round((nowMs - sinceMs) / 60_000);
  return `${isFirst ? 'yet' : `since ${new Date(sinceMs).toISOString()}`}, for ${minutes} min`;
}
