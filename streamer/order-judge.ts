import type { Instrument } from '../lib/domain/market/instrument.ts';
import { canTrade } from '../lib/domain/safety/gate.ts';
import { isWayOut } from '../lib/domain/safety/gate-account.ts';
import type { GateVerdict, TradingPicture } from '../lib/domain/safety/gate-types.ts';
import { marginQuestion } from '../lib/domain/safety/margin.ts';
import type { DeskReading } from './order-book.ts';
import type { Asked, OrderDeskOptions } from './order-desk-types.ts';
import { type OrderToWrite, whatIfOrder } from './order-writer.ts';
import type { SendingDriver } from './sending-driver.ts';
import { takePicture } from './trading-picture.ts';

/** Orders whose fate is not known; with so many of them something is wrong that more orders do not cure. */
const UNKNOWN_MAX = 200;

/** Asks the gate, on what is known at this moment. */
export class OrderJudge {
  readonly #options: OrderDeskOptions;
  readonly #sending: SendingDriver;

  constructor(options: OrderDeskOptions, sending: SendingDriver) {
    this.#options = options;
    this.#sending = sending;
  }

  judge(asked: Asked, reading: DeskReading): GateVerdict {
    const { wish, command } = asked;
    if (this.#options.systemMs() > Date.parse(command.validUntil)) {
      return {
        verdict: 'deny',
        code: 'EXPIRED',
        message: `It was valid until ${command.validUntil}.`,
        allowed: 'The same order with another key, sent anew.',
      };
    }
    const pending = this.#sending.pending();
    if (pending.length >= UNKNOWN_MAX || reading.desk.open.length >= UNKNOWN_MAX) {
      const unknown = Math.max(pending.length, reading.desk.open.length);
      return {
        verdict: 'deny',
        code: 'MAX_OPEN_ORDERS',
        message: `Of ${unknown} orders nobody knows whether the broker has them.`,
        allowed: 'Orders again once that is settled: look for them in TWS, then start the streamer anew.',
      };
    }
    return canTrade(this.#picture(asked, reading), wish);
  }

  /** Whether it leaves although not all lists of the broker are whole. */
  isWayOut(asked: Asked, reading: DeskReading): boolean {
    return isWayOut(this.#picture(asked, reading), asked.wish);
  }

  /**
   * What the broker is to be asked of the order's margin; undefined where nobody wants it asked, or it needs none.
   *
   * @param orderId of the question, and of nothing else
   * @throws OrderWriteError for a number that cannot be written
   */
  question(
    asked: Asked,
    reading: DeskReading,
    instrument: Instrument,
    orderId: number,
  ): OrderToWrite | undefined {
    const { config, streamer } = this.#options;
    if (!config.risk.whatIf) return undefined;
    const leg = marginQuestion(this.#picture(asked, reading), asked.wish);
    return leg && whatIfOrder(streamer.account, instrument, leg, orderId);
  }

  #picture({ wish, changed }: Asked, reading: DeskReading): TradingPicture {
    // What whole lists of the broker lack is ours no more to cancel: it must not keep anybody in a position.
    const pending = wish.command === 'flatten' ? this.#sending.undecided() : this.#sending.pending();
    return takePicture(this.#options, reading, { wish, changed, pending });
  }
}
