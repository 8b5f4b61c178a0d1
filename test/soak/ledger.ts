/** Everything that the streamer told the cloud, kept so that every bar and every fill can be accounted for. */
import { type Candle, supersedes } from '../../lib/domain/market/candle.ts';
import { type Envelope, parseEnvelope } from '../../lib/events/envelope.ts';
import type { SinkTarget } from './sink.ts';

export interface Bar {
  /** The statement that a table of candles would hold. */
  readonly final: Candle;
  /** Statements of the bar, in the order in which they came. */
  readonly statements: number;
}

interface Gap {
  readonly conId: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
  end?: 'filled' | 'abandoned';
}

export interface Fill {
  readonly execId: string;
  readonly quantity: string;
  readonly price: string;
  readonly conId: number;
  readonly side: string;
}

export class Ledger {
  /** By contract, then start. */
  readonly bars = new Map<number, Map<number, Bar>>();
  readonly gaps = new Map<string, Gap>();
  /** As the book's queue had them. */
  readonly fills: Fill[] = [];
  readonly commissions: string[] = [];
  /** Answers to commands, by the command. */
  readonly answers = new Map<string, string>();
  readonly alerts: { readonly at: string; readonly alert: string; readonly message: string }[] = [];
  readonly phases: { readonly atMs: number; readonly to: string }[] = [];
  /** Events by name, those of the bus alone. */
  readonly counts: Record<string, number> = {};
  /** What cannot be: doubled ids, revisions out of order, what no schema knows. */
  readonly mistakes: string[] = [];
  readonly #seen = { bus: new Map<number, Set<number>>(), book: new Map<number, Set<number>>() };

  readonly take = (target: SinkTarget, value: unknown): void => {
    let event: Envelope;
    try {
      event = parseEnvelope(value);
    } catch (error) {
      this.mistakes.push(`unreadable on the ${target}: ${(error as Error).message}`);
      return;
    }
    const { epoch, seq } = event;
    const seen = this.#seen[target];
    const seqs = seen.get(epoch) ?? new Set();
    seen.set(epoch, seqs);
    if (seqs.has(seq)) this.mistakes.push(`${event.id} ${event.type} came twice on the ${target}`);
    seqs.add(seq);
    if (target === 'book') this.#takeBook(event);
    else this.#takeBus(event);
  };

  /** Numbers up to the last of an epoch that came on neither way. */
  missing(): string[] {
    const { bus, book } = this.#seen;
    return [...new Set([...bus.keys(), ...book.keys()])].flatMap((epoch) => {
      const seqs = new Set([...(bus.get(epoch) ?? []), ...(book.get(epoch) ?? [])]);
      const last = seqs.values().reduce((most, seq) => Math.max(most, seq), 0);
      const all = Array.from({ length: last }, (_, index) => index + 1);
      return all.filter((seq) => !seqs.has(seq)).map((seq) => `${epoch}:${seq}`);
    });
  }

  #takeBook({ type, data }: Envelope): void {
    if (type === 'fill.received') {
      const { execId, quantity, price, contract, side } = data;
      this.fills.push({ execId, quantity, price, conId: contract.conId, side });
    }
    if (type === 'commission.received') this.commissions.push(data.execId);
  }

  #takeBus(event: Envelope): void {
    const { type, data, occurredAt } = event;
    this.counts[type] = (this.counts[type] ?? 0) + 1;
    switch (type) {
      case 'candle.completed':
      case 'candle.corrected':
        this.#candle(type, data);
        return;
      case 'gap.detected':
        this.gaps.set(data.gapId, {
          conId: data.conId,
          fromMs: data.fromMs,
          toMs: data.toMs,
          reason: data.reason,
        });
        return;
      case 'gap.filled':
      case 'gap.abandoned': {
        const gap = this.gaps.get(data.gapId);
        if (gap === undefined) this.mistakes.push(`${type} of a gap that nobody told: ${data.gapId}`);
        else gap.end = type === 'gap.filled' ? 'filled' : 'abandoned';
        return;
      }
      case 'command.answered':
        this.answers.set(data.commandId, data.answer);
        return;
      case 'alert.raised':
        this.alerts.push({ at: occurredAt, alert: data.alert, message: data.message });
        return;
      case 'session.changed':
        this.phases.push({ atMs: Date.parse(occurredAt), to: data.to });
    }
  }

  #candle(type: 'candle.completed' | 'candle.corrected', candle: Candle): void {
    const ofContract = this.bars.get(candle.conId) ?? new Map<number, Bar>();
    this.bars.set(candle.conId, ofContract);
    const before = ofContract.get(candle.startMs);
    const name = `${candle.symbol} ${new Date(candle.startMs).toISOString()}`;
    if (type === 'candle.completed' && before !== undefined)
      this.mistakes.push(`${name} was completed twice`);
    if (type === 'candle.corrected' && before === undefined)
      this.mistakes.push(`${name} was corrected before it was told`);
    // One streamer told all of them, so each statement of a bar has the next number.
    if (candle.revision !== (before?.statements ?? 0))
      this.mistakes.push(`${name}: revision ${candle.revision} came as statement ${before?.statements ?? 0}`);
    const final = before === undefined || supersedes(candle, before.final) ? candle : before.final;
    ofContract.set(candle.startMs, { final, statements: (before?.statements ?? 0) + 1 });
  }
}
