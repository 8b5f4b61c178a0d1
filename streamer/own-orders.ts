import { setTimeout as sleep } from 'node:timers/promises';
import { type Amount, amount } from '../lib/domain/orders/decimals.ts';
import type { OrderReport } from '../lib/domain/orders/order-report.ts';
import type { OrderCommandsOptions, TradeCommand } from './order-command-types.ts';

/** How long the broker's word of our orders is waited for: that they have ended, or that they are there. */
export const CANCELS_END_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** Our working orders and positions, as the broker has told them, and waiting for its word of them. */
export class OwnOrders {
  readonly #options: OrderCommandsOptions;

  constructor(options: OrderCommandsOptions) {
    this.#options = options;
  }

  /** Of a contract; null for all. Unresolved ones included. */
  working(conId: number | null): readonly OrderReport[] {
    return this.#working(conId).map(({ report }) => report);
  }

  /** Of these, those of which the broker may be heard: its lists do have them. */
  listed(conId: number | null): readonly OrderReport[] {
    return this.#working(conId).flatMap(({ report, unresolvedTold }) => (unresolvedTold ? [] : [report]));
  }

  report(orderRef: string): OrderReport | undefined {
    return this.#options.view.living().find(({ report }) => report?.orderRef === orderRef)?.report;
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
    const { systemMs } = this.#options;
    for (const untilMs = systemMs() + CANCELS_END_MS; !isSo(); ) {
      if (systemMs() > untilMs) return false;
      await this.look(signal);
    }
    return true;
  }

  /** Waits, while the command is valid, until the broker's lists say which orders and positions there are. */
  async ready({ validUntil }: TradeCommand, signal: AbortSignal): Promise<void> {
    const { view, systemMs } = this.#options;
    while (!view.session().ready && systemMs() < Date.parse(validUntil)) await this.look(signal);
  }

  #working(conId: number | null) {
    const { view, account } = this.#options;
    return view.living().flatMap(({ report, account: of, unresolvedTold }) => {
      if (report === undefined || of !== account) return [];
      const { clientId, orderId, contract } = report;
      const isOwn = clientId === view.clientId && orderId > 0;
      return isOwn && (conId === null || contract.conId === conId) ? [{ report, unresolvedTold }] : [];
    });
  }

  /** A moment, until it is worth looking again. */
  async look(signal: AbortSignal): Promise<void> {
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}
