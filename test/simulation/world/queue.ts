/** A FIFO queue of a run: the sandbox's own, which keeps the rules of SQS, with its messages in memory. */
import { FifoQueue } from '../../../sandbox/cloud/fifo-queue.ts';
import type { Deduplication, FifoMessage, FifoStore } from '../../../sandbox/cloud/fifo-store.ts';
import type { SimulatedTime } from './time.ts';

class MemoryStore implements Pick<FifoStore, keyof FifoStore> {
  #seq = 0;
  readonly #sent = new Map<string, Deduplication & { readonly untilMs: number }>();

  load(): FifoMessage[] {
    return [];
  }

  insert(_queue: string, message: FifoMessage): void {
    this.#seq += 1;
    message.seq = this.#seq;
  }

  update(): void {
    // The queue holds the message itself.
  }

  remove(): void {
    // As above.
  }

  sentBefore(queue: string, scope: string, id: string, nowMs: number): Deduplication | undefined {
    const before = this.#sent.get(`${queue} ${scope} ${id}`);
    return before !== undefined && before.untilMs > nowMs ? before : undefined;
  }

  remember(queue: string, scope: string, message: FifoMessage, _nowMs: number, untilMs: number): void {
    this.#sent.set(`${queue} ${scope} ${message.deduplicationId}`, {
      id: message.id,
      seq: message.seq,
      untilMs,
    });
  }

  transaction<T>(work: () => T): T {
    return work();
  }

  purge(): void {
    // Nothing is kept here.
  }

  close(): void {
    // Nothing is open.
  }
}

export interface QueueOptions {
  readonly name: string;
  readonly visibilitySeconds: number;
  /** So often given out, a message is put aside. */
  readonly receivesMax: number;
}

/** What was given out, and by which receipt it is removed. */
export interface Received {
  readonly body: string;
  readonly group: string;
  readonly id: string;
  readonly receipt: string;
  readonly receives: number;
  readonly sentMs: number;
}

export class Queue {
  readonly name: string;
  /** Given out too often. */
  readonly dead: FifoQueue;
  /** Bodies that were sent, by deduplication id. */
  readonly sent = new Map<string, string>();
  /** How often something was given out that was given out before. */
  redelivered = 0;
  readonly #queue: FifoQueue;
  readonly #time: SimulatedTime;
  #waiting: (() => void)[] = [];

  constructor({ name, visibilitySeconds, receivesMax }: QueueOptions, time: SimulatedTime) {
    const store = new MemoryStore() as unknown as FifoStore;
    const model = (own: string, attributes: Record<string, string>) =>
      ({ name: own, arn: `arn:${own}`, attributes }) as unknown as FifoQueue['model'];
    this.name = name;
    this.#time = time;
    this.dead = new FifoQueue(model(`${name}-dead`, {}), store, () => undefined, time.nowMs);
    const policy = { deadLetterTargetArn: `arn:${name}-dead`, maxReceiveCount: receivesMax };
    const attributes = {
      VisibilityTimeout: String(visibilitySeconds),
      RedrivePolicy: JSON.stringify(policy),
    };
    this.#queue = new FifoQueue(model(name, attributes), store, () => this.dead, time.nowMs);
  }

  get depth(): number {
    const { ready, inFlight, delayed } = this.#queue.counts(this.#time.nowMs);
    return ready + inFlight + delayed;
  }

  get deadLetters(): number {
    return this.dead.counts(this.#time.nowMs).ready;
  }

  send(message: { readonly id: string; readonly group: string; readonly body: string }): void {
    const { id: deduplicationId, group, body } = message;
    this.sent.set(deduplicationId, body);
    this.#queue.send({ group, deduplicationId, body, attributes: '{}' }, this.#time.nowMs);
    this.#wake();
  }

  receive(max: number, visibilityMs?: number): readonly Received[] {
    return this.#queue.receive(max, visibilityMs, this.#time.nowMs).map((message) => {
      if (message.receives > 1) this.redelivered += 1;
      const { body, group, id, receipt, receives, sentMs } = message;
      return { body, group, id, receipt, receives, sentMs };
    });
  }

  hide(receipt: string, ms: number): void {
    this.#queue.hide(receipt, ms, this.#time.nowMs);
    if (ms === 0) this.#wake();
  }

  remove(receipt: string): void {
    this.#queue.remove(receipt, this.#time.nowMs);
    this.#wake();
  }

  /** Gives out again what somebody is still at work on, as a queue may at any time. */
  redeliver(): void {
    this.#queue.release(this.#time.nowMs);
    this.#wake();
  }

  /** Until there may be something to take, but no longer than that. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#time.after(ms, resolve);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
