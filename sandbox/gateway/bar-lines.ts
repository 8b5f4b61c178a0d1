/** Subscriptions to bars: five-second bars, and the forming bar of a historical request. */
import type { TapeRow } from '../tapes/tape.ts';
import { addTrade, type Bar, newBar, wireBar } from './bars.ts';
import { historicalDataUpdate, realTimeBar } from './encode-market.ts';
import type { InstrumentState } from './instrument-state.ts';
import type { Line } from './lines.ts';
import type { Session } from './session.ts';

const fiveSecondsMs = 5_000;
/** A pause of this length is a closed market, in which no bars come. */
const closedMs = 45 * 60_000;

/** Five-second bars; one without trades repeats the last price with volume 0, as the live ones do. */
export class RealTimeBarsLine implements Line {
  readonly kind = 'real-time-bars';
  readonly session: Session;
  readonly id: number;
  readonly state: InstrumentState;
  #bar: Bar | undefined;
  #lastTradeMs = 0;

  constructor(session: Session, id: number, state: InstrumentState) {
    this.session = session;
    this.id = id;
    this.state = state;
  }

  onRow(row: TapeRow): void {
    if (row.kind !== 'trade') return;
    const startMs = row.timeMs - (row.timeMs % fiveSecondsMs);
    this.#closeUntil(startMs, row.timeMs - this.#lastTradeMs < closedMs);
    this.#lastTradeMs = Math.max(this.#lastTradeMs, row.timeMs);
    // A trade of a bar that was sent cannot change it any more.
    if (this.#bar !== undefined && startMs < this.#bar.startMs) return;
    if (this.#bar === undefined || this.#bar.startMs < startMs) this.#bar = newBar(startMs, row.price);
    if (this.#bar.count === 0) this.#bar = newBar(this.#bar.startMs, row.price);
    addTrade(this.#bar, row, this.state);
  }

  onAdvanced(tapeMs: number): void {
    this.#closeUntil(tapeMs - (tapeMs % fiveSecondsMs), tapeMs - this.#lastTradeMs < closedMs);
  }

  /** Sends every bar that ended by `startMs`; with `open` the silent ones in between too. */
  #closeUntil(startMs: number, open: boolean): void {
    while (this.#bar !== undefined && this.#bar.startMs < startMs) {
      const bar = this.#bar;
      this.session.send(realTimeBar(this.id, wireBar(bar, bar.startMs / 1_000, this.state)));
      this.#bar = open ? newBar(bar.startMs + fiveSecondsMs, bar.close) : undefined;
    }
  }
}

/** The forming bar of a historical request with keepUpToDate: one update a stretch of the tape, and each bar's last. */
export class HistoricalLine implements Line {
  readonly kind = 'historical';
  readonly session: Session;
  readonly id: number;
  readonly state: InstrumentState;
  readonly #startOf: (timeMs: number) => number;
  readonly #timeOf: (startMs: number) => number | string;
  #bar: Bar | undefined;
  #changed = false;

  constructor(
    session: Session,
    id: number,
    state: InstrumentState,
    form: {
      startOf: (timeMs: number) => number;
      timeOf: (startMs: number) => number | string;
      bar: Bar | undefined;
    },
  ) {
    this.session = session;
    this.id = id;
    this.state = state;
    this.#startOf = form.startOf;
    this.#timeOf = form.timeOf;
    this.#bar = form.bar;
  }

  onRow(row: TapeRow): void {
    if (row.kind !== 'trade') return;
    const startMs = this.#startOf(row.timeMs);
    if (this.#bar !== undefined && startMs < this.#bar.startMs) return;
    if (this.#bar === undefined || startMs > this.#bar.startMs) {
      this.onAdvanced();
      this.#bar = newBar(startMs, row.price);
    }
    addTrade(this.#bar, row, this.state);
    this.#changed = true;
  }

  onAdvanced(): void {
    if (!this.#changed || this.#bar === undefined) return;
    this.#changed = false;
    this.session.send(
      historicalDataUpdate(this.id, wireBar(this.#bar, this.#timeOf(this.#bar.startMs), this.state)),
    );
  }
}
