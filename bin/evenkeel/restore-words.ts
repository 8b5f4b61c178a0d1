/** What a restore leaves as it stands, and what becomes of orders and positions, in words. */
import type { RestoredAccount } from '../../lib/backup/restore-types.ts';
import type { TradingState } from '../../lib/domain/safety/trading-state.ts';
import { exactly } from './manifest-show.ts';
import { plain, type View } from './view.ts';

/** `halted since 2026-01-05 16:00:00.000 by anna: prints are nonsense` */
function tradingWords({ mode, by, reason, at }: TradingState, view: View): string {
  if (mode === 'active') return view.colours.green(mode);
  const since = at === '' ? '' : ` since ${exactly(at, view)} by ${plain(by)}`;
  return `${view.colours.yellow(mode)}${since}: ${plain(reason)}`;
}

const broker = 'The broker is told nothing: working orders go on working there, positions are what they are.';

/** Of a book in use, before it is changed. */
export function keptWords(trading: TradingState | null, view: View): string[] {
  const { colours } = view;
  return [
    colours.bold('What stays as it stands, whatever the backup has'),
    `  The trading state: ${trading === null ? 'nobody has set one' : tradingWords(trading, view)}.`,
    "  Order ids in use, the day's value and peak, when orders left (DESK), and what was sent (INTENT): no id and",
    '  no order twice, no loss forgotten. What of these only the backup has comes back.',
    '  The state of reconcile and the plans (RUN, PLAN); a plan that is open is refused (PLAN_STALE).',
    colours.bold('What the restore sets by itself'),
    '  The flags, to the preset rollback; the lock, closed until a reconcile has been completed.',
    `  ${broker}`,
  ];
}

/** Of each account, once it is restored. */
export function heldWords(
  { account, how, instant, replayed, trading }: RestoredAccount,
  view: View,
): string[] {
  const { colours } = view;
  const from = {
    'in-place': 'as it stood before the restore',
    empty: replayed === null ? 'as the backup has it' : 'as the backup and the surviving trail have it',
    already: 'as the book has it',
  }[how];
  const lines = [`  Trading state of ${plain(account)}, ${from}: ${tradingWords(trading, view)}.`];
  if (how === 'in-place') {
    lines.push(
      "  Kept as they stood: order ids in use, the day's value and peak, what was sent, the state of reconcile.",
    );
  }
  if (how === 'empty' && replayed === null) {
    lines.push(
      colours.yellow(
        `  What came after ${exactly(instant, view)} is not known here: a halt, orders that were sent, the day's losses.`,
      ),
      '  If trading was halted since, halt it again now. Send nothing again before you have looked for it in TWS.',
    );
  }
  return [
    ...lines,
    `  ${broker}`,
    `  The book has both as of ${exactly(instant, view)}, until the streamer's next comparison and a reconcile.`,
  ];
}
