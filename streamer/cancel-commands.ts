import type { DenialCode } from '../lib/domain/safety/gate-types.ts';
import { type CancelOutcome, cancelOrder } from './cancel-order.ts';
import type { DeskReading } from './order-book.ts';
import { CommandAgainError, type CommandHost, type Of, type Words } from './order-command-types.ts';

/** One order of ours. */
export async function cancelOne(
  command: Of<'cancel'>,
  host: CommandHost,
  signal: AbortSignal,
): Promise<void> {
  const { desk, cancelHost } = host;
  const asked = { key: '', command };
  const held = await heldBack(command, host);
  if (held !== undefined) {
    desk.tell(asked, held.code === '' ? 'would-send' : 'denied', held);
    return;
  }
  const outcome = await cancelOrder(command, cancelHost, signal);
  const words = cancelWords[outcome];
  desk.tell(asked, words.code === '' ? 'accepted' : 'denied', words);
}

/**
 * Our own, one by one: a global cancel would take those of everybody.
 *
 * @throws when it must be tried again
 */
export async function cancelAll(
  command: Of<'cancel-all'>,
  host: CommandHost,
  signal: AbortSignal,
): Promise<void> {
  const { desk, view, cancelHost, own, systemMs } = host;
  const asked = { key: '', command };
  const held = await heldBack(command, host);
  if (held !== undefined) {
    desk.tell(asked, held.code === '' ? 'would-send' : 'denied', held);
    return;
  }
  if (systemMs() > Date.parse(command.validUntil)) {
    desk.tell(asked, 'denied', cancelWords.expired);
    return;
  }
  const { conId } = command;
  const cancelled = new Set<number>();
  // What has just left is shown in a moment, and is meant as well.
  const areOrdersKnown = () => view.session().ready || view.session().canClose;
  const isWhole = await own.until(() => {
    own.cancel(conId, cancelled);
    return areOrdersKnown() && !desk.isLeaving(conId, '');
  }, signal);
  const left = own.working(conId).filter(({ orderId }) => !cancelled.has(orderId));
  const isBlind = !areOrdersKnown() || !cancelHost.mayWrite();
  if (left.length > 0 || (cancelled.size === 0 && isBlind))
    throw new CommandAgainError('NOT_CONNECTED: not all of our working orders could be asked to end');
  const what = conId === null ? '' : ` of contract ${conId}`;
  const more = isWhole ? '' : ' The broker has not shown all that has left: look again, `evenkeel orders`.';
  desk.tell(asked, 'accepted', {
    code: '',
    message: `${cancelled.size} of our working orders${what} were asked to end.${more}`,
    allowed: '',
  });
}

/** A person's cancel always goes; a program's not where nothing is to change. `code` `''` is DRY_RUN. */
async function heldBack(
  { by }: Of<'cancel'> | Of<'cancel-all'>,
  { desk }: CommandHost,
): Promise<Words | undefined> {
  if (by === 'person') return undefined;
  let reading: DeskReading;
  try {
    reading = await desk.book.read([]);
  } catch {
    return heldWords('FLAGS_UNREADABLE', 'The flags cannot be read, which counts as SAFE_MODE.');
  }
  const { flags, trading } = reading;
  if (flags.source === 'unreadable') return heldWords('FLAGS_UNREADABLE', flags.problem);
  if (flags.flags.SAFE_MODE) return heldWords('SAFE_MODE', "SAFE_MODE is on: only a person's cancel goes.");
  if (trading.mode === 'halted')
    return heldWords('HALTED', `Trading is halted (${trading.reason}): only a person's cancel goes.`);
  if (flags.flags.DRY_RUN) return heldWords('', 'DRY_RUN: it would be sent.');
  return undefined;
}

const cancelWords: Readonly<Record<CancelOutcome, Words>> = {
  sent: { code: '', message: 'The broker was asked to end it.', allowed: '' },
  'not-open': {
    code: 'ORDER_ENDED',
    message: 'The broker does not list it as open any more; nothing was sent.',
    allowed: 'An order that is open.',
  },
  foreign: {
    code: 'NOT_OURS',
    message: "It is not an order of this streamer's client; nothing was sent.",
    allowed: 'Cancel it in TWS, or where it was placed.',
  },
  expired: {
    code: 'EXPIRED',
    message: 'It came too late; nothing was sent.',
    allowed: 'The same command, sent anew.',
  },
};

function heldWords(code: DenialCode | '', message: string): Words {
  return {
    code,
    message,
    allowed: code === '' ? '' : 'A person cancels it, or what holds it back is ended.',
  };
}
