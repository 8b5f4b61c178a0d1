import { createDesk, type DeskState, deadline, step } from '../../../lib/domain/alerts/desk.ts';
import type { AlertRecord } from '../../../lib/domain/alerts/memory.ts';
import type {
  AlertMessage,
  AlertNews,
  ChannelRules,
  DeskEffect,
  DeskInput,
  DeskRules,
} from '../../../lib/domain/alerts/types.ts';

export const minuteMs = 60_000;
/** A Monday. */
export const startMs = Date.UTC(2026, 0, 5, 15, 0);

export function channel(name: string, changes: Partial<ChannelRules> = {}): ChannelRules {
  return { name, minSeverity: 'INFO', receives: 'all', quietHours: null, rateMs: 1_000, ...changes };
}

export function rulesOf(changes: Partial<DeskRules> = {}): DeskRules {
  return {
    channels: [channel('desk')],
    resetWindows: [],
    dedupMs: 10 * minuteMs,
    escalateMs: 15 * minuteMs,
    ...changes,
  };
}

export function news(changes: Partial<AlertNews> = {}): AlertNews {
  return {
    alert: 'reconcile_failed',
    severity: 'HIGH',
    account: 'DU1234567',
    subject: 'run 1',
    message: 'A run failed.',
    witness: 'evenkeel.streamer',
    ...changes,
  };
}

/** The desk over a clock of its own; every message is taken at once unless its channel is among the broken ones. */
export class TestDesk {
  state: DeskState;
  nowMs: number;
  /** Taken by their channel, in order. */
  readonly sent: { readonly atMs: number; readonly message: AlertMessage }[] = [];
  readonly buried: AlertMessage[] = [];
  readonly attempts: { readonly atMs: number; readonly message: AlertMessage }[] = [];
  readonly broken = new Map<string, { why: 'later' | 'refused'; retryAfterMs: number }>();
  /** Channels whose outcomes never come back. */
  readonly unheard = new Set<string>();
  #events = 0;
  #steps = 0;

  constructor(rules: DeskRules, nowMs = startMs) {
    this.state = createDesk(rules);
    this.nowMs = nowMs;
  }

  raise(changes: Partial<AlertNews> = {}, times = 1, atMs = this.nowMs): void {
    const inputs = Array.from({ length: times }, (): DeskInput => {
      this.#events += 1;
      return { kind: 'raised', eventId: `e${this.#events}`, atMs, news: news(changes) };
    });
    this.take(inputs);
  }

  end(alert: string, subject: string | null = null, atMs = this.nowMs, witness: string | null = null): void {
    this.#events += 1;
    const over = { alerts: [alert], account: 'DU1234567', subject, witness };
    const end = { ...over, message: 'It is over.', otherwise: null };
    this.take([{ kind: 'ended', eventId: `e${this.#events}`, atMs, end }]);
  }

  acknowledge(id: string): void {
    this.take([{ kind: 'acknowledged', id, by: 'arn:aws:iam::1:user/anna', reason: 'on it' }]);
  }

  take(inputs: readonly DeskInput[]): void {
    const { state, effects } = step(this.state, inputs, this.nowMs);
    // What is kept is JSON. Not after every step: with a full memory that is most of the work.
    this.#steps += 1;
    const isKept = this.#steps <= 10 || this.#steps % 10 === 0;
    this.state = isKept ? { rules: state.rules, memory: JSON.parse(JSON.stringify(state.memory)) } : state;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: DeskEffect): void {
    const { message } = effect;
    const { channel: name, no } = message;
    if (effect.kind === 'bury') {
      this.buried.push(message);
      this.take([{ kind: 'buried', channel: name, no }]);
      return;
    }
    this.attempts.push({ atMs: this.nowMs, message });
    if (this.unheard.has(name)) return;
    const broken = this.broken.get(name);
    if (broken === undefined) {
      this.sent.push({ atMs: this.nowMs, message });
      this.take([{ kind: 'delivered', channel: name, no }]);
    } else {
      this.take([{ kind: 'failed', channel: name, no, problem: 'it answered 503', ...broken }]);
    }
  }

  /** Lets time go by as the driver does: to each deadline, and each minute. */
  later(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      const dueMs = deadline(this.state, this.nowMs) ?? Number.POSITIVE_INFINITY;
      this.nowMs = Math.min(untilMs, this.nowMs + minuteMs, Math.max(dueMs, this.nowMs + 1));
      this.take([{ kind: 'tick' }]);
    }
  }

  /** What a channel was told, as `kind alert ×count`. */
  told(name = 'desk'): string[] {
    return this.sent
      .filter(({ message }) => message.channel === name)
      .flatMap(({ message }) => message.alerts.map(({ kind, alert, count }) => `${kind} ${alert} ×${count}`));
  }

  get records(): AlertRecord[] {
    return Object.values(this.state.memory.records);
  }
}
