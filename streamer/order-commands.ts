import { setTimeout as sleep } from 'node:timers/promises';
import { sameContent } from '../lib/domain/orders/content.ts';
import { type Amount, amount, plain } from '../lib/domain/orders/decimals.ts';
import { type Intent, modifyKey } from '../lib/domain/orders/intent.ts';
import type { OrderReport } from '../lib/domain/orders/order-report.ts';
import {
  type OrderWish,
  type WishedLeg,
  wishedOrderTypes,
  wishedTimesInForce,
} from '../lib/domain/orders/order-wish.ts';
import type { DenialCode } from '../lib/domain/safety/gate-types.ts';
import type { ListResult } from './broker-lists.ts';
import { type CancelHost, type CancelOutcome, cancelOrder } from './cancel-order.ts';
import type { DeskReading } from './order-book.ts';
import type { OrderDesk, TradeCommand, Words } from './order-desk.ts';
import { changedOrder, ordersOf } from './order-writer.ts';
import type { TradingView } from './trading-view.ts';

export interface OrderCommandsOptions {
  readonly account: string;
  readonly desk: OrderDesk;
  readonly view: TradingView;
  readonly cancelHost: CancelHost;
  /** Asks the broker for its positions; resolves when they are told. */
  readonly listPositions: () => Promise<ListResult>;
  readonly systemMs: () => number;
}

type Denial = Words & { readonly code: DenialCode };
type Of<T extends TradeCommand['type']> = Extract<TradeCommand, { type: T }>;

/** How long the broker's word of our orders is waited for: that they have ended, or that they are there. */
const CANCELS_END_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** What the command rests on has changed, or is not known: nothing was sent, and it begins anew while it is valid. */
class CommandAgainError extends Error {
  override readonly name = 'CommandAgainError';
  readonly code = 'COMMAND_AGAIN';
}

/** Carries out trading commands: each is answered, and those that send something are recorded before. */
export class OrderCommands {
  readonly #options: OrderCommandsOptions;

  constructor(options: OrderCommandsOptions) {
    this.#options = options;
  }

  /** @throws when it must be tried again */
  async perform(command: TradeCommand, signal: AbortSignal): Promise<void> {
    switch (command.type) {
      case 'place':
      case 'place-bracket':
        return this.#options.desk.place(command, signal);
      case 'modify':
        return this.#modify(command, signal);
      case 'cancel':
        return this.#cancel(command, signal);
      case 'cancel-all':
        return this.#cancelAll(command, signal);
      case 'flatten':
        return this.#flatten(command, signal);
    }
  }

