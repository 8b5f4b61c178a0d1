import {
  createLease,
  deadline,
  type Lease,
  type LeaseConfig,
  type LeaseEffect,
  type LeaseInput,
  type LeaseState,
  type Moment,
  mayAct,
  step,
} from '../../../lib/domain/safety/lease-machine.ts';

/** What the world does to one question: when it reaches the table, when its answer comes back, if they do. */
export interface Fate {
  readonly outMs: number;
  readonly backMs: number;
  /** The request never arrives; its sender hears of an error after the time-out. */
  readonly lostOut: boolean;
  /** It is carried out, and its sender hears of an error. */
  readonly lostBack: boolean;
}

export interface Nap {
  readonly atMs: number;
  readonly forMs: number;
  /** A suspended machine: its monotonic clock stands still, its wall clock does not. */
  readonly suspended: boolean;
}

export interface ContenderPlan {
  readonly name: string;
  /** Of both clocks: 1.03 runs 3 % fast. */
  readonly rate: number;
  readonly wallOffsetMs: number;
  readonly startAtMs: number;
  readonly naps: readonly Nap[];
  /** Jumps of the wall clock: at, by. */
  readonly jumps: readonly { readonly atMs: number; readonly byMs: number }[];
  readonly fates: readonly Fate[];
  /** When it gives the lease back or stops waiting; it contends again a while later. */
  readonly releasesAtMs: readonly number[];
}

interface Job {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

const QUICK: Fate = { outMs: 5, backMs: 5, lostOut: false, lostBack: false };

/** Contenders around one row, in simulated time. Whoever is asleep takes its inputs in when it wakes. */
export class LeaseWorld {
  nowMs = 0;
  row: Lease | undefined;
  readonly acquired: { readonly by: string; readonly token: number; readonly atMs: number }[] = [];
  readonly lost: string[] = [];
  readonly overlaps: string[] = [];
  readonly contenders: Contender[];
  #jobs: Job[] = [];
  #order = 0;

  constructor(plans: readonly ContenderPlan[], config: Omit<LeaseConfig, 'holder'>) {
    this.contenders = plans.map((plan) => new Contender(this, plan, { ...config, holder: plan.name }));
  }

  at(atMs: number, run: () => void): void {
    this.#order += 1;
    this.#jobs.push({ atMs: Math.max(atMs, this.nowMs), order: this.#order, run });
  }

  /** Runs until `untilMs`; looks between any two happenings whether more than one may act. */
  run(untilMs: number): void {
    for (;;) {
      let next: Job | undefined;
      for (const job of this.#jobs) {
        if (!next || job.atMs < next.atMs || (job.atMs === next.atMs && job.order < next.order)) next = job;
      }
      if (!next || next.atMs > untilMs) break;
      this.#jobs = this.#jobs.filter((job) => job !== next);
      // Just before it happens as well: that is where a term is longest.
      this.nowMs = next.atMs;
      this.#look();
      next.run();
      this.#look();
    }
    this.nowMs = untilMs;
    this.#look();
  }

  acting(): readonly Contender[] {
    return this.contenders.filter((contender) => contender.acts());
  }

  #look(): void {
    const acting = this.acting();
    if (acting.length > 1)
      this.overlaps.push(`${this.nowMs}: ${acting.map(({ name }) => name).join(' and ')}`);
  }
}

export class Contender {
  readonly name: string;
  readonly #world: LeaseWorld;
  readonly #plan: ContenderPlan;
  #state: LeaseState;
  #questions = 0;
  #token = 0;
  #tickAtMs = Number.POSITIVE_INFINITY;

