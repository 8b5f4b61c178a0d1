/** What to do about discrepancies for which reconcile stages no plan, because no change of the book would settle them. */
import type { Advice } from './catalogue.ts';

export const unstaged: Readonly<Record<string, Advice>> = {
  UNRESOLVED: {
    action:
      'Look for it in TWS or in the statement: no plan is staged for it. Reconcile finds it when it is there; it is never sent again by itself. Once you know how it ended, say so: `evenkeel order settle`.',
    command: 'evenkeel orders show {id} --account {account}',
  },
  UNPROTECTED_POSITION: {
    action: 'Place a stop, or close the position: no plan is staged for it.',
    command: 'evenkeel positions --account {account}',
  },
  STALE_DATA: {
    action: 'See why the broker did not answer to the end, then reconcile: no plan is staged for it.',
    command: 'evenkeel doctor --account {account}',
  },
};
