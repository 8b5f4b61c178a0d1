import { type Amount, amount, plain } from '../lib/domain/orders/decimals.ts';
import type { OrderWish, WishedLeg } from '../lib/domain/orders/order-wish.ts';
import {
  CommandAgainError,
  type CommandDenial,
  type CommandHost,
  emptyWish,
  type Of,
} from './order-command-types.ts';
import { ordersOf } from './order-writer.ts';
import { CANCELS_END_MS } from './own-orders.ts';

/** For a position that another one changes while it is asked for: one that has gone is told so by two lists, and shown by a third. */
const LOOKS_MAX = 4;

/**
 * Ends our working orders of the contract, then closes what is held: nothing of ours may fill beside it.
 *
 * @throws when it must be tried again
 */
export async function flatten(command: Of<'flatten'>, host: CommandHost, signal: AbortSignal): Promise<void> {
  const { desk, account, own, systemMs } = host;
  const { conId, by } = command;
  const key = command.key ?? `FLAT-${command.id}`;
  const deny = (words: CommandDenial) =>
    desk.deny({ key, command, wish: emptyWish(command, conId), changed: null }, words);
  const isOurs = () => own.isAtWork(conId) || desk.isLeaving(conId, key);
  await own.ready(command, signal);
  // What has just left is shown in a moment, or has filled already and is in no list of what works.
  await own.until(() => !desk.isLeaving(conId, key), signal);
  const isTime = own.isReady(command) && systemMs() <= Date.parse(command.validUntil);
  let held = isTime ? await listedPosition(conId, host) : own.held(conId);
  if (held.isZero() && isTime) {
    await deny({
      code: 'NOTHING_TO_FLATTEN',
      message: `The account holds nothing of contract ${conId}.`,
      allowed: 'A contract with a position.',
    });
    return;
  }
  const asked = () => {
    const wish: OrderWish = { command: 'flatten', by, conId, legs: [closing(held)] };
    return { key, command, wish, changed: null };
  };
  let isClear = false;
  // Where the book does not answer, that is for `submit` to say.
  if (await desk.wouldSend(asked()).catch(() => false)) {
    const cancelled = new Set<number>();
    if (isOurs()) {
      if (systemMs() + CANCELS_END_MS > Date.parse(command.validUntil)) {
        await deny({
          code: 'EXPIRED',
          message: `It is valid until ${command.validUntil}: too short to end our working orders and to close behind them. Nothing was cancelled.`,
          allowed: 'The same with another key, sent anew.',
        });
        return;
      }
      const isOver = await own.until(() => {
        own.cancel(conId, cancelled);
        return !isOurs();
      }, signal);
      if (!isOver) {
        await deny({
          code: 'ORDER_UNKNOWN',
          message: `Our orders of contract ${conId} (${own.working(conId).length} working) did not end within ${CANCELS_END_MS} ms after they were cancelled: what they fill would come on top of a closing order. What protected the position may have ended.`,
          allowed:
            'The same with another key once `evenkeel orders` shows none, or once an alert says that the broker does not have them.',
        });
        return;
      }
      // One of them may have filled on the way.
      held = await listedPosition(conId, host);
    } else own.cancel(conId, cancelled); // What is unresolved: the lists may have been wrong.
    isClear = true;
  }
  await desk.submit(asked(), signal, (instrument, ids) => {
    // The gate may say yes now where it said no before: then nothing has been made ready for it.
    if (!isClear || isOurs() || !own.held(conId).eq(held))
      throw new CommandAgainError(`COMMAND_AGAIN: what is held or works of contract ${conId} has changed`);
    return ordersOf(account, instrument, [closing(held)], ids);
  });
}

/**
 * As the broker says it now: what it has pushed may be behind a fill. A size that is news may itself have been pushed,
 * before the list that was asked for, and be in that list no more: it counts once a list says it again. So does a position
 * that a list lacks: one list alone does not close it.
 *
 * @throws CommandAgainError where there is no whole list, or each one says something else
 */
async function listedPosition(conId: number, { account, own, listPositions }: CommandHost): Promise<Amount> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const told = own.held(conId);
    const { outcome, facts } = await listPositions();
    if (outcome !== 'ok') throw new CommandAgainError(`COMMAND_AGAIN: the broker's positions are ${outcome}`);
    const row = facts.findLast(
      (fact) => fact.kind === 'position' && fact.account === account && fact.contract.conId === conId,
    );
    const listed = amount(row?.kind === 'position' ? row.position : '0');
    if (listed.eq(told)) return listed;
  }
  throw new CommandAgainError(`COMMAND_AGAIN: the position of contract ${conId} goes on changing`);
}

/** A market order that closes what is held. */
function closing(held: Amount): WishedLeg {
  return {
    leg: 'entry',
    action: held.isNegative() ? 'BUY' : 'SELL',
    quantity: plain(held.abs()),
    orderType: 'MKT',
    limitPrice: null,
    stopPrice: null,
    timeInForce: 'DAY',
    outsideRth: false,
  };
}
