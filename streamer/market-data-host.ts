import type { MarketClock } from '../lib/domain/market/market-clock.ts';
import type { EventData, EventName } from '../lib/events/catalogue.ts';
import type { GatewayLink } from './broker-link-types.ts';
import type { Logger } from './logger.ts';
import type { StreamerError } from './streamer-error.ts';

/** What market data needs from the streamer around it. */
export interface MarketDataHost {
  readonly link: GatewayLink;
  readonly clock: MarketClock;
  readonly logger: Logger;
  readonly epoch: number;
  /** A term before this one may have lost bars with its disk. */
  readonly hasForerunner: boolean;
  nextReqId(): number;
  systemMs(): number;
  /** True while the session says that data flows. */
  dataFlows(): boolean;
  emit<N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number): void;
  /** For handlers inside the process alone: the bus outside is no tick feed. */
  tell<N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number): void;
  /** True when somebody wants an object for every tick. */
  ticksWanted(): boolean;
  askTime(): void;
  gap(conId: number, fromMs: number, toMs: number, reason: string): void;
  /** The line of an instrument stands for another one now: what is open for it can no longer be filled. */
  retired(conId: number, reason: string): void;
  /** Start of the first bar that an earlier life of this streamer had not accounted for. */
  watermark(conId: number): number | undefined;
  /** A line cannot be served at all. */
  fatal(error: StreamerError): void;
  /** The next close is earlier than it was: the driver may have to wake sooner. */
  closeMoved(): void;
  /** Ticks came in while another session held the data. */
  dataSeen(): void;
}
