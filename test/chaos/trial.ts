/** One experiment as it runs: what was expected and seen, and when. */
import type { Sandbox, SandboxOptions } from './sandbox.ts';
import type { Figures } from './steady.ts';

export interface Experiment {
  readonly name: string;
  /** What is done, in one sentence. */
  readonly does: string;
  /** What should come of it: the alert, the health, how long. */
  readonly expects: string;
  /** Of the sandbox that it needs; made in its folder. */
  readonly prepare?: (folder: string) => Prepared | Promise<Prepared>;
  readonly run: (sandbox: Sandbox, trial: Trial) => Promise<void>;
  /** Everything, start and end included. */
  readonly boundMs: number;
  /** What is missing at its end must become less within this time; a little more than a minute when left out. */
  readonly stuckMs?: number;
}

export interface Prepared extends Partial<Omit<SandboxOptions, 'folder' | 'seed'>> {
  readonly remove?: () => void;
}

export interface Check {
  readonly what: string;
  readonly isMet: boolean;
  readonly seen: string;
}

export interface Outcome {
  readonly name: string;
  readonly checks: readonly Check[];
  /** What was measured, by name. */
  readonly seen: Readonly<Record<string, string>>;
  readonly alerts: readonly string[];
  readonly figures: Figures | undefined;
  readonly seconds: number;
}

export class Trial {
  readonly checks: Check[] = [];
  readonly seen: Record<string, string> = {};
  readonly seed: number;
  readonly minutes: number;
  /** Told of every step. */
  readonly say: (words: string) => void;
  /** Of Ctrl-C. */
  readonly signal: AbortSignal;

  constructor(options: Pick<Trial, 'seed' | 'minutes' | 'say' | 'signal'>) {
    this.seed = options.seed;
    this.minutes = options.minutes;
    this.say = options.say;
    this.signal = options.signal;
  }

  expect(what: string, isMet: boolean, seen = ''): void {
    this.checks.push({ what, isMet, seen });
    if (!isMet) this.say(`BROKEN: ${what}${seen === '' ? '' : ` (${seen})`}`);
  }

  /** A time that must have come, within so long. */
  expectWithin(what: string, ms: number | undefined, mostMs: number): void {
    const isMet = ms !== undefined && ms <= mostMs;
    this.measure(what, ms);
    this.expect(`${what} within ${seconds(mostMs)}`, isMet, seconds(ms));
  }

  measure(what: string, ms: number | undefined): void {
    this.note(what, seconds(ms));
  }

  note(what: string, seen: string): void {
    this.seen[what] = seen;
    this.say(`${what}: ${seen}`);
  }
}

export function seconds(ms: number | undefined): string {
  return ms === undefined ? 'never' : `${(ms / 1_000).toFixed(1)} s`;
}
