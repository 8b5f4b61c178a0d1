import type { Config, StreamerConfig } from '../config/schema.ts';
import type { OpenLink } from './broker-link-types.ts';
import type { EventDelivery } from './event-delivery.ts';
import type { Logger } from './logger.ts';
import type { StreamerError } from './streamer-error.ts';

export interface StreamerOptions {
  readonly config: Config;
  /** Which of the stage's streamers this is. */
  readonly streamer: StreamerConfig;
  /**
   * Opened once for each process, and closed by who opened it: it outlives a streamer that has lost its lease. It may be
   * another streamer's only after that one has stopped.
   */
  readonly delivery: EventDelivery;
  /** Fencing token of the lease, greater than that of any run before; the epoch of every event. */
  readonly epoch: number;
  /** A term before this one may have lost bars with its disk; false when left out. */
  readonly hasForerunner?: boolean;
  /** Asked before every write to the gateway's socket; false destroys the socket instead. */
  readonly mayWrite: () => boolean;
  readonly logger: Logger;
  /** False: a gateway that refuses the very first connection is an error rather than something to wait for. */
  readonly waitForGateway: boolean;
  /** Called once, when the streamer cannot go on: a bad symbol, no permission, no gateway. */
  readonly onFatal: (error: StreamerError) => void;
  /** The way to the gateway; @stoqey/ib over a socket when left out. */
  readonly openLink?: OpenLink | undefined;
  /** Unix milliseconds; the system's clock. */
  readonly systemMs?: () => number;
  readonly random?: () => number;
}
