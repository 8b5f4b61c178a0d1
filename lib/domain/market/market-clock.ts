/**
 * The market clock: the later of the highest event time and the broker's last stated time. It moves only on
 * evidence that arrived over the link, never by the local clock: a bar that closed because *our* clock said so
 * while the link was already dead would be called complete with its last seconds missing.
 *
 * The estimate (broker time carried on by the local clock) serves one purpose: to know when it is worth asking.
 */

/** Beyond this difference the broker is replaying a tape, and its time cannot be carried on by our clock. */
const TAPE_SKEW_MS = 600_000;
/** A live print further ahead of the estimate than this is a bad clock at the source, not news from the future. */
const FUTURE_TOLERANCE_MS = 60_000;
/** No tape and no broker says a later day; far beyond it times are no dates any more. */
const LATEST_MS = Date.UTC(2100, 0, 1);
/** Few enough that a clock which was set is soon believed, enough that their seconds are cut at different places. */
const OFFSETS_KEPT = 16;

export interface MarketClock {
  /** Market time proven so far, Unix ms UTC; 0 before any evidence. */
  marketMs: number;
  /** The broker's last answer, Unix ms UTC; 0 before the first. */
  brokerMs: number;
  /**
   * Broker minus system time of the last answers. Each is cut to whole seconds and so up to a second too low: the
   * highest of them is the best.
   */
  readonly offsetsMs: number[];
  /** The highest of them. */
  offsetMs: number;
  /** True while the broker's time is so far from ours that it must be a tape. */
  tape: boolean;
  /** Events refused because they lie impossibly far ahead. */
  futureEvents: number;
  /** Ahead of the system's clock no time is believed beyond this: the clock never goes back. */
  readonly aheadMsMax: number;
}

/** @param aheadMsMax tapes may play any day; the time of a market may not run away from ours */
export function createMarketClock(aheadMsMax = Number.POSITIVE_INFINITY): MarketClock {
  return { marketMs: 0, brokerMs: 0, offsetsMs: [], offsetMs: 0, tape: false, futureEvents: 0, aheadMsMax };
}

/** Whether a time that was told can be one. */
export function isPossible({ aheadMsMax }: MarketClock, toldMs: number, systemMs: number): boolean {
  return toldMs < LATEST_MS && toldMs <= systemMs + aheadMsMax;
}

/** Takes the broker's answer to `reqCurrentTime` (whole seconds). */
export function observeBroker(clock: MarketClock, brokerSeconds: number, systemMs: number): void {
  const brokerMs = brokerSeconds * 1000;
  clock.brokerMs = brokerMs;
  clock.offsetsMs.push(brokerMs - systemMs);
  if (clock.offsetsMs.length > OFFSETS_KEPT) clock.offsetsMs.shift();
  clock.offsetMs = Math.max(...clock.offsetsMs);
  clock.tape = Math.abs(brokerMs - systemMs) > TAPE_SKEW_MS;
  if (brokerMs > clock.marketMs) clock.marketMs = brokerMs;
}

/**
 * Takes an event's own time. Returns false, and leaves the clock alone, when the event lies so far ahead of the
 * broker's time that believing it would close bars early.
 */
export function observeEvent(clock: MarketClock, eventMs: number, systemMs: number): boolean {
  // What is no time at all moves nothing; the builder sets it aside and counts it.
  if (!(eventMs > clock.marketMs)) return true;
  if (!isPossible(clock, eventMs, systemMs)) {
    clock.futureEvents += 1;
    return false;
  }
  if (!clock.tape && clock.brokerMs > 0 && eventMs > estimate(clock, systemMs) + FUTURE_TOLERANCE_MS) {
    clock.futureEvents += 1;
    return false;
  }
  clock.marketMs = eventMs;
  return true;
}

/** Where the market clock probably stands now; for scheduling questions to the broker only. */
export function estimate(clock: MarketClock, systemMs: number): number {
  if (clock.tape || clock.brokerMs === 0) return clock.marketMs;
  return Math.max(clock.marketMs, systemMs + clock.offsetMs);
}
