import type { Logger } from './logger.ts';

const perMinute = 5;
const minuteMs = 60_000;
/** Kinds of lines told apart; what comes beyond shares one. */
const kindsMax = 200;

interface Kind {
  sinceMs: number;
  told: number;
  held: number;
}

/**
 * Lines that somebody outside can cause as often as he likes: of each kind a few in a minute, then their number only,
 * with the first line of a later minute. A log that is flooded hides what matters, and costs by the line.
 */
export class LogGate {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #kinds = new Map<string, Kind>();

  constructor(logger: Logger, nowMs: () => number) {
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  log(level: 'warn' | 'error', kind: string, message: string, fields: object): void {
    const nowMs = this.#nowMs();
    const seen = this.#kind(kind, nowMs);
    if (nowMs - seen.sinceMs >= minuteMs) {
      seen.sinceMs = nowMs;
      seen.told = 0;
    }
    if (seen.told >= perMinute) {
      seen.held += 1;
      return;
    }
    seen.told += 1;
    const more = seen.held > 0 ? { notTold: seen.held } : {};
    seen.held = 0;
    this.#logger[level](message, { ...fields, ...more });
  }

  #kind(name: string, nowMs: number): Kind {
    const key = this.#kinds.has(name) || this.#kinds.size < kindsMax ? name : '';
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const made = { sinceMs: nowMs, told: 0, held: 0 };
    this.#kinds.set(key, made);
    return made;
  }
}
