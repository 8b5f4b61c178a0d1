/**
 * Plays a tape: decides when a row is due, keeps the tape's time, and runs on past the last row. At speed N the tape
 * follows N times the wall clock; at `max` it goes as fast as the clients read.
 */
import type { TapeRow } from '../tapes/tape.ts';

export type Speed = number | 'max';

export interface TapeClockInput {
  readonly rows: readonly TapeRow[];
  readonly speed: Speed;
  /** Tape seconds a wall second, at speed max while no client is being sent ticks. */
  readonly idleSpeed: number;
  /** Monotonic wall milliseconds. */
  readonly now: () => number;
  readonly onRow: (row: TapeRow, tapeMs: number) => void;
  /** After each stretch of rows and at least every 50 ms: the time of the tape has moved to `tapeMs`. */
  readonly onAdvanced: (tapeMs: number) => void;
  /** Whether some client is being sent ticks now. */
  readonly receiving: () => boolean;
  /** Whether some client that is being sent ticks has unread data (only speed max waits for it). */
  readonly blocked: () => boolean;
  /** Tape time of the next scripted event, `Infinity` when none is left. */
  readonly nextEventMs: () => number;
  readonly fireEvents: (tapeMs: number) => void;
}

/** Rows between two looks at the sockets. */
const stretchRows = 256;
/** Rows at speed N between two turns of the event loop. */
const burstRows = 4_096;
const idleTimerMs = 10;
const timerMsMax = 50;
/** At speed max after the end: 10 tape seconds each 100 ms of wall time. */
const speedAfterEnd = 100;

export class TapeClock {
  readonly startMs: number;
  readonly endMs: number;
  #tapeMs: number;
  #next = 0;
  #started = false;
  #stopped = false;
  #wallMs = 0;
  #anchorTapeMs = 0;
  #anchorWallMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  readonly #input: TapeClockInput;

  constructor(input: TapeClockInput) {
    this.#input = input;
    this.startMs = input.rows[0]!.timeMs;
    this.#tapeMs = this.startMs;
    this.endMs = input.rows.reduce((latest, row) => Math.max(latest, row.timeMs), this.startMs);
  }

  get tapeMs(): number {
    return this.#tapeMs;
  }
  get started(): boolean {
    return this.#started;
  }
  get ended(): boolean {
    return this.#next >= this.#input.rows.length;
  }
  /** Rows played so far. */
  get played(): number {
    return this.#next;
  }

  start(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    this.#wallMs = this.#input.now();
    this.#anchor();
    this.#soon();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  /** Brings the tape to where the wall clock says it is; called before anything that answers with tape time. */
  advance(): void {
    if (!this.#started || this.#stopped) return;
    const now = this.#input.now();
    const { speed, idleSpeed } = this.#input;
    if (speed !== 'max') {
      this.#playUntil(this.#anchorTapeMs + (now - this.#anchorWallMs) * speed, burstRows);
    } else if (this.ended) {
      this.#moveTo(this.#tapeMs + (now - this.#wallMs) * speedAfterEnd);
    } else if (!this.#input.receiving()) {
      this.#playUntil(this.#tapeMs + (now - this.#wallMs) * idleSpeed, burstRows);
    }
    this.#wallMs = now;
  }

  /** A client can take more, or subscriptions changed. */
  wake(): void {
    if (this.#started && !this.#stopped && this.#immediate === undefined) this.#soon();
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#stopped) return;
    const full = this.#input.speed === 'max' && !this.ended && this.#input.receiving();
    if (full) {
      if (this.#input.blocked()) return; // drain, a new subscription or a closed session wakes it
      this.#playUntil(Number.POSITIVE_INFINITY, stretchRows);
      this.#wallMs = this.#input.now();
      this.#soon();
      return;
    }
    this.advance();
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#pump(), this.#pauseMs());
  }

  #pauseMs(): number {
    const { speed, rows } = this.#input;
    if (speed === 'max') return idleTimerMs;
    const next = rows[this.#next];
    if (next === undefined) return timerMsMax;
    const dueMs = (Math.max(next.timeMs, this.#tapeMs) - this.#anchorTapeMs) / speed + this.#anchorWallMs;
    return Math.min(Math.max(Math.ceil(dueMs - this.#input.now()), 1), timerMsMax);
  }

  /** Plays rows due by `untilMs`, at most `limit` of them, with the scripted events between them in their places. */
  #playUntil(untilMs: number, limit: number): void {
    const { rows, onRow, nextEventMs, fireEvents } = this.#input;
    const last = Math.min(this.#next + limit, rows.length);
    while (this.#next < last) {
      const row = rows[this.#next]!;
      // A row out of order within the grace is played when the file says so, not in its own past.
      const dueMs = Math.max(row.timeMs, this.#tapeMs);
      if (dueMs > untilMs) break;
      if (nextEventMs() <= dueMs) {
        this.#tapeMs = Math.max(this.#tapeMs, nextEventMs());
        fireEvents(this.#tapeMs);
        // An event may have left nobody to read: look again before the next row.
        if (this.#stopped || untilMs === Number.POSITIVE_INFINITY) break;
        continue;
      }
      this.#tapeMs = dueMs;
      this.#next += 1;
      onRow(row, dueMs);
    }
    const caughtUp = this.#next >= rows.length || Math.max(rows[this.#next]!.timeMs, this.#tapeMs) > untilMs;
    if (caughtUp && untilMs !== Number.POSITIVE_INFINITY) this.#moveTo(untilMs);
    else this.#input.onAdvanced(this.#tapeMs);
  }

  #moveTo(tapeMs: number): void {
    if (this.#input.nextEventMs() <= tapeMs) {
      this.#tapeMs = Math.max(this.#tapeMs, this.#input.nextEventMs());
      this.#input.fireEvents(tapeMs);
      if (this.#stopped) return;
    }
    this.#tapeMs = Math.max(this.#tapeMs, Math.floor(tapeMs));
    this.#input.onAdvanced(this.#tapeMs);
  }

  #anchor(): void {
    this.#anchorTapeMs = this.#tapeMs;
    this.#anchorWallMs = this.#input.now();
  }
}
