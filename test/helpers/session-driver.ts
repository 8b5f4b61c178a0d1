import {
  createSession,
  deadline,
  type SessionConfig,
  type SessionEffect,
  type SessionInput,
  step,
} from '../../streamer/session-machine.ts';

/** Configuration of the session machine as deployed, in its own units. */
export const sessionDefaults: SessionConfig = {
  handshakeTimeoutMs: 10_000,
  probeIntervalMs: 30_000,
  probeTimeoutMs: 10_000,
  backoffFirstMs: 1_000,
  backoffMaxMs: 60_000,
  jitter: 0.2,
  breakerFailures: 10,
  breakerRetryMs: 60_000,
  connectivityTimeoutMs: 300_000,
  competingRetryMs: 60_000,
  loginReminderMs: 900_000,
  resetWindows: [
    {
      name: 'north-america',
      timeZone: 'America/New_York',
      days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri'],
      from: '00:15',
      to: '01:45',
    },
  ],
  weeklyLogin: { timeZone: 'America/New_York', day: 'sun', time: '01:00' },
};

/** Drives the session machine on a simulated clock and keeps everything that it asked for. */
export class SessionDriver {
  readonly state;
  readonly log: { readonly atMs: number; readonly effect: SessionEffect }[] = [];
  nowMs: number;
  /** 0.5 is the middle of the jitter: no spread. */
  random = 0.5;

  constructor(startMs: number, config: Partial<SessionConfig> = {}) {
    this.nowMs = startMs;
    this.state = createSession({ ...sessionDefaults, ...config });
  }

  feed(input: SessionInput): readonly SessionEffect[] {
    const { effects } = step(this.state, input, this.nowMs, this.random);
    for (const effect of effects) this.log.push({ atMs: this.nowMs, effect });
    return effects;
  }

  /** Lets time pass, waking the machine exactly at its own deadlines. `answerTime` answers every question at once. */
  advance(ms: number, onEffect: (effect: SessionEffect) => SessionInput | undefined = () => undefined): void {
    const end = this.nowMs + ms;
    for (;;) {
      const next = deadline(this.state);
      if (next > end) break;
      this.nowMs = Math.max(this.nowMs, next);
      this.#react(this.feed({ kind: 'tick' }), onEffect);
    }
    this.nowMs = end;
  }

  #react(
    effects: readonly SessionEffect[],
    onEffect: (effect: SessionEffect) => SessionInput | undefined,
  ): void {
    for (const effect of effects) {
      const answer = onEffect(effect);
      if (answer) this.#react(this.feed(answer), onEffect);
    }
  }

  connect(): void {
    this.feed({ kind: 'start' });
    this.ready();
  }

  ready(): void {
    this.feed({ kind: 'ready', serverVersion: 193, accounts: ['DU1234567'] });
    this.feed({ kind: 'time' });
  }

  /** Effects of one kind since the beginning, with their times. */
  all<K extends SessionEffect['kind']>(kind: K) {
    return this.log.filter((entry) => entry.effect.kind === kind) as unknown as {
      readonly atMs: number;
      readonly effect: Extract<SessionEffect, { kind: K }>;
    }[];
  }

  clear(): void {
    this.log.length = 0;
  }
}

/** A gateway that answers every question for the time. */
export function answersTime(effect: SessionEffect): SessionInput | undefined {
  return effect.kind === 'ask-time' ? { kind: 'time' } : undefined;
}

/** A port at which nobody listens. */
export function refuses(effect: SessionEffect): SessionInput | undefined {
  return effect.kind === 'open'
    ? { kind: 'disconnected', code: 502, message: 'connect ECONNREFUSED' }
    : undefined;
}
