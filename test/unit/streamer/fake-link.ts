/** Takes the place of the link to the gateway: keeps what is asked, and says what a test wants the gateway to say. */
import type { Contract } from '@stoqey/ib';
import type { LinkListener } from '../../../streamer/broker-link.ts';

export class FakeLink {
  /** The link of the streamer that was made last. */
  static last: FakeLink;
  readonly listener: LinkListener;
  readonly sent: { readonly what: string; readonly reqId: number; readonly contract?: Contract }[] = [];
  attempts = 0;
  isOpen = false;
  /** Whether questions for the time are answered, as by a link that is alive. */
  answersTime = true;
  /** Whether requests for history are answered: without a bar. */
  answersHistory = true;

  constructor(_target: unknown, listener: LinkListener) {
    this.listener = listener;
    FakeLink.last = this;
  }

  open(): void {
    this.attempts += 1;
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
  }

  requestTime(): void {
    this.#note('time', 0);
    if (!this.answersTime) return;
    queueMicrotask(() => {
      if (this.isOpen) this.listener.time(Math.floor(Date.now() / 1000));
    });
  }

  requestOpenOrders(): void {
    this.#note('open-orders', 0);
  }

  requestCompletedOrders(): void {
    this.#note('completed-orders', 0);
  }

  requestExecutions(reqId: number): void {
    this.#note('executions', reqId);
  }

  subscribePositions(): void {
    this.#note('positions', 0);
  }

  unsubscribePositions(): void {
    this.#note('positions-end', 0);
  }

  subscribeAccount(): void {
    this.#note('account', 0);
  }

  unsubscribeAccount(): void {
    this.#note('account-end', 0);
  }

  requestMarketDataType(): void {
    this.#note('type', 0);
  }

  requestContract(reqId: number, contract: Contract): void {
    this.#note('contract', reqId, contract);
  }

  subscribe(reqId: number, contract: Contract): void {
    this.#note('subscribe', reqId, contract);
  }

  unsubscribe(reqId: number): void {
    this.#note('unsubscribe', reqId);
  }

  subscribeTickByTick(reqId: number, contract: Contract): void {
    this.#note('tick-by-tick', reqId, contract);
  }

  unsubscribeTickByTick(reqId: number): void {
    this.#note('tick-by-tick-end', reqId);
  }

  requestHistory(reqId: number, contract: Contract): void {
    this.#note('history', reqId, contract);
    if (!this.answersHistory) return;
    queueMicrotask(() => {
      if (this.isOpen) this.listener.historicalEnd(reqId);
    });
  }

  reqId(what: string): number {
    const found = this.sent.findLast((each) => each.what === what);
    if (!found) throw new Error(`nothing was sent: ${what}`);
    return found.reqId;
  }

  #note(what: string, reqId: number, contract?: Contract): void {
    this.sent.push({ what, reqId, ...(contract ? { contract } : {}) });
  }
}
