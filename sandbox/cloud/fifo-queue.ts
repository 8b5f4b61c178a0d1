import { randomUUID } from 'node:crypto';
import type { FifoMessage, FifoStore } from './fifo-store.ts';
import type { QueueModel } from './model.ts';

/** SQS remembers what was sent for five minutes. */
const DEDUPLICATION_MS = 300_000;

interface Group {
  /** Waiting, in order. */
  readonly ready: FifoMessage[];
  /** Received and neither deleted nor visible again; while there is one, the group gives out nothing. */
  readonly inFlight: Map<string, FifoMessage>;
}

export interface Sending {
  readonly group: string;
  readonly deduplicationId: string;
  readonly body: string;
  /** JSON of the message attributes. */
  readonly attributes: string;
}

/**
 * One FIFO queue, as SQS has it: order within a message group, nothing more of a group while something of it is in
 * flight, several messages of one group in one receipt, deduplication for five minutes by queue or by group, messages
 * received too often moved to the dead-letter queue. Times are Unix milliseconds.
 */
export class FifoQueue {
  readonly model: QueueModel;
  readonly #store: FifoStore;
  readonly #deadLetters: (arn: string) => FifoQueue | undefined;
  /** In the order in which they take turns. */
  readonly #groups = new Map<string, Group>();
  readonly #byReceipt = new Map<string, Group>();
  readonly #waiters = new Set<() => void>();
  #alarm: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    model: QueueModel,
    store: FifoStore,
    deadLetters: (arn: string) => FifoQueue | undefined,
    nowMs: number,
  ) {
    this.model = model;
    this.#store = store;
    this.#deadLetters = deadLetters;
    for (const message of store.load(model.name)) {
      const group = this.#group(message.group);
      if (message.receipt !== '' && message.visibleMs > nowMs) this.#fly(group, message);
      else group.ready.push(message);
    }
  }

  send(sending: Sending, nowMs: number): { readonly id: string; readonly seq: number } {
    const { name } = this.model;
    const scope = this.model.attributes.DeduplicationScope === 'messageGroup' ? sending.group : '';
    const before = this.#store.sentBefore(name, scope, sending.deduplicationId, nowMs);
    if (before !== undefined) return before;
    const message: FifoMessage = {
      ...sending,
      seq: 0,
      id: randomUUID(),
      sentMs: nowMs,
      receives: 0,
      firstReceivedMs: 0,
      visibleMs: nowMs + this.#seconds('DelaySeconds', 0) * 1_000,
      receipt: '',
      sourceArn: '',
    };
    this.#store.insert(name, message);
    this.#store.remember(name, scope, message, nowMs, nowMs + DEDUPLICATION_MS);
    this.#add(message);
    return message;
  }

  /** Up to `max` messages; of one group only while nothing of it is in flight, and then in order. */
  receive(max: number, visibilityMs: number | undefined, nowMs: number): FifoMessage[] {
    this.#returnExpired(nowMs);
    const hiddenMs = visibilityMs ?? this.visibilityMs;
    const received: FifoMessage[] = [];
    // A copy: a group that was served is put at the end of the turns.
    const turns = [...this.#groups];
    for (const [name, group] of turns) {
      if (received.length >= max) break;
      if (group.inFlight.size > 0) continue;
      while (received.length < max) {
        const message = group.ready[0];
        if (message === undefined || message.visibleMs > nowMs) break;
        group.ready.shift();
        if (this.#tooOften(message, nowMs) || this.#tooOld(message, nowMs)) continue;
        message.receives += 1;
        message.firstReceivedMs ||= nowMs;
        message.visibleMs = nowMs + hiddenMs;
        message.receipt = randomUUID();
        this.#store.update(message);
        this.#fly(group, message);
        received.push(message);
      }
      this.#groups.delete(name);
      if (group.ready.length > 0 || group.inFlight.size > 0) this.#groups.set(name, group);
    }
    return received;
  }

  /** False when the handle is not of a message in flight: then nothing happens. */
  remove(receipt: string, nowMs: number): boolean {
    this.#returnExpired(nowMs);
    const group = this.#byReceipt.get(receipt);
    const message = group?.inFlight.get(receipt);
    if (group === undefined || message === undefined) return false;
    this.#store.remove(message);
    this.#land(group, message);
    return true;
  }

  /** Gives the message back after `visibilityMs`; 0 at once. False when it is not in flight. */
  hide(receipt: string, visibilityMs: number, nowMs: number): boolean {
    this.#returnExpired(nowMs);
    const group = this.#byReceipt.get(receipt);
    const message = group?.inFlight.get(receipt);
    if (group === undefined || message === undefined) return false;
    message.visibleMs = nowMs + visibilityMs;
    this.#store.update(message);
    this.#returnExpired(nowMs);
    this.#setAlarm(nowMs);
    return true;
  }

  /** Gives back everything in flight: its receiver is gone. */
  release(nowMs: number): void {
    for (const { inFlight } of this.#groups.values()) {
      for (const message of inFlight.values()) message.visibleMs = nowMs;
    }
    this.#returnExpired(nowMs);
  }

  purge(): void {
    this.#store.purge(this.model.name);
    this.#groups.clear();
    this.#byReceipt.clear();
  }

  /** Ready, in flight and delayed. */
  counts(nowMs: number): { readonly ready: number; readonly inFlight: number; readonly delayed: number } {
    this.#returnExpired(nowMs);
    let ready = 0;
    let delayed = 0;
    for (const group of this.#groups.values()) {
      for (const { visibleMs } of group.ready) {
        if (visibleMs > nowMs) delayed += 1;
        else ready += 1;
      }
    }
    return { ready, inFlight: this.#byReceipt.size, delayed };
  }

  get visibilityMs(): number {
    return this.#seconds('VisibilityTimeout', 30) * 1_000;
  }

  /** Resolves when there may be something to receive, when `signal` aborts, after `waitMs`, or at the stop. */
  async changed(waitMs: number, nowMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#stopped || signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.#waiters.delete(wake);
        if (this.#waiters.size === 0) clearTimeout(this.#alarm);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      signal?.addEventListener('abort', wake);
      this.#waiters.add(wake);
      this.#setAlarm(nowMs);
    });
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Ends every wait, and those that would begin. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
    clearTimeout(this.#alarm);
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
  }

  /** While somebody waits, wakes him when the next message becomes visible by itself. */
  #setAlarm(nowMs: number): void {
    clearTimeout(this.#alarm);
    if (this.#waiters.size === 0) return;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { ready, inFlight } of this.#groups.values()) {
      for (const { visibleMs } of inFlight.values()) nextMs = Math.min(nextMs, visibleMs);
      if (ready[0] !== undefined && inFlight.size === 0) nextMs = Math.min(nextMs, ready[0].visibleMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY)
      this.#alarm = setTimeout(() => this.#wake(), Math.max(1, nextMs - nowMs));
  }

  #returnExpired(nowMs: number): void {
    let returned = false;
    for (const group of this.#groups.values()) {
      for (const message of group.inFlight.values()) {
        if (message.visibleMs > nowMs) continue;
        const { receipt } = message;
        message.receipt = '';
        this.#store.update(message);
        group.inFlight.delete(receipt);
        this.#byReceipt.delete(receipt);
        const at = group.ready.findIndex(({ seq }) => seq > message.seq);
        group.ready.splice(at < 0 ? group.ready.length : at, 0, message);
        returned = true;
      }
    }
    if (returned) this.#wake();
  }

  #tooOften(message: FifoMessage, nowMs: number): boolean {
    const policy = this.model.attributes.RedrivePolicy;
    if (policy === undefined) return false;
    const { deadLetterTargetArn: arn, maxReceiveCount } = JSON.parse(policy) as {
      deadLetterTargetArn: string;
      maxReceiveCount: number | string;
    };
    if (message.receives < Number(maxReceiveCount)) return false;
    const target = this.#deadLetters(arn);
    if (target === undefined) return false;
    this.#store.remove(message);
    target.#bury({ ...message, sourceArn: this.model.arn }, nowMs);
    return true;
  }

  #tooOld(message: FifoMessage, nowMs: number): boolean {
    const keptMs = this.#seconds('MessageRetentionPeriod', 345_600) * 1_000;
    if (nowMs - message.sentMs <= keptMs) return false;
    this.#store.remove(message);
    return true;
  }

  /** A FIFO dead-letter queue counts the age of a message from its arrival there. */
  #bury(message: FifoMessage, nowMs: number): void {
    const buried = {
      ...message,
      sentMs: nowMs,
      visibleMs: nowMs,
      receives: 0,
      firstReceivedMs: 0,
      receipt: '',
    };
    this.#store.insert(this.model.name, buried);
    this.#add(buried);
  }

  #add(message: FifoMessage): void {
    const group = this.#group(message.group);
    group.ready.push(message);
    if (group.inFlight.size === 0) this.#wake();
  }

  #fly(group: Group, message: FifoMessage): void {
    group.inFlight.set(message.receipt, message);
    this.#byReceipt.set(message.receipt, group);
  }

  #land(group: Group, message: FifoMessage): void {
    group.inFlight.delete(message.receipt);
    this.#byReceipt.delete(message.receipt);
    if (group.inFlight.size > 0) return;
    if (group.ready.length > 0) this.#wake();
    else this.#groups.delete(message.group);
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { ready: [], inFlight: new Map() };
      this.#groups.set(name, group);
    }
    return group;
  }

  #seconds(attribute: string, otherwise: number): number {
    return Number(this.model.attributes[attribute] ?? otherwise);
  }
}
