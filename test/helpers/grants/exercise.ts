import type { WatchedCloud } from './watched-cloud.ts';
import type { GrantWorld } from './world.ts';

/** Makes whoever has a role use all that it may. */
export interface Exercise<World extends WatchedCloud = GrantWorld> {
  /** As docs/security.md names the role. */
  readonly role: string;
  /**
   * May be called again and again on one stage, also after a call that was refused something half-way. What follows a
   * refusal is no matter: it may throw, and the refusal is on record.
   */
  readonly run: (world: World) => Promise<void>;
  /** Puts an end to what still runs. All grants are there again. */
  readonly end?: (world: World) => Promise<void>;
}

let last = 0;

/** A number that no exercise of this process has had. */
export function fresh(): number {
  last += 1;
  return last;
}
