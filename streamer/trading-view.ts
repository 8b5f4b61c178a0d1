import type { PositionReport } from '../lib/domain/accounts/position-report.ts';
import type { EndVerdict } from '../lib/domain/orders/tracker-ends.ts';
import type { TrackedOrder } from '../lib/domain/orders/tracker-state.ts';
import type { GivenEnd } from '../lib/domain/orders/tracker-types.ts';
import type { MarginAnswer } from '../lib/domain/safety/margin.ts';
import type { Line } from './line.ts';
import type { OrderToWrite } from './order-writer.ts';
import type { BrokerListener } from './tracker-driver.ts';

/** What the sender of orders sees of the broker and the market, and how it reaches the broker. */
export interface TradingView {
  /** API client of the session. */
  readonly clientId: number;
  session(): {
    /** The gateway answers, and its lists of orders and positions were complete since the link is up. */
    readonly ready: boolean;
    /** The gateway answers, and what is held and what works is known whole: enough for what only closes. */
    readonly canClose: boolean;
    readonly phase: string;
    readonly readOnlyApi: boolean;
  };
  /** Accounts of the gateway's login. */
  managed(): readonly string[];
  /** The market clock, Unix ms UTC. */
  marketMs(): number;
  lines(): readonly Line[];
  line(conId: number): Line | undefined;
  /** Orders that live, whoever placed them. */
  living(): readonly TrackedOrder[];
  order(permId: number): TrackedOrder | undefined;
  positions(): readonly PositionReport[];
  /** The lowest order id that the gateway said it takes, and that no what-if question has had. */
  nextValidId(): number;
  /** False where there is no connection, and so nothing was sent. */
  place(order: OrderToWrite): boolean;
  /** Asks what an order would do to the account; `order` is a what-if question. Always answers within its time. */
  askMargin(order: OrderToWrite): Promise<MarginAnswer>;
  cancel(orderId: number): boolean;
  /** Has the broker's lists asked for soon. */
  doubt(): void;
  /** The last round of lists that has begun. */
  rounds(): { readonly begun: number; readonly isRunning: boolean };
  /** Whether a person may give an order this end, which the broker does not know any more. */
  judgeEnd(end: GivenEnd): EndVerdict;
  /** Gives it, where it may be given; one that stands is told again where the book lacks it. */
  giveEnd(end: GivenEnd): EndVerdict;
  listen(listener: BrokerListener): void;
}
