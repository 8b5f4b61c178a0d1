import { settleKey } from '../../lib/domain/orders/intent.ts';
import { isTerminal } from '../../lib/domain/orders/legal-moves.ts';
import { progress, type Shown, type Streaming } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { readAnswer, sayInterrupted, watch } from './order-answer.ts';
import { confirmWords } from './order-confirm.ts';
import { type OrderBody, type OrderRow, priceOf, rowOf, symbolOf } from './order-rows.ts';
import { personsClient, sendSurely } from './order-send.ts';
import { findTargets, openTargets, placedBy } from './order-target.ts';
import { type Page, pageOf, wrapped } from './page.ts';
import { reasonOf } from './reason.ts';
import type { Session } from './session.ts';
import { facts, grouped, plain } from './view.ts';

export interface SettleFlags {
  readonly as: 'cancelled' | 'filled';
  readonly reason?: string;
  readonly yes?: true;
  readonly wait: number;
}

/** What became of an order that was to be given its end. */
export interface Settled {
  readonly account: string;
  /** `''` where nothing was sent. */
  readonly commandId: string;
  readonly orderKey: string;
  readonly permId: number;
  readonly status: string;
  readonly filled: string;
  /** `settled`: it has this end. `denied`: `code` says why. `ended`: IB has told an end meanwhile. `unanswered`: nothing came in time. */
  readonly state: 'settled' | 'denied' | 'ended' | 'unanswered';
  /** It had this end before, and nothing was sent now. */
  readonly repeated: boolean;
  readonly code: string;
  readonly message: string;
  readonly allowed: string;
}

const ends = { cancelled: 'Cancelled', filled: 'Filled' } as const;

/** Says how an order ended that IB does not know any more. */
export async function settleOrder(
  session: Session,
  given: string,
  flags: SettleFlags,
): Promise<Shown | Streaming> {
  const { account, json, io } = session;
  const reason = reasonOf(flags.reason);
  const end = ends[flags.as];
  const found = await findTargets(session, given);
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0 && isSettled(only.row, end))
    return shown(session, only.row, { state: 'settled', repeated: true });
  // Who was wrong may say so.
  const isCorrection = others.length === 0 && only?.row.settled !== undefined;
  const [{ row }, ...more] = isCorrection ? [only] : openTargets(found);
  if (more.length > 0) {
    const keys = [row, ...more.map((each) => each.row)].map(({ orderKey }) => orderKey).join(', ');
    throw new CliError(
      'ORDER_AMBIGUOUS',
      `${given} are the orders ${plain(keys)}. Settle each by its key in orders. Nothing was sent.`,
    );
  }
  if (!json) io.err.write(`${showEnd(session, row, end, reason)}\n\n`);
  if (!flags.yes) {
    const what = `This gives the order ${plain(row.orderKey)} of ${account} its end, by your word.`;
    await confirmWords(session, what, `settle ${row.orderKey}`);
  }
  const client = await personsClient(session);
  return session.uncut(async () => {
    const { orderKey } = row;
    const { commandId } = await sendSurely(session, '', () => client.settle(orderKey, { end, reason }));
    progress(session, `Sent as the command ${commandId} ...`);
    let now = row;
    const answer = await watch(session, flags.wait, async () => {
      now = await readRow(session, row);
      if (isSettled(now, end)) return { settled: { state: 'settled', commandId } as const, detail: '' };
      // What a person said before is what is to be corrected.
      if (isTerminal(now.status) && now.settled === undefined)
        return { settled: endedBefore(now, commandId), detail: '' };
      const denied = await readAnswer(session, settleKey(commandId));
      const settled = denied && {
        state: 'denied' as const,
        commandId,
        code: denied.code,
        message: denied.message,
        allowed: denied.allowed,
      };
      return { settled, detail: 'fresh lists of IB are looked at' };
    });
    if (answer === 'interrupted') {
      sayInterrupted(session, `the end of ${orderKey}`);
      return exit.interrupted;
    }
    return shown(session, now, answer ?? unheard(commandId, flags.wait));
  });
}

type Ending = Pick<Settled, 'state'> & Partial<Settled>;

function isSettled({ status, settled }: OrderRow, end: string): boolean {
  return status === end && settled !== undefined;
}

function endedBefore({ status }: OrderRow, commandId: string): Ending {
  const message = `It has ended otherwise meanwhile: ${status}. That stands; look at orders show.`;
  return { state: 'ended', commandId, code: 'ORDER_ENDED', message };
}

function unheard(commandId: string, seconds: number): Ending {
  const message = `No answer within ${seconds} s. The command is void 30 s after it was sent. Look at status and orders show, and say it again: twice is the same as once.`;
  return { state: 'unanswered', commandId, code: 'SETTLE_UNANSWERED', message };
}

async function readRow({ ports, account }: Session, row: OrderRow): Promise<OrderRow> {
  const [item] = await ports.book.read(account, [{ kind: 'order', id: row.orderKey }]);
  return item === undefined ? row : rowOf(item.body as unknown as OrderBody);
}

function showEnd({ view, account }: Session, row: OrderRow, end: string, reason: string): string {
  const { terms, orderKey, permId, filled, status } = row;
  const what = `${terms?.action ?? ''} ${grouped(terms?.quantity ?? '?')} ${symbolOf(row)} ${terms?.orderType ?? ''} ${priceOf(row)}`;
  const of = `${grouped(filled)} of ${grouped(terms?.quantity ?? '?')}`;
  const then =
    end === 'Filled'
      ? `Filled: ${of} by executions; the rest is told as filled without one, and reconcile proposes a synthetic fill for it`
      : `Cancelled: ${of} filled, and no more`;
  return facts(view, [
    ['account', account],
    ['order', plain(`${orderKey}, permId ${permId}, ${placedBy(row)}`)],
    ['now', plain(`${what}, ${grouped(filled)} filled, ${status}`)],
    ['then', view.colours.bold(then)],
    ['reason', plain(reason)],
    ['needs', "IB's lists have lacked it for three rounds, and fresh ones lack it"],
    ['IB', 'is told nothing; should its lists have the order again, it counts as open, with an alert'],
  ]);
}

function shown(session: Session, row: OrderRow, ending: Ending): Shown {
  const { account } = session;
  const { orderKey, permId, status, filled } = row;
  const result: Settled = {
    account,
    commandId: '',
    orderKey,
    permId,
    status,
    filled,
    repeated: false,
    code: '',
    message: '',
    allowed: '',
    ...ending,
  };
  return {
    result,
    text: () => words(result, row, pageOf(session)),
    exitCode: result.state === 'settled' ? exit.ok : exit.fault,
  };
}

function words(
  { state, repeated, code, message, allowed, orderKey, status }: Settled,
  { settled }: OrderRow,
  { view: { colours }, columns }: Page,
): string {
  if (state === 'settled') {
    const by = settled === undefined ? '' : `By ${settled.by}: ${settled.reason}`;
    const before = repeated ? ['It had this end already; nothing was sent.'] : [];
    return [
      colours.green(`Settled: ${plain(orderKey)} is ${status}`),
      ...wrapped(plain(by), columns, '  '),
      ...before,
    ].join('\n');
  }
  const heading = { denied: 'Denied', ended: 'Not settled', unanswered: 'Unanswered' }[state];
  return [
    colours.red(`${heading}, ${code}: ${plain(orderKey)}`),
    ...wrapped(plain(message), columns, '  '),
    ...(allowed === '' ? [] : wrapped(plain(`Allowed: ${allowed}`), columns, '  ')),
  ].join('\n');
}
