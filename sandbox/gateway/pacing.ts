/**
 * IB's pacing of historical requests, on the wall clock and over all clients (ib-facts row 23): 60 in ten minutes, an
 * identical one within 15 seconds, more than six for one contract within two seconds.
 */

const windowMs = 600_000;
const windowRequestsMax = 60;
const identicalMs = 15_000;
const contractWindowMs = 2_000;
const contractRequestsMax = 6;

interface Asked {
  readonly atMs: number;
  readonly key: string;
  readonly contract: string;
}

export class HistoryPacing {
  #asked: Asked[] = [];
  #forced = 0;
  violations = 0;

  /** The next `requests` requests break pacing, whatever they are (fault `pacing`). */
  force(requests: number): void {
    this.#forced = requests;
  }

  /** Says whether a request breaks pacing; one that does not is remembered. */
  violates(key: string, contract: string, nowMs: number): boolean {
    this.#asked = this.#asked.filter((asked) => nowMs - asked.atMs < windowMs);
    if (this.violatesForced()) return true;
    const broken = this.#breaks(key, contract, nowMs);
    if (broken) this.violations += 1;
    else this.#asked.push({ atMs: nowMs, key, contract });
    return broken;
  }

  /** As `violates` when pacing is switched off: only what was forced counts. */
  violatesForced(): boolean {
    if (this.#forced === 0) return false;
    this.#forced -= 1;
    this.violations += 1;
    return true;
  }

  #breaks(key: string, contract: string, nowMs: number): boolean {
    if (this.#asked.length >= windowRequestsMax) return true;
    const within = (ms: number) => this.#asked.filter((asked) => nowMs - asked.atMs < ms);
    if (within(identicalMs).some((asked) => asked.key === key)) return true;
    return (
      within(contractWindowMs).filter((asked) => asked.contract === contract).length >= contractRequestsMax
    );
  }
}
