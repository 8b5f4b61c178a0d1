import { changedLeg } from '../lib/domain/orders/changed-leg.ts';
import { sameContent } from '../lib/domain/orders/content.ts';
import { type Intent, modifyKey } from '../lib/domain/orders/intent.ts';
import type { OrderReport } from '../lib/domain/orders/order-report.ts';
import type { OrderWish } from '../lib/domain/orders/order-wish.ts';
import {
  CommandAgainError,
  type CommandDenial,
  type CommandHost,
  emptyWish,
  type Of,
} from './order-command-types.ts';
import { changedOrder } from './order-writer.ts';
import { waitingMs } from './waiting-time.ts';

/**
 * Changes an order of ours that works.
 *
 * @throws when it must be tried again
 */
export async function modify(command: Of<'modify'>, host: CommandHost, signal: AbortSignal): Promise<void> {
  const { desk, account, own } = host;
  const key = modifyKey(command.id);
  const deny = (words: CommandDenial) =>
    desk.deny({ key, command, wish: emptyWish(command, 0), changed: null }, words);
  await own.ready(command, signal);
  const target = await targetOf(command, host, signal);
  if ('code' in target) {
    await deny(target);
    return;
  }
  const { report, intent } = target;
  const leg = changedLeg(report.terms, command);
  if (leg === undefined) {
    await deny({
      code: 'ORDER_UNKNOWN',
      message: `The order ${report.orderRef} is a ${report.terms.orderType} ${report.terms.timeInForce}: this program does not place such orders, and does not change them.`,
      allowed: 'Change it in TWS.',
    });
    return;
  }
  const wish: OrderWish = { command: 'modify', by: command.by, conId: intent.conId, legs: [leg] };
  const ids = [{ leg: command.leg, orderRef: report.orderRef, orderId: report.orderId }];
  await desk.submit(
    { key, command, wish, changed: { permId: report.permId, isBracket: intent.legs.length > 1 } },
    signal,
    (instrument) => {
      // All its terms are written: those that somebody else has changed meanwhile must not be set back.
      if (!sameContent(own.report(report.orderRef)?.terms, report.terms))
        throw new CommandAgainError(`COMMAND_AGAIN: the order ${report.orderRef} has changed`);
      return [changedOrder(account, instrument, report, leg)];
    },
    ids,
  );
}

/** The order that a key and a leg name, if it lives and is ours. */
async function targetOf(
  { key, leg, validUntil }: Of<'modify'>,
  { desk, view, own, systemMs, steadyMs = systemMs }: CommandHost,
  signal: AbortSignal,
): Promise<{ intent: Intent; report: OrderReport } | CommandDenial> {
  const { intents } = await desk.book.read([key]);
  const intent = intents.get(key);
  const orderRef = intent?.legs.find((each) => each.leg === leg)?.orderRef;
  if (intent === undefined || orderRef === undefined) {
    const legs = intent?.legs.map((each) => each.leg).join(', ') ?? '';
    return {
      code: 'ORDER_UNKNOWN',
      message: `No order was placed with the key ${key} and the leg ${leg}.`,
      allowed: legs === '' ? 'A key of an order that was placed.' : `One of its legs: ${legs}.`,
    };
  }
  const find = () => own.report(orderRef);
  const untilMs = steadyMs() + waitingMs(validUntil, systemMs());
  // One after the other: of two changes under way nobody could tell which one the broker speaks of.
  while (desk.isChanging(orderRef) || (find() === undefined && desk.isPending(orderRef))) {
    // What is unresolved may stay so: nobody waits for it.
    if (steadyMs() > untilMs || !desk.isLeaving(intent.conId, '')) {
      return {
        code: 'ORDER_UNKNOWN',
        message: `What became of an earlier command on the order ${key} (${leg}) is not known yet.`,
        allowed:
          'The same once `evenkeel orders` shows the order as it was asked for; a cancel goes at any time.',
      };
    }
    await own.look(signal);
  }
  const report = find();
  if (report === undefined) {
    return {
      code: 'ORDER_ENDED',
      message: `The order ${key} (${leg}) is not working at the broker.`,
      allowed: 'A new order.',
    };
  }
  if (report.clientId !== view.clientId || report.orderId <= 0) {
    // At our client its id is another order's, or nobody's: it would be placed a second time.
    return {
      code: 'NOT_OURS',
      message: `The order ${key} (${leg}) is that of client ${report.clientId} with the order id ${report.orderId}; this streamer is client ${view.clientId}.`,
      allowed: 'Change it in TWS, or where it was placed.',
    };
  }
  if (!own.isListed(orderRef)) {
    // Where the broker does not have it any more, it could be placed anew under its id.
    return {
      code: 'ORDER_UNKNOWN',
      message: `The order ${key} (${leg}) is in none of the broker's lists: nobody knows whether it still works.`,
      allowed: 'The same once `evenkeel orders` shows it working; look for it in TWS.',
    };
  }
  return { intent, report };
}
