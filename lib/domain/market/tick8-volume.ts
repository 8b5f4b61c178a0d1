/**
 * Volume from IB's tick type 8, the session's cumulative volume. The sum of LAST_SIZE (5) is no volume: IB sends
 * sizes repeatedly and leaves prints out (of 3,385,936 shares in a recorded stream they sum to 1,313,900), while the
 * differences of tick 8 miss nothing.
 */

/** What a price or volume tick amounts to, scaled integers; one object for all answers, never to be kept. */
export interface Tick8Print {
  price: number;
  /** Volume since the print before; 0 for a change of price alone. */
  size: number;
  /** -1 before the first volume. */
  cumVolume: number;
}

/** Turns the ticks LAST (4) and VOLUME (8) of one instrument into prints for the candle builder. */
export class Tick8Volume {
  readonly #print: Tick8Print = { price: Number.NaN, size: 0, cumVolume: -1 };
  /** Volume that came before any price: the first price takes it along. */
  #unpriced = 0;
  #newSession = false;

  /** LAST (4). A price of its own has no volume yet: that comes with the next tick 8. */
  price(price: number): Tick8Print | undefined {
    const print = this.#print;
    // IB repeats the last price with every size.
    if (Number.isNaN(price) || price === print.price) return undefined;
    print.price = price;
    print.size = this.#unpriced;
    this.#unpriced = 0;
    return print;
  }

  /** VOLUME (8). The first value is the baseline and makes no print. */
  volume(cumVolume: number): Tick8Print | undefined {
    if (Number.isNaN(cumVolume) || cumVolume < 0) return undefined;
    const print = this.#print;
    const before = print.cumVolume;
    print.cumVolume = cumVolume;
    if (before < 0) {
      this.#newSession = false;
      return undefined;
    }
    print.size = cumVolume - before;
    // A fall at the opening of a session, or to less than half, is a count that began again at 0; any other is a
    // busted trade that IB took back, and only moves the baseline.
    if (print.size < 0) print.size = this.#newSession || cumVolume < before / 2 ? cumVolume : 0;
    // The old total may be repeated after the opening; what differs from it ends the wait.
    if (cumVolume !== before) this.#newSession = false;
    if (!Number.isNaN(print.price)) return print.size === 0 ? undefined : print;
    this.#unpriced += print.size;
    return undefined;
  }

  /** To be called when a session has opened: IB's count begins again at 0 with its first volume. */
  sessionOpened(): void {
    this.#newSession = true;
  }

  /** To be called when prints may have been missed: the next value is a baseline again, history brings the rest. */
  reset(): void {
    this.#print.price = Number.NaN;
    this.#print.cumVolume = -1;
    this.#unpriced = 0;
    this.#newSession = false;
  }
}
