import { toldReport } from '../lib/domain/book/orders.ts';
import { settleKey } from '../lib/domain/orders/intent.ts';
import { isTerminal } from '../lib/domain/orders/legal-moves.ts';
import type { EndVerdict } from '../lib/domain/orders/tracker-ends.ts';
import type { GivenEnd } from '../lib/domain/orders/tracker-types.ts';
import {
  CommandAgainError,
  type CommandDenial,
  type CommandHost,
  emptyWish,
  type Of,
} from './order-command-types.ts';

/** Looks at the state of things while fresh lists are waited for: some ten seconds, whatever becomes of the clock. */
const LOOKS_MAX = 200;

/**
 * Gives an order the end that a person knows of and IB does not tell any more. Nothing goes to the broker. Fresh lists must
 * lack it, after those before them have lacked it for long enough.
 *
 * @throws when it must be tried again
 */
export async function settle(command: Of<'settle'>, host: CommandHost, signal: AbortSignal): Promise<void> {
  const { desk, view, own, account, cancelHost, systemMs } = host;
  const { id, orderKey, end, reason, issuedBy, validUntil } = command;
  const key = settleKey(id);
  const body = await desk.book.order(orderKey);
  const deny = (words: CommandDenial) => {
    const wish = emptyWish(command, body?.contract?.conId ?? 0);
    return desk.deny({ key, command, wish, changed: null }, words);
  };
  const accept = (message: string) => desk.tell({ key: '', command }, 'accepted', { ...done, message });
  // Denied before, and given to us once more: that stands, whatever has become of the order since.
  if ((await desk.book.read([key])).intents.has(key)) return deny(words.expired(validUntil));
  if (systemMs() > Date.parse(validUntil)) return deny(words.expired(validUntil));
  const known = body && toldReport(body);
  if (body === undefined || known === undefined) return deny(words.unknown(orderKey));
  if (isTerminal(body.status)) {
    if (body.settled === undefined) return deny(words.ended(orderKey, body.status));
    if (body.status === end) return accept(words.same(orderKey, end));
  }
  const given = (afterRound: number): GivenEnd => ({
    status: end,
    settled: { by: issuedBy, reason, commandId: id },
    known,
    state: body.state,
    afterRound,
  });
  const answer = (verdict: EndVerdict): void | Promise<void> => {
    if (verdict.is === 'given') return accept(words.given(orderKey, end));
    if (verdict.is === 'same') return accept(words.same(orderKey, end));
    return deny(denialOf(verdict, orderKey, account));
  };
  // What is plain is answered at once.
  const now = view.judgeEnd(given(0));
  if (now.is === 'same' || now.is === 'ended') view.giveEnd(given(0));
  if (now.is !== 'given' && now.is !== 'unsure') return answer(now);
  const { begun } = view.rounds();
  view.doubt();
  const isAwaited = () => {
    const rounds = view.rounds();
    return view.session().ready && (rounds.begun <= begun || rounds.isRunning);
  };
  for (let looks = 0; isAwaited() && looks < LOOKS_MAX; looks += 1) await own.look(signal);
  if (!cancelHost.mayWrite()) throw new CommandAgainError('LEASE_LOST: nothing was settled');
  if (systemMs() > Date.parse(validUntil)) return deny(words.expired(validUntil));
  if (!view.session().ready) return deny(words.unsure);
  // What may be at the broker at any moment could be that very order.
  if (desk.isLeaving(known.contract.conId, '')) return deny(words.leaving(orderKey));
  return answer(view.giveEnd(given(begun)));
}

const done = { code: '', allowed: '' } as const;

const words = {
  given: (orderKey: string, end: string) =>
    `The order ${orderKey} is ${end} from now on. Nothing was sent to the broker.`,
  same: (orderKey: string, end: string) => `The order ${orderKey} is ${end} already, by a person's word.`,
  expired: (validUntil: string): CommandDenial => ({
    code: 'EXPIRED',
    message: `It was valid until ${validUntil}. Nothing was changed.`,
    allowed: 'The same command, sent anew.',
  }),
  unknown: (orderKey: string): CommandDenial => ({
    code: 'ORDER_UNKNOWN',
    message: `The book has no order ${orderKey} whose terms are known. Nothing was changed.`,
    allowed: 'A key of `evenkeel orders`.',
  }),
  ended: (orderKey: string, status: string): CommandDenial => ({
    code: 'ORDER_ENDED',
    message: `The order ${orderKey} has ended already: ${status}. Nothing was changed.`,
    allowed: 'An order that the book has open. `evenkeel orders show` says who ended it.',
  }),
  leaving: (orderKey: string): CommandDenial => ({
    code: 'ORDER_AT_WORK',
    message: `Of the contract of ${orderKey} something has left of which the broker was not heard yet: it may be that very order. Nothing was changed.`,
    allowed: 'The same once `evenkeel status` shows nothing on its way.',
  }),
  unsure: {
    code: 'LISTS_INCOMPLETE',
    message:
      "No whole round of the broker's lists (open and completed orders, executions, positions, account) came while it was waited for: what they lack may be there. Nothing was changed.",
    allowed: 'The same once `evenkeel status` shows the session ready.',
  } satisfies CommandDenial,
};

function denialOf(
  verdict: Exclude<EndVerdict, { is: 'given' | 'same' }>,
  orderKey: string,
  account: string,
): CommandDenial {
  switch (verdict.is) {
    case 'ended':
      return words.ended(orderKey, verdict.report.status);
    case 'foreign':
      return {
        code: 'NOT_OURS',
        message: `The order ${orderKey} is one of account ${verdict.account}, and this streamer holds ${account}. Nothing was changed.`,
        allowed: "The same to that account's streamer.",
      };
    case 'listed':
      return {
        code: 'ORDER_AT_WORK',
        message: `IB still speaks of the order ${orderKey}: ${verdict.report.status}. Only one that its lists lack can be given an end. Nothing was changed.`,
        allowed: 'A cancel: `evenkeel order cancel`.',
      };
    case 'quiet':
      return {
        code: 'ORDER_QUIET',
        message: `IB's lists lack the order ${orderKey} in ${verdict.rounds} complete rounds since they last had it or the link came up, and ${verdict.needed} are needed, not all within a minute. Nothing was changed.`,
        allowed: 'The same in some minutes: a round is made every minute.',
      };
    case 'unsure':
      return words.unsure;
  }
}
