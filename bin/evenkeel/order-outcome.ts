import type { Intent } from '../../lib/domain/orders/intent.ts';
import type { Shown } from './cli.ts';
import { type ExitCode, exit } from './exit.ts';
import { type Page, wrapped } from './page.ts';
import { plain, table, type View } from './view.ts';

/** How a command ended, for a script. */
export interface Outcome {
  readonly account: string;
  readonly commandId: string;
  readonly key: string;
  /** State of the intent, or `unanswered`: nothing final came in time. */
  readonly state: Intent['state'] | 'unanswered';
  /** Whether this key was an order before, and nothing was sent now. */
  readonly repeated: boolean;
  readonly code: string;
  readonly message: string;
  readonly allowed: string;
  readonly legs: Intent['legs'];
}

export function outcomeOf(account: string, intent: Intent, repeated = false): Outcome {
  const { commandId, key, state, code, message, allowed, legs } = intent;
  return { account, commandId, key, state, repeated, code, message, allowed, legs };
}

/** Nothing final came in time. The one thing that must not happen now is a second order. */
export function unanswered(
  account: string,
  { commandId, key = '' }: { readonly commandId: string; readonly key?: string | undefined },
  seconds: number,
  seen: Intent | undefined,
): Outcome {
  const where =
    seen === undefined
      ? 'The streamer has not recorded the command; it is void 30 s after it was sent.'
      : 'The streamer has recorded it, it may have left, and IB has not answered.';
  const message = `No answer within ${seconds} s. ${where} Look at status and orders. Do not order it again under another key: ${key === '' ? 'the command may still be carried out.' : `the same command with --key ${key} is the same order.`}`;
  return {
    account,
    commandId,
    key,
    state: 'unanswered',
    repeated: false,
    code: 'ORDER_UNANSWERED',
    message,
    allowed: '',
    legs: seen?.legs ?? [],
  };
}

export function exitOf({ state }: Pick<Outcome, 'state'>): ExitCode {
  return state === 'sent' || state === 'would-send' ? exit.ok : exit.fault;
}

export function shownOutcome(outcome: Outcome, what: string, page: Page): Shown {
  return { result: outcome, text: () => showOutcome(outcome, what, page), exitCode: exitOf(outcome) };
}

function showOutcome(outcome: Outcome, what: string, { view, columns }: Page): string {
  const { code, message, allowed, legs, key, repeated } = outcome;
  const say = (text: string) => wrapped(plain(text), columns, '  ');
  return [
    ...(repeated
      ? [
          view.colours.yellow(
            `The key ${key} is an order already; nothing was sent now. Another order needs another --key. It stands so:`,
          ),
        ]
      : []),
    `${heading(outcome, view)} ${plain(what)}`,
    ...(message === '' ? [] : say(code === '' ? message : message.replace(`${code}: `, ''))),
    ...(allowed === '' ? [] : say(`Allowed: ${allowed}`)),
    ...(legs.length === 0 ? [] : ['', legTable(legs, view)]),
    ...(key === '' ? [] : [view.colours.dim(`key ${key}`)]),
  ].join('\n');
}

function heading({ state, code }: Outcome, { colours }: View): string {
  const words: Readonly<Record<Outcome['state'], string>> = {
    sent: colours.green('Sent, and IB has it:'),
    'would-send': colours.yellow('Would send (DRY_RUN):'),
    sending: colours.yellow('Under way, IB has not answered yet:'),
    denied: colours.red(`Denied, ${code}:`),
    rejected: colours.red('Rejected by IB:'),
    unresolved: colours.red('Unresolved, nobody can tell what became of it:'),
    unanswered: colours.red('Unanswered:'),
  };
  return words[state];
}

function legTable(legs: Intent['legs'], view: View): string {
  const rows = legs.map(({ leg, orderRef, orderId }) => [
    leg,
    orderRef,
    orderId === 0 ? '' : String(orderId),
  ]);
  return table(view, [{ name: 'leg' }, { name: 'reference' }, { name: 'order id', right: true }], rows);
}
