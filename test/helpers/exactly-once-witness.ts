/** What is noted of a run as it goes, and what is wrong the moment it happens. */
import type { Intent, IntentState } from '../../lib/domain/orders/intent.ts';
import { readFlags } from '../../lib/domain/safety/flags.ts';
import { isOpenFor, readLock } from '../../lib/domain/safety/lock.ts';
import { readTradingState } from '../../lib/domain/safety/trading-state.ts';
import type { EventData } from '../../lib/events/catalogue.ts';
import type { BookChange } from '../../lib/ports/book.ts';
import type { OrderToWrite } from '../../streamer/order-writer.ts';
import type { CrashPoint, StreamerProcess } from './exactly-once-process.ts';
import type { Table } from './exactly-once-table.ts';
import type { VirtualTime } from './exactly-once-time.ts';

type Answer = EventData<'command.answered'>;

const movesOf: Readonly<Record<IntentState | 'none', readonly IntentState[]>> = {
  none: ['sending', 'denied', 'would-send'],
  sending: ['sent', 'rejected', 'denied', 'unresolved'],
  unresolved: ['sent', 'rejected'],
  sent: [],
  rejected: [],
  denied: [],
  'would-send': [],
};

export class Witness {
  readonly violations: string[] = [];
  readonly trace: string[] = [];
  readonly answers: Answer[] = [];
  readonly alerts: EventData<'alert.raised'>[] = [];
  readonly deaths: (CrashPoint | 'any moment')[] = [];
  disksLost = 0;
  /** Terms of the lease that began. */
  terms = 0;
  /** Intents that are unresolved, and the term in which they became it: no later one waits for a word of them. */
  readonly unresolvedIn = new Map<string, number>();
  /** Intents that were recorded to be sent, and how often each of their orders was written to a socket. */
  readonly written = new Map<string, { readonly orderId: number; times: number }>();
  readonly #time: VirtualTime;
  readonly #table: Table;
  readonly #startMs: number;

  constructor(time: VirtualTime, table: Table) {
    this.#time = time;
    this.#table = table;
    this.#startMs = time.nowMs;
  }

  get intents(): readonly Intent[] {
    return [...this.#table.items.values()].flatMap(({ ref, body }) =>
      ref.kind === 'intent' ? [body as unknown as Intent] : [],
    );
  }

  note(text: string): void {
    this.trace.push(`${String(this.#time.nowMs - this.#startMs).padStart(7)} ${text}`);
  }

  wrong(text: string): void {
    this.violations.push(text);
    this.note(`WRONG ${text}`);
  }

  answered(answer: Answer): void {
    this.answers.push(answer);
    this.note(`answer ${answer.commandId.slice(0, 8)} ${answer.key} ${answer.answer} ${answer.code}`);
  }

  raised(alert: EventData<'alert.raised'>): void {
    this.alerts.push(alert);
    this.note(`alert ${alert.alert} ${alert.subject}`);
  }

  died(name: string, at: CrashPoint | 'any moment'): void {
    this.deaths.push(at);
    this.note(`${name} dies: ${at}`);
  }

  /** What may leave is what the book allows at this very moment; nobody else sees the moment. */
  committing({ writes, lease, writer }: BookChange, table: Table): void {
    for (const { ref, body } of writes) {
      if (ref.kind !== 'intent' || body === null) continue;
      const { key, state, code } = body as unknown as Intent;
      const before = (table.get(ref)?.body.state as IntentState | undefined) ?? 'none';
      this.note(`${writer} ${key}: ${before} to ${state} ${code}`);
      if (!movesOf[before].includes(state)) this.wrong(`${key} went from ${before} to ${state}`);
      if (state === 'unresolved') this.unresolvedIn.set(key, this.terms);
      if (state !== 'sending') continue;
      const flags = readFlags(table.get({ kind: 'flags', id: '' })?.body);
      const trading = readTradingState(table.get({ kind: 'trading', id: '' })?.body);
      const token = table.lease?.token ?? 0;
      if (flags.flags.SAFE_MODE || flags.flags.DRY_RUN) this.wrong(`${key} was reserved under a flag`);
      if (trading.mode !== 'active') this.wrong(`${key} was reserved while trading is ${trading.mode}`);
      if (lease !== token) this.wrong(`${key} was reserved under the lease ${lease}, which is ${token}`);
      if (!isOpenFor(readLock(table.get({ kind: 'lock', id: '' })?.body), token))
        this.wrong(`${key} was reserved behind a closed lock`);
    }
  }

  /** An order goes to a socket: recorded before, in the book and on the disk, and for the first time. */
  writing({ name, outbox }: StreamerProcess, { orderId, order: { orderRef = '' } }: OrderToWrite): void {
    const intents = this.intents.filter(({ legs }) => legs.some((leg) => leg.orderRef === orderRef));
    this.note(`${name} writes ${orderRef.slice(0, 9)} ${orderId}`);
    const sending = intents.filter(({ state }) => state === 'sending');
    if (sending.length === 0) this.wrong(`${orderRef} was written and no intent of it is being sent`);
    if (!sending.some(({ key }) => outbox.journal.mayHaveLeft(key)))
      this.wrong(`${orderRef} was written and is not in the journal`);
    const before = this.written.get(orderRef);
    const times = (before?.times ?? 0) + 1;
    if (before !== undefined && before.orderId !== orderId)
      this.wrong(`${orderRef} was written with the ids ${before.orderId} and ${orderId}`);
    const allowed = intents.filter(({ legs }) => legs.length > 0).length;
    if (times > allowed) this.wrong(`${orderRef} was written ${times} times for ${allowed} intents`);
    this.written.set(orderRef, { orderId, times });
  }
}