  constructor(world: LeaseWorld, plan: ContenderPlan, config: LeaseConfig) {
    this.name = plan.name;
    this.#world = world;
    this.#plan = plan;
    this.#state = createLease(config);
    world.at(plan.startAtMs, () => this.#feed({ kind: 'contend', tokenFloor: 0 }));
    for (const atMs of plan.releasesAtMs) world.at(atMs, () => this.#feed({ kind: 'release' }));
    // It looks at its clocks on waking, as a timer that is due does.
    for (const nap of plan.naps) world.at(nap.atMs + nap.forMs, () => this.#feed({ kind: 'tick' }));
  }

  /** Whether it would write to the gateway at this very moment; a sleeper writes nothing. */
  acts(): boolean {
    return this.#wakesAtMs() <= this.#world.nowMs && mayAct(this.#state, this.#token, this.#moment());
  }

  /** When it can take something in: now, or when its nap is over. */
  #wakesAtMs(): number {
    const { nowMs } = this.#world;
    let wakes = nowMs;
    for (const { atMs, forMs } of this.#plan.naps) {
      if (atMs <= nowMs && nowMs < atMs + forMs) wakes = Math.max(wakes, atMs + forMs);
    }
    return wakes;
  }

  #moment(): Moment {
    const { nowMs } = this.#world;
    const { rate, wallOffsetMs, naps, jumps } = this.#plan;
    let stoodMs = 0;
    for (const nap of naps) {
      if (nap.suspended) stoodMs += Math.min(Math.max(nowMs - nap.atMs, 0), nap.forMs);
    }
    const jumpedMs = jumps.reduce((sum, { atMs, byMs }) => (atMs <= nowMs ? sum + byMs : sum), 0);
    return { monotonicMs: (nowMs - stoodMs) * rate, wallMs: nowMs * rate + wallOffsetMs + jumpedMs };
  }

  #feed(input: LeaseInput): void {
    const wakesAtMs = this.#wakesAtMs();
    if (wakesAtMs > this.#world.nowMs) {
      this.#world.at(wakesAtMs, () => this.#feed(input));
      return;
    }
    const { state, effects } = step(this.#state, input, this.#moment());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#planTick();
  }

  #planTick(): void {
    const at = deadline(this.#state);
    if (at === Number.POSITIVE_INFINITY) return;
    // As the driver's timer does: whole milliseconds, never early.
    const inMs = Math.max(1, Math.ceil((at - this.#moment().monotonicMs) / this.#plan.rate));
    const atMs = this.#world.nowMs + inMs;
    if (atMs === this.#tickAtMs) return;
    this.#tickAtMs = atMs;
    this.#world.at(atMs, () => {
      if (this.#tickAtMs !== atMs) return;
      this.#tickAtMs = Number.POSITIVE_INFINITY;
      this.#feed({ kind: 'tick' });
    });
  }

  #perform(effect: LeaseEffect): void {
    const world = this.#world;
    switch (effect.kind) {
      case 'read':
        this.#ask(() => ({ kind: 'row', row: world.row }));
        return;
      case 'replace':
        this.#ask(() => {
          const { row } = world;
          const done = row?.token === effect.expected?.token && row?.version === effect.expected?.version;
          if (done) world.row = effect.next;
          return { kind: 'replaced', done };
        });
        return;
      case 'acquired':
        this.#token = effect.token;
        world.acquired.push({ by: this.name, token: effect.token, atMs: world.nowMs });
        return;
      case 'lost':
      case 'released':
        if (effect.kind === 'lost') world.lost.push(`${this.name}: ${effect.reason}`);
        world.at(world.nowMs + 700, () => this.#feed({ kind: 'contend', tokenFloor: 0 }));
        return;
      default:
        return;
    }
  }

  #ask(carryOut: () => LeaseInput): void {
    const world = this.#world;
    const { fates } = this.#plan;
    const fate = fates[this.#questions] ?? QUICK;
    this.#questions += 1;
    const TIMEOUT_MS = 3_000;
    const failed = { kind: 'failed', message: 'no answer' } as const;
    if (fate.lostOut) {
      world.at(world.nowMs + TIMEOUT_MS, () => this.#feed(failed));
      return;
    }
    world.at(world.nowMs + fate.outMs, () => {
      const answer = carryOut();
      if (fate.lostBack || fate.outMs + fate.backMs > TIMEOUT_MS) return;
      world.at(world.nowMs + fate.backMs, () => this.#feed(answer));
    });
    // A request may be carried out long after its sender has given it up.
    if (fate.lostBack || fate.outMs + fate.backMs > TIMEOUT_MS)
      world.at(world.nowMs + TIMEOUT_MS, () => this.#feed(failed));
  }
}
