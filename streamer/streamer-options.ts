import type { Config, StreamerConfig } from '../config/schema.ts';
import type { EventPublisher } from '../lib/ports/event-publisher.ts';
import type { Logger } from './logger.ts';
import type { StreamerError } from './streamer-error.ts';

export interface StreamerOptions {
  readonly config: Config;
  /** Which of the stage's streamers this is. */
  readonly streamer: StreamerConfig;
  readonly publisher: EventPublisher;
  readonly logger: Logger;
  /** False: a gateway that refuses the very first connection is an error rather than something to wait for. */
  readonly waitForGateway: boolean;
  /** Called once, when the streamer cannot go on: a bad symbol, no permission, no gateway. */
  readonly onFatal: (error: StreamerError) => void;
  /** Unix milliseconds; the system's clock. */
  readonly systemMs?: () => number;
  readonly random?: () => number;
}
