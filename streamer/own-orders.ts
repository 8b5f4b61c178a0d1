import { setTimeout as sleep } from 'node:timers/promises';
import { type Amount, amount } from '../lib/domain/orders/decimals.ts';
import type { OrderReport } from '../lib/domain/orders/order-report.ts';
import type { OrderCommandsOptions, TradeCommand } from './order-command-types.ts';
import { waitingMs } from './waiting-time.ts';

/** How long the broker's word of our orders is waited for: that they have ended, or that they are there. */
export const CANCELS_END_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** Our working orders and positions, as the broker has told them, and waiting for its word of them. */
export class OwnOrders {
  readonly #options: OrderCommandsOptions;
  readonly #steadyMs: () => number;

  constructor(options: OrderCommandsOptions) {
    this.#options = options;
    this.#steadyMs = options.steadyMs ?? options.systemMs;
  }

  /** Of a contract; null for all. */
  working(conId: number | null): readonly OrderReport[] {
    return this.#working(conId).map(({ report }) => report);
  }

  /**
   * Whether one works that can be ended. What whole lists of the broker lack, so that a person was told, no cancel ends:
   * it must not keep anybody in a position.
   */
  isAtWork(conId: number): boolean {
    return this.#working(conId).some(({ isUnresolved }) => !isUnresolved);
  }

  report(orderRef: string): OrderReport | undefined {
    return this.#tracked(orderRef)?.report;
  }

  /** Whether the broker's lists had it when they were last whole. */
  isListed(orderRef: string): boolean {
    const order = this.#tracked(orderRef);
    return order !== undefined && order.missingRounds === 0 && !order.unresolvedTold;
  }

  /** Each once. */
  cancel(conId: number | null, cancelled: Set<number>): void {
    const { view, cancelHost } = this.#options;
    if (!cancelHost.mayWrite()) return;
    for (const { orderId } of this.working(conId))
      if (!cancelled.has(orderId) && view.cancel(orderId)) cancelled.add(orderId);
  }

  held(conId: number): Amount {
    const told = this.#options.view.positions().find(({ contract }) => contract.conId === conId);
    return amount(told?.position ?? '0');
  }

  /** False where it did not become so in time. */
  async until(isSo: () => boolean, signal: AbortSignal): Promise<boolean> {
    for (const untilMs = this.#steadyMs() + CANCELS_END_MS; !isSo(); ) {
      if (this.#steadyMs() > untilMs) return false;
      await this.look(signal);
    }
    return true;
  }

  /** Whether the broker's lists say which orders and positions there are, as far as a command of this kind needs it. */
  isReady({ type, by }: TradeCommand): boolean {
    const { ready, canClose } = this.#options.view.session();
    return ready || (type === 'flatten' && by === 'person' && canClose);
  }

  /** Waits for that, while the command is valid. */
  async ready(command: TradeCommand, signal: AbortSignal): Promise<void> {
    const { systemMs } = this.#options;
    const untilMs = this.#steadyMs() + waitingMs(command.validUntil, systemMs());
    while (!this.isReady(command) && this.#steadyMs() < untilMs) await this.look(signal);
  }

  /** A moment, until it is worth looking again. */
  async look(signal: AbortSignal): Promise<void> {
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }

  #tracked(orderRef: string) {
    return this.#options.view.living().find(({ report }) => report?.orderRef === orderRef);
  }

  #working(conId: number | null) {
    const { view, account } = this.#options;
    return view
      .living()
      .flatMap(({ report, account: of, unresolvedTold: isUnresolved }) =>
        report && of === account ? [{ report, isUnresolved }] : [],
      )
      .filter(
        ({ report: { clientId, orderId, contract } }) =>
          clientId === view.clientId && orderId > 0 && (conId === null || contract.conId === conId),
      );
  }
}
