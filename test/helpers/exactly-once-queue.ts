/** One message group of a FIFO queue, in the time of a run: hidden while it is in flight, given out again, dead after some times. */
import { heldMs, type QueuedCommand } from '../../lib/ports/command-queue.ts';
import type { VirtualTime } from './exactly-once-time.ts';

/** As the stack has it. */
const receivesMax = 5;

interface Message {
  readonly body: string;
  receipt: string;
  hiddenUntilMs: number;
  receives: number;
}

export class Fifo {
  readonly dead: string[] = [];
  readonly #time: VirtualTime;
  #messages: Message[] = [];
  #receipts = 0;
  #waiting: (() => void)[] = [];
  /** How often something was given out that was given out before. */
  redelivered = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  get depth(): number {
    return this.#messages.length;
  }

  send(body: string): void {
    this.#messages.push({ body, receipt: '', hiddenUntilMs: 0, receives: 0 });
    this.#wake();
  }

  /** Until there may be something to take, but no longer than that. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#time.after(ms, resolve);
    });
  }

  /** The first of the group, if none of it is in flight. */
  take(): QueuedCommand | undefined {
    const [first] = this.#messages;
    if (first === undefined || first.hiddenUntilMs > this.#time.nowMs) return undefined;
    if (first.receives >= receivesMax) {
      this.#messages.shift();
      this.dead.push(first.body);
      return this.take();
    }
    if (first.receives > 0) this.redelivered += 1;
    this.#receipts += 1;
    first.receipt = `r${this.#receipts}`;
    first.receives += 1;
    first.hiddenUntilMs = this.#time.nowMs + heldMs;
    return { body: first.body, receipt: first.receipt };
  }

  hide(receipt: string, ms: number): void {
    const message = this.#messages.find((each) => each.receipt === receipt);
    if (message !== undefined) message.hiddenUntilMs = this.#time.nowMs + ms;
    if (ms === 0) this.#wake();
  }

  /** Only by the last receipt: who was too slow has lost the message. */
  remove(receipt: string): void {
    this.#messages = this.#messages.filter((each) => each.receipt !== receipt);
    this.#wake();
  }

  /** Gives out again what somebody is still at work on, as a queue may at any time. */
  redeliver(): void {
    for (const message of this.#messages) message.hiddenUntilMs = 0;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
