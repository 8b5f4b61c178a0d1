import type { LeaseKeeper, LeaseStats, LeaseTerm } from './lease-keeper.ts';

/** What the supervisor needs of a lease's keeper. */
export type LeaseSource = Pick<LeaseKeeper, 'acquire' | 'stats'>;

/** In the place of a lease where there is no cloud: one run, its own epoch, nobody to share the gateway with. */
export class NoLease implements LeaseSource {
  readonly #token: number;
  #begun = false;

  constructor(token: number) {
    this.#token = token;
  }

  async acquire(_tokenFloor: number, signal: AbortSignal): Promise<LeaseTerm | undefined> {
    if (signal.aborted) return undefined;
    this.#begun = true;
    return {
      token: this.#token,
      isFirst: true,
      mayWrite: () => true,
      lost: new Promise<string>(() => undefined),
      release: async () => {
        this.#begun = false;
        return true;
      },
    };
  }

  stats(): LeaseStats {
    const token = this.#begun ? this.#token : 0;
    return { held: this.#begun, token, holder: '', waitingFor: null, trouble: '' };
  }
}
