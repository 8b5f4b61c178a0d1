import type { Config, StreamerConfig } from '../config/schema.ts';
import {
  createSession,
  type SessionEffect,
  type SessionInput,
  deadline as sessionDeadline,
  step as stepSession,
} from './session-machine.ts';

/** What the driver of the session needs from the streamer around it. */
export interface SessionDriverHost {
  readonly systemMs: () => number;
  readonly random: () => number;
  readonly perform: (effect: SessionEffect) => void;
  /** Called when every input is worked off: the session's deadline may be another one. */
  readonly settled: () => void;
}

/** Feeds the session machine, one input after the other, and hands its effects on. */
export class SessionDriver {
  /** Owned by the machine; everybody else only reads it. */
  readonly state;
  readonly #host: SessionDriverHost;
  /** Inputs that came while the effects of another one were carried out. */
  readonly #inputs: SessionInput[] = [];
  #feeding = false;

  constructor(config: Config, streamer: StreamerConfig, host: SessionDriverHost) {
    this.#host = host;
    this.state = createSession({
      handshakeTimeoutMs: streamer.gateway.handshakeTimeoutMs,
      probeIntervalMs: streamer.gateway.probeIntervalMs,
      probeTimeoutMs: streamer.gateway.probeTimeoutMs,
      backoffFirstMs: config.reconnect.firstMs,
      backoffMaxMs: config.reconnect.maxMs,
      jitter: config.reconnect.jitter,
      breakerFailures: config.reconnect.breakerFailures,
      breakerRetryMs: config.reconnect.breakerRetryMs,
      connectivityTimeoutMs: 300_000,
      competingRetryMs: 60_000,
      loginReminderMs: 900_000,
      resetWindows: config.resetWindows,
      weeklyLogin: { timeZone: 'America/New_York', day: 'sun', time: '01:00' },
    });
  }

  /** System time at which the machine wants a `tick`. */
  get deadlineMs(): number {
    return sessionDeadline(this.state);
  }

  feed(input: SessionInput): void {
    this.#inputs.push(input);
    // One after the other: effects that overtake each other would leave the wrong last word on the session's state.
    if (this.#feeding) return;
    this.#feeding = true;
    const { systemMs, random, perform } = this.#host;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const { effects } = stepSession(this.state, next, systemMs(), random());
        for (const effect of effects) perform(effect);
      }
    } finally {
      this.#feeding = false;
    }
    this.#host.settled();
  }

  /** Asks the broker for its time, unless the answer to the last question is still to come. */
  askTime(): void {
    this.feed({ kind: 'ask-time' });
  }
}
