import { errorVerdict } from '../lib/domain/orders/error-verdict.ts';
import { isWhole, type MarginAnswer, type MarginFigures } from '../lib/domain/safety/margin.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Logger } from './logger.ts';
import type { OrderToWrite } from './order-writer.ts';
import type { BrokerListener } from './tracker-driver.ts';

export interface WhatIfHost {
  /** API client of the session. */
  readonly clientId: number;
  /** False where there is no connection, and so nothing was sent. */
  readonly place: (order: OrderToWrite) => boolean;
  readonly cancel: (orderId: number) => boolean;
  readonly raise: (alert: EventData<'alert.raised'>) => void;
  readonly logger: Logger;
  readonly timeoutMs?: number;
  readonly remarkMs?: number;
}

/** What the broker says of an order that was only asked about. */
export interface WhatIfState extends MarginFigures {
  readonly orderId: number;
  readonly clientId: number;
  readonly status: string;
  readonly warning: string;
}

interface Question {
  readonly answer: (answer: MarginAnswer) => void;
  /** An error came that nobody knows: figures that are still to come are not waited for as long. */
  readonly hurry: () => void;
  /** What has been said that is no answer yet: figures that are not there, an error that nobody knows. */
  state: WhatIfState | undefined;
  words: string;
}

const TIMEOUT_MS = 5_000;
/** After an error that nobody knows. Commands behind this one wait, a person's cancel among them. */
const REMARK_MS = 500;
/** A term lasts for weeks, and whoever trades fast asks thousands of times a day. */
const ASKED_MAX = 1_000;

/**
 * What-if questions to the broker: placeOrder with a flag, by which no order comes to be. Their answers and errors carry
 * order ids as those of orders do, and end here: whoever follows orders never sees them.
 */
export class WhatIfDesk implements BrokerListener {
  readonly #host: WhatIfHost;
  readonly #questions = new Map<number, Question>();
  /** The last ids that were asked with: an answer may come late. */
  readonly #asked = new Set<number>();
  readonly #cancelled = new Set<number>();
  #nextOrderId = 0;

  constructor(host: WhatIfHost) {
    this.#host = host;
  }

  /** Above every id that was asked with: an order with such an id would be taken for the question, or refused for it. */
  get nextOrderId(): number {
    return this.#nextOrderId;
  }

  /** Always answers within its time. */
  async ask(order: OrderToWrite): Promise<MarginAnswer> {
    const { orderId } = order;
    const { place, timeoutMs = TIMEOUT_MS, remarkMs = REMARK_MS } = this.#host;
    if (order.order.whatIf !== true)
      throw new TypeError(`WHAT_IF_MISSING: the order ${orderId} would be placed; nothing was sent`);
    this.#remember(orderId);
    this.#nextOrderId = Math.max(this.#nextOrderId, orderId + 1);
    const { promise, resolve } = Promise.withResolvers<MarginAnswer>();
    const endIn = (ms: number) => setTimeout(() => resolve(lateAnswer(question, ms)), ms);
    let timer = endIn(timeoutMs);
    const hurry = (): void => {
      clearTimeout(timer);
      timer = endIn(Math.min(timeoutMs, remarkMs));
    };
    const question: Question = { answer: resolve, hurry, state: undefined, words: '' };
    this.#questions.set(orderId, question);
    try {
      if (!place(order)) return { kind: 'none', why: 'there is no connection to ask it on' };
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#questions.delete(orderId);
    }
  }

  #remember(orderId: number): void {
    this.#asked.add(orderId);
    const [oldest] = this.#asked;
    if (this.#asked.size <= ASKED_MAX || oldest === undefined) return;
    this.#asked.delete(oldest);
    this.#cancelled.delete(oldest);
  }

  /** An answer. Before it has reckoned IB may answer without figures: then the next one is waited for. */
  onAnswer(state: WhatIfState): void {
    const question = state.clientId === this.#host.clientId ? this.#questions.get(state.orderId) : undefined;
    if (question === undefined) return;
    question.state = state;
    if (isWhole(state)) question.answer({ kind: 'figures', ...state });
  }

  /** Whether the error concerns a question. */
  onError(orderId: number, code: number, message: string): boolean {
    if (!this.#asked.has(orderId)) return false;
    this.#host.logger.info('Error about a what-if question', { orderId, code, message });
    const question = this.#questions.get(orderId);
    const verdict = errorVerdict(code, undefined);
    if (verdict === 'rejected' || verdict === 'cancelled')
      question?.answer({ kind: 'refused', code, message });
    // What is not known may be a remark beside the figures.
    else if (question !== undefined && verdict === 'ask') {
      question.words = `${code} ${message}`;
      question.hurry();
    }
    return true;
  }

  /** A gateway that knows no questions would have made an order of one. */
  fact(fact: Parameters<BrokerListener['fact']>[0]): void {
    if (fact.kind !== 'open-order' || fact.clientId !== this.#host.clientId) return;
    const { orderId } = fact;
    if (!this.#asked.has(orderId) || this.#cancelled.has(orderId)) return;
    if (this.#host.cancel(orderId)) this.#cancelled.add(orderId);
    const message = `The gateway has made an order of the what-if question ${orderId} (${fact.orderRef}), and was asked to cancel it.`;
    this.#questions
      .get(orderId)
      ?.answer({ kind: 'none', why: `it has made an order of the question ${orderId}` });
    this.#host.raise({
      alert: 'order_unresolved',
      severity: 'CRITICAL',
      subject: `order ${orderId}`,
      message: `${message} Look in TWS whether it has ended, and switch \`risk.whatIf\` off: this gateway does not know it.`,
    });
  }

  round(): void {}

  disconnected(): void {
    for (const { answer } of this.#questions.values())
      answer({ kind: 'none', why: 'the link to the gateway was lost meanwhile' });
  }
}

function lateAnswer({ state, words }: Question, timeoutMs: number): MarginAnswer {
  if (state !== undefined) return { kind: 'figures', ...state };
  const said = words === '' ? '' : ` but ${words}`;
  return { kind: 'none', why: `no answer within ${timeoutMs} ms${said}` };
}
