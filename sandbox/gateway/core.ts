/** What requests and faults need of the running gateway. */
import type { AccountDesk } from './account-desk.ts';
import type { FaultState } from './faults.ts';
import type { MarketData } from './market-data.ts';
import type { OrderDesk } from './order-desk.ts';
import type { HistoryPacing } from './pacing.ts';
import type { Session } from './session.ts';
import type { TapeClock } from './tape-clock.ts';

/** What is counted over all clients, for `GET /status`. */
export const counterNames = [
  'connections',
  'protocolErrors',
  'unknownRequests',
  'historyRequests',
  /** Messages that reached the gateway, refused ones included. */
  'placeOrders',
  /** Of these, the questions. */
  'whatIfs',
  'ordersRefused',
  'duplicateClientIds',
  'faults',
] as const;
export type CounterName = (typeof counterNames)[number];

export interface GatewayCore {
  /** The user's accounts, the first being the one that is meant where none is named. */
  readonly accounts: readonly string[];
  readonly orders: OrderDesk;
  readonly accountDesk: AccountDesk;
  /** Market data lines of the user, over all clients. */
  readonly marketDataLines: number;
  readonly startOnSubscribe: boolean;
  readonly faults: FaultState;
  readonly sessions: ReadonlySet<Session>;
  readonly market: MarketData;
  readonly clock: TapeClock;
  readonly pacing: HistoryPacing;
  /** Whether ticks flow. */
  readonly feedUp: boolean;
  /** Starts the tape, after the delay that is asked for. */
  startTape(): void;
  /** Clients past startApi. */
  readySessions(): Session[];
  /** Closes every socket and the port, and listens again after `downMs` wall milliseconds. */
  restart(downMs: number): void;
  /** Whether a historical request breaks pacing now; one that does not is remembered. */
  breaksPacing(key: string, contract: string): boolean;
  count(name: CounterName): void;
}
