import type { BrokerFact } from '../lib/domain/orders/broker-facts.ts';
import type { Intent } from '../lib/domain/orders/intent.ts';
import {
  createSending,
  deadline,
  isWatched,
  type SendingEffect,
  type SendingInput,
  step,
  undecided,
  watched,
} from '../lib/domain/orders/sending.ts';
import { idAfter } from './gateway-errors.ts';
import type { BrokerListener } from './tracker-driver.ts';

export interface SendingHost {
  readonly clientId: number;
  readonly systemMs: () => number;
  /** Has the broker's lists asked for soon. */
  readonly doubt: () => void;
  /** Whose fate is known, or cannot be. */
  readonly settled: (effect: Extract<SendingEffect, { kind: 'settled' }>) => void;
  readonly ambiguous: (effect: Extract<SendingEffect, { kind: 'ambiguous' }>) => void;
}

const ACKNOWLEDGE_MS = 10_000;
const ROUNDS_MAX = 3;

/** Drives the machine of orders that have left: feeds it what the broker says, sleeps to its deadline, carries out its effects. */
export class SendingDriver implements BrokerListener {
  readonly #host: SendingHost;
  readonly #state;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #nextOrderId = 0;

  constructor(host: SendingHost) {
    this.#host = host;
    this.#state = createSending({
      clientId: host.clientId,
      acknowledgeMs: ACKNOWLEDGE_MS,
      roundsMax: ROUNDS_MAX,
    });
  }

  sent(intent: Intent): void {
    this.#feed({ kind: 'sent', intent });
  }

  recovered(intent: Intent): void {
    this.#feed({ kind: 'recovered', intent });
  }

  isWatched(key: string): boolean {
    return isWatched(this.#state, key);
  }

  /** What has left, or may have, and the broker has not been heard of in full. */
  pending(): readonly Intent[] {
    return watched(this.#state);
  }

  /** Of these, those that are not unresolved. */
  undecided(): readonly Intent[] {
    return undecided(this.#state);
  }

  /** Above every order id that the gateway has shown, of any client: it takes none below (`ib-facts` 7). */
  get nextOrderId(): number {
    return this.#nextOrderId;
  }

  fact(fact: BrokerFact): void {
    if (fact.kind === 'open-order') this.#nextOrderId = Math.max(this.#nextOrderId, idAfter(fact.orderId));
    this.#feed({ kind: 'fact', fact });
  }

  round(complete: boolean): void {
    this.#feed({ kind: 'round', complete });
  }

  disconnected(): void {
    this.#feed({ kind: 'link-lost' });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #feed(input: SendingInput): void {
    if (this.#stopped) return;
    const { systemMs, doubt, settled, ambiguous } = this.#host;
    const { effects } = step(this.#state, input, systemMs());
    for (const effect of effects) {
      if (effect.kind === 'ask') doubt();
      else if (effect.kind === 'settled') settled(effect);
      else ambiguous(effect);
    }
    clearTimeout(this.#timer);
    const atMs = deadline(this.#state);
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#feed({ kind: 'tick' }), Math.max(1, atMs - systemMs()));
  }
}
