/** A part of the system that can die: a process or one call of a function. What it calls outside takes time and may fail. */
import { Killed, type Owner, type SimulatedTime } from './time.ts';

/** What a part calls: `dynamodb`, `s3`, `sqs`, `bus` over the network; `disk` and `gateway` at once. */
export type Service = 'dynamodb' | 's3' | 'sqs' | 'bus' | 'disk' | 'gateway';

/** What becomes of a request that fails: nothing, its effect without an answer, or its effect some time after the error. */
export type Trouble = 'before' | 'after' | 'late';

/** Where a part dies: at the n-th call from now whose name has this in it, before or after it took effect. */
export interface Crash {
  readonly call: string;
  readonly when: 'before' | 'after';
  left: number;
}

/** One request to come that fails: the n-th from now whose name has this in it. */
export interface Failing {
  readonly call: string;
  readonly how: Trouble;
  left: number;
}

/** Somebody else acts once the n-th request from now is carried out, and before its answer is there. */
export interface Between {
  readonly call: string;
  left: number;
  act(part: Part): Promise<unknown>;
}

export interface PartWorld {
  readonly time: SimulatedTime;
  /** Drawn in the moment in which a request is about to take effect. */
  trouble(service: Service, call: string, part: Part): Trouble | undefined;
  /** How a service says that it does not answer. */
  failure(service: Service, call: string): Error;
  died(part: Part, at: string): void;
  uncaught(part: Part, error: unknown): void;
}

export class Part implements Owner {
  readonly name: string;
  isAlive = true;
  skewMs = 0;
  frozenUntilMs = 0;
  /** None of its requests arrives. */
  isCutOff = false;
  crash: Crash | undefined;
  readonly failing: Failing[] = [];
  readonly between: Between[] = [];
  readonly #world: PartWorld;

  constructor(name: string, world: PartWorld) {
    this.name = name;
    this.#world = world;
  }

  run<T>(act: () => T): T {
    return this.#world.time.runAs(this, act);
  }

  kill(at = 'any moment'): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#world.died(this, at);
  }

  /** From now on it goes on as it should. */
  befallsNothing(): void {
    Object.assign(this, { crash: undefined, isCutOff: false, skewMs: 0, frozenUntilMs: 0 });
    this.failing.length = 0;
    this.between.length = 0;
  }

  uncaught(error: unknown): void {
    if (this.isAlive) this.#world.uncaught(this, error);
  }

  /** A request over the network. */
  async ask<T>(service: Service, call: string, effect: () => T): Promise<T> {
    const { time } = this.#world;
    await time.sleep(time.between(1, 8));
    const how = this.isCutOff
      ? 'before'
      : (due(this.failing, call)?.how ?? this.#world.trouble(service, call, this));
    if (!this.isAlive || this.#counts(call, 'before')) return never();
    if (how === 'before' || how === 'late') {
      if (how === 'late') time.after(time.between(1, 1_500), () => quietly(effect));
      await time.sleep(time.between(1, 400));
      throw this.#world.failure(service, call);
    }
    // What the service refuses is an answer as well.
    const answer = outcome(effect);
    if (this.#counts(call, 'after')) return never();
    await due(this.between, call)?.act(this);
    await time.sleep(time.between(1, 8));
    if (!this.isAlive) return never();
    if (how === 'after') throw this.#world.failure(service, call);
    if ('error' in answer) throw answer.error;
    return answer.value;
  }

  /** A call that is done at once. */
  do<T>(call: string, effect: () => T): T {
    if (!this.isAlive || this.#counts(call, 'before')) throw new Killed(call);
    const result = effect();
    if (this.#counts(call, 'after')) throw new Killed(call);
    return result;
  }

  /** True when it has died of it. */
  #counts(call: string, when: 'before' | 'after'): boolean {
    const { crash } = this;
    if (crash === undefined || crash.when !== when || !call.includes(crash.call) || !this.isAlive)
      return false;
    crash.left -= 1;
    if (crash.left > 0) return false;
    this.crash = undefined;
    this.kill(`${call} ${when}`);
    return true;
  }
}

/** Counts a call; what was waiting for it, once, and no more. */
function due<T extends { readonly call: string; left: number }>(waiting: T[], call: string): T | undefined {
  for (const one of waiting) if (call.includes(one.call)) one.left -= 1;
  const at = waiting.findIndex(({ left }) => left <= 0);
  return at < 0 ? undefined : waiting.splice(at, 1)[0];
}

export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

function outcome<T>(effect: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
}

/** An effect that comes late, with nobody left to be told that it was refused. */
function quietly(effect: () => unknown): void {
  outcome(effect);
}
