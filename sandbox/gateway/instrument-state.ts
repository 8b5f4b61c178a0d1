/** What the market knows of one instrument: last trade, quote, cumulative volume, running vwap, and its past rows. */
import type { TapeContract } from '../tapes/contracts.ts';
import type { TapeRow } from '../tapes/tape.ts';
import { decimalsOf, decimalText, scaled } from './scaled.ts';

const volumeDigits = '0000000000000000';

export class InstrumentState {
  readonly contract: TapeContract;
  /** Trade rows in the file's order, whether played or not. */
  readonly trades: readonly TapeRow[];
  /** Running maximum of the trades' times: when each was or will be played. */
  readonly playTimes: Float64Array;
  /** How many trades were played. */
  played = 0;
  last: TapeRow | undefined;
  bid: string | undefined;
  ask: string | undefined;
  bidSize = '0';
  askSize = '0';
  open: string | undefined;
  high: string | undefined;
  low: string | undefined;
  halted = false;
  haltKnown = false;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  #volume = 0n;
  #notional = 0n;
  #high = 0n;
  #low = 0n;

  constructor(contract: TapeContract, rows: readonly TapeRow[]) {
    this.contract = contract;
    const own = rows.filter((row) => row.symbol === contract.localSymbol);
    this.trades = own.filter((row) => row.kind === 'trade');
    this.haltKnown = own.some((row) => row.kind === 'halt' || row.kind === 'resume');
    this.playTimes = new Float64Array(this.trades.length);
    let latest = 0;
    for (const [index, row] of this.trades.entries()) {
      latest = Math.max(latest, row.timeMs);
      this.playTimes[index] = latest;
    }
    this.priceDecimals = this.trades.reduce((most, row) => Math.max(most, decimalsOf(row.price)), 0);
    this.sizeDecimals = this.trades.reduce((most, row) => Math.max(most, decimalsOf(row.size)), 0);
  }

  /** Takes in a row when it is played, whoever listens. */
  update(row: TapeRow): void {
    if (row.bid !== undefined) this.bid = row.bid;
    if (row.ask !== undefined) this.ask = row.ask;
    if (row.bidSize !== undefined) this.bidSize = row.bidSize;
    if (row.askSize !== undefined) this.askSize = row.askSize;
    if (row.kind === 'halt') this.halted = true;
    if (row.kind === 'resume') this.halted = false;
    if (row.kind !== 'trade') return;
    this.played += 1;
    this.last = row;
    const size = scaled(row.size, this.sizeDecimals);
    const price = scaled(row.price, this.priceDecimals);
    this.#volume += size;
    this.#notional += size * price;
    if (this.open === undefined) {
      this.open = row.price;
      this.high = row.price;
      this.low = row.price;
      this.#high = price;
      this.#low = price;
    } else if (price > this.#high) {
      this.#high = price;
      this.high = row.price;
    } else if (price < this.#low) {
      this.#low = price;
      this.low = row.price;
    }
  }

  /** Volume since the start of the tape, as decimal text. */
  get volume(): string {
    return decimalText(this.#volume, this.sizeDecimals);
  }

  /** Volume-weighted average price since the start of the tape, eight digits, `0.0` before any volume. */
  get vwap(): string {
    if (this.#volume === 0n) return '0.0';
    return decimalText((this.#notional * 100_000_000n) / this.#volume, this.priceDecimals + 8).replace(
      /(\.\d{8})\d+$/,
      '$1',
    );
  }

  /**
   * The last trade as RTVolume: price;size;time ms;cumulative volume;vwap;single trade. From server version 163 on
   * sizes are decimals with sixteen digits.
   */
  rtVolume(serverVersion: number): string {
    const row = this.last!;
    const size = serverVersion >= 163 ? sixteenDigits(row.size) : row.size;
    const volume = serverVersion >= 163 ? sixteenDigits(this.volume) : this.volume;
    return `${row.price};${size};${row.timeMs};${volume};${this.vwap};true`;
  }
}

function sixteenDigits(text: string): string {
  const dot = text.indexOf('.');
  if (dot === -1) return `${text}.${volumeDigits}`;
  return text + volumeDigits.slice(Math.min(text.length - dot - 1, volumeDigits.length));
}
