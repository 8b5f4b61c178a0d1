/** The market: the state of every instrument on the tape and the lines that clients hold on them. */
import type { Tape, TapeRow } from '../tapes/tape.ts';
import { InstrumentState } from './instrument-state.ts';
import type { Line, LineKind } from './lines.ts';
import type { Session } from './session.ts';

interface Instrument {
  readonly state: InstrumentState;
  readonly lines: Set<Line>;
}

export class MarketData {
  readonly #bySymbol = new Map<string, Instrument>();
  readonly #lines = new Map<Session, Map<string, Line>>();
  /** Rows played that no client was sent. */
  rowsUnseen = 0;

  constructor(tape: Tape) {
    for (const contract of tape.contracts) {
      const state = new InstrumentState(contract, tape.rows);
      this.#bySymbol.set(contract.localSymbol, { state, lines: new Set() });
    }
  }

  get states(): InstrumentState[] {
    return [...this.#bySymbol.values()].map(({ state }) => state);
  }

  /** Takes in a row; the lines on it are served only while the feed is up. */
  onRow(row: TapeRow, feedUp: boolean): void {
    const instrument = this.#bySymbol.get(row.symbol)!;
    instrument.state.update(row);
    let seen = false;
    if (feedUp) {
      for (const line of instrument.lines) {
        const { session } = line;
        if (session.closed || session.halfOpen) continue;
        line.onRow(row);
        seen = true;
        if (session.lastRow !== row) {
          session.lastRow = row;
          session.rowsSent += 1;
        }
      }
    }
    if (!seen) this.rowsUnseen += 1;
  }

  onAdvanced(tapeMs: number, feedUp: boolean): void {
    if (!feedUp) return;
    for (const lines of this.#lines.values()) for (const line of lines.values()) line.onAdvanced(tapeMs);
  }

  add(line: Line): void {
    let own = this.#lines.get(line.session);
    if (own === undefined) {
      own = new Map();
      this.#lines.set(line.session, own);
    }
    own.set(key(line.kind, line.id), line);
    this.#bySymbol.get(line.state.contract.localSymbol)!.lines.add(line);
  }

  has(session: Session, kind: LineKind, id: number): boolean {
    return this.#lines.get(session)?.has(key(kind, id)) ?? false;
  }

  /** Ends a line; false when there is none of that kind and id. */
  remove(session: Session, kind: LineKind, id: number): boolean {
    const own = this.#lines.get(session);
    const line = own?.get(key(kind, id));
    if (own === undefined || line === undefined) return false;
    own.delete(key(kind, id));
    this.#bySymbol.get(line.state.contract.localSymbol)!.lines.delete(line);
    return true;
  }

  removeSession(session: Session): void {
    for (const line of this.#lines.get(session)?.values() ?? []) {
      this.#bySymbol.get(line.state.contract.localSymbol)!.lines.delete(line);
    }
    this.#lines.delete(session);
  }

  /** Forgets every line of every client (1101, or a farm that comes back without its subscriptions). */
  removeAll(): void {
    for (const session of this.#lines.keys()) this.removeSession(session);
  }

  lines(session?: Session): Line[] {
    const maps = session === undefined ? [...this.#lines.values()] : [this.#lines.get(session) ?? new Map()];
    return maps.flatMap((own) => [...own.values()]);
  }

  /** Lines of a kind, over all clients: the broker counts them by user, not by connection. */
  count(kind: LineKind): number {
    return this.lines().filter((line) => line.kind === kind).length;
  }

  /** Whether some client with a line can be sent something. */
  get receiving(): boolean {
    for (const [session, own] of this.#lines)
      if (own.size > 0 && !session.closed && !session.halfOpen) return true;
    return false;
  }

  /** Whether some client with a line leaves data unread. */
  get blocked(): boolean {
    for (const [session, own] of this.#lines) if (own.size > 0 && session.blocked) return true;
    return false;
  }
}

const key = (kind: LineKind, id: number) => `${kind}:${id}`;