  async #modify(command: Of<'modify'>, signal: AbortSignal): Promise<void> {
    const { desk, account } = this.#options;
    const key = modifyKey(command.id);
    const deny = (words: Denial) =>
      desk.deny({ key, command, wish: emptyWish(command, 0), changed: null }, words);
    await this.#ready(command, signal);
    const target = await this.#target(command, signal);
    if ('code' in target) {
      await deny(target);
      return;
    }
    const { report, intent } = target;
    const leg = changedLeg(report, command);
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
        if (!sameContent(this.#report(report.orderRef)?.terms, report.terms))
          throw new CommandAgainError(`COMMAND_AGAIN: the order ${report.orderRef} has changed`);
        return [changedOrder(account, instrument, report, leg)];
      },
      ids,
    );
  }

  #report(orderRef: string): OrderReport | undefined {
    return this.#options.view.living().find(({ report }) => report?.orderRef === orderRef)?.report;
  }

  /** The order that a key and a leg name, if it lives and is ours. */
  async #target(
    { key, leg, validUntil }: Of<'modify'>,
    signal: AbortSignal,
  ): Promise<{ intent: Intent; report: OrderReport } | Denial> {
    const { desk, view, systemMs } = this.#options;
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
    const find = () => this.#report(orderRef);
    // One after the other: of two changes under way nobody could tell which one the broker speaks of.
    while (desk.isChanging(orderRef) || (find() === undefined && desk.isPending(orderRef))) {
      // What is unresolved may stay so: nobody waits for it.
      if (systemMs() > Date.parse(validUntil) || !desk.isLeaving(intent.conId, '')) {
        return {
          code: 'ORDER_UNKNOWN',
          message: `What became of an earlier command on the order ${key} (${leg}) is not known yet.`,
          allowed:
            'The same once `evenkeel orders` shows the order as it was asked for; a cancel goes at any time.',
        };
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal });
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
    return { intent, report };
  }

  async #cancel(command: Of<'cancel'>, signal: AbortSignal): Promise<void> {
    const { desk, cancelHost } = this.#options;
    const asked = { key: '', command };
    const held = await this.#heldBack(command);
    if (held !== undefined) {
      desk.tell(asked, held.code === '' ? 'would-send' : 'denied', held);
      return;
    }
    const outcome = await cancelOrder(command, cancelHost, signal);
    const words = cancelWords[outcome];
    desk.tell(asked, words.code === '' ? 'accepted' : 'denied', words);
  }

  /** Our own, one by one: a global cancel would take those of everybody. */
  async #cancelAll(command: Of<'cancel-all'>, signal: AbortSignal): Promise<void> {
    const { desk, view, cancelHost } = this.#options;
    const asked = { key: '', command };
    const held = await this.#heldBack(command);
    if (held !== undefined) {
      desk.tell(asked, held.code === '' ? 'would-send' : 'denied', held);
      return;
    }
    if (this.#options.systemMs() > Date.parse(command.validUntil)) {
      desk.tell(asked, 'denied', cancelWords.expired);
      return;
    }
    const { conId } = command;
    const cancelled = new Set<number>();
    // What has just left is shown in a moment, and is meant as well.
    const isWhole = await this.#until(() => {
      this.#cancelOwn(conId, cancelled);
      return view.session().ready && !desk.isLeaving(conId, '');
    }, signal);
    const left = this.#own(conId).filter(({ orderId }) => !cancelled.has(orderId));
    const isBlind = !view.session().ready || !cancelHost.mayWrite();
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

  /** Ends our working orders of the contract, then closes what is held: nothing of ours may fill beside it. */
  async #flatten(command: Of<'flatten'>, signal: AbortSignal): Promise<void> {
    const { desk, view, account, systemMs } = this.#options;
    const { conId, by } = command;
    const key = command.key ?? `FLAT-${command.id}`;
    const deny = (words: Denial) =>
      desk.deny({ key, command, wish: emptyWish(command, conId), changed: null }, words);
    const isOurs = () => this.#own(conId).length > 0 || desk.isLeaving(conId, key);
    await this.#ready(command, signal);
    // What has just left is shown in a moment, or has filled already and is in no list of what works.
    await this.#until(() => !desk.isLeaving(conId, key), signal);
    const isTime = view.session().ready && systemMs() <= Date.parse(command.validUntil);
    let held = isTime ? await this.#held(conId) : this.#heldAsTold(conId);
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
      if (isOurs()) {
        if (systemMs() + CANCELS_END_MS > Date.parse(command.validUntil)) {
          await deny({
            code: 'EXPIRED',
            message: `It is valid until ${command.validUntil}: too short to end our working orders and to close behind them. Nothing was cancelled.`,
            allowed: 'The same with another key, sent anew.',
          });
          return;
        }
        const cancelled = new Set<number>();
        const isOver = await this.#until(() => {
          this.#cancelOwn(conId, cancelled);
          return !isOurs();
        }, signal);
        if (!isOver) {
          await deny({
            code: 'ORDER_UNKNOWN',
            message: `Our orders of contract ${conId} (${this.#own(conId).length} working) did not end within ${CANCELS_END_MS} ms after they were cancelled: what they fill would come on top of a closing order. What protected the position may have ended.`,
            allowed: 'The same with another key once `evenkeel orders` shows none.',
          });
          return;
        }
        // One of them may have filled on the way.
        held = await this.#held(conId);
      }
      isClear = true;
    }
    await desk.submit(asked(), signal, (instrument, ids) => {
      // The gate may say yes now where it said no before: then nothing has been made ready for it.
      if (!isClear || isOurs() || !this.#heldAsTold(conId).eq(held))
        throw new CommandAgainError(`COMMAND_AGAIN: what is held or works of contract ${conId} has changed`);
      return ordersOf(account, instrument, [closing(held)], ids);
    });
  }

  /** As the broker says it now: what it has pushed may be behind a fill. */
  async #held(conId: number): Promise<Amount> {
    const { outcome, facts } = await this.#options.listPositions();
    if (outcome !== 'ok') throw new CommandAgainError(`COMMAND_AGAIN: the broker's positions are ${outcome}`);
    for (const fact of facts.toReversed())
      if (fact.kind === 'position' && fact.account === this.#options.account && fact.contract.conId === conId)
        return amount(fact.position);
    return amount('0');
  }

  #heldAsTold(conId: number): Amount {
    const told = this.#options.view.positions().find(({ contract }) => contract.conId === conId);
    return amount(told?.position ?? '0');
  }

  /** False where it did not become so in time. */
  async #until(isSo: () => boolean, signal: AbortSignal): Promise<boolean> {
    const { systemMs } = this.#options;
    for (const untilMs = systemMs() + CANCELS_END_MS; !isSo(); ) {
      if (systemMs() > untilMs) return false;
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
    return true;
  }

  /** Waits, while the command is valid, until the broker's lists say which orders and positions there are. */
  async #ready({ validUntil }: TradeCommand, signal: AbortSignal): Promise<void> {
    const { view, systemMs } = this.#options;
    while (!view.session().ready && systemMs() < Date.parse(validUntil))
      await sleep(LOOK_EVERY_MS, undefined, { signal });
  }

  #own(conId: number | null): readonly OrderReport[] {
    const { view, account } = this.#options;
    return view
      .living()
      .flatMap(({ report, account: of }) => (report && of === account ? [report] : []))
      .filter(
        ({ clientId, orderId, contract }) =>
          clientId === view.clientId && orderId > 0 && (conId === null || contract.conId === conId),
      );
  }

  /** Each once. */
  #cancelOwn(conId: number | null, cancelled: Set<number>): void {
    const { view, cancelHost } = this.#options;
    if (!cancelHost.mayWrite()) return;
    for (const { orderId } of this.#own(conId))
      if (!cancelled.has(orderId) && view.cancel(orderId)) cancelled.add(orderId);
  }

  /** A person's cancel always goes; a program's not where nothing is to change. `code` `''` is DRY_RUN. */
  async #heldBack(command: Of<'cancel'> | Of<'cancel-all'>): Promise<Words | undefined> {
    if (command.by === 'person') return undefined;
    const { desk } = this.#options;
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

/** Of what never became an order. */
function emptyWish({ type, by }: Of<'modify'> | Of<'flatten'>, conId: number): OrderWish {
  return { command: type, by, conId, legs: [] };
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

function heldWords(code: DenialCode | '', message: string): Words {
  return {
    code,
    message,
    allowed: code === '' ? '' : 'A person cancels it, or what holds it back is ended.',
  };
}

/** The order's leg with what is to be changed; undefined where it is of a kind that is not placed here. */
function changedLeg(
  { terms }: OrderReport,
  { leg, quantity, limitPrice, stopPrice }: Of<'modify'>,
): WishedLeg | undefined {
  const orderType = wishedOrderTypes.find((type) => type === terms.orderType);
  const timeInForce = wishedTimesInForce.find((time) => time === terms.timeInForce);
  if (orderType === undefined || timeInForce === undefined) return undefined;
  return {
    leg,
    action: terms.action,
    quantity: quantity ?? terms.quantity,
    orderType,
    limitPrice: limitPrice ?? terms.limitPrice,
    stopPrice: stopPrice ?? terms.stopPrice,
    timeInForce,
    outsideRth: terms.outsideRth,
  };
}
