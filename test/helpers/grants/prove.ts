/** The two sides of least privilege: each grant of a role is used, and without it what the role is there for is refused. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exercise } from './exercise.ts';
import { type Grant, grantKey, grantsFor } from './grants.ts';
import type { WatchedCloud } from './watched-cloud.ts';

/** What a function prints is written a moment after it has answered, on a busy machine a long one: who has all ends the wait. */
const settleMs = 30_000;
/** Until an exercise has ended that was refused something. */
const graceMs = 500;

export interface Used {
  /** Grants that were not needed. */
  readonly unused: readonly string[];
  /** What the role was refused. */
  readonly refused: readonly string[];
  /** What two grants allow: taking one of them away would change nothing. */
  readonly twice: readonly string[];
}

/** Runs an exercise with all grants. What it throws is thrown: then it proves nothing. */
export async function use<World extends WatchedCloud>(
  world: World,
  { role, run, end }: Exercise<World>,
): Promise<Used> {
  const own = world.grants.filter((grant) => grant.role === role);
  world.decisions.clear();
  await run(world);
  await settled(() => unusedOf(world, own).length === 0);
  const decisions = decisionsOf(world, own);
  const unused = unusedOf(world, own).map(grantKey);
  await end?.(world);
  return {
    unused,
    refused: decisions
      .filter(({ allowed }) => !allowed)
      .map(({ access }) => `${access.action} on ${access.resource}`),
    twice: decisions
      .map((decision) => grantsFor(decision, own))
      .filter((grants) => grants.length > 1)
      .map((grants) => grants.map(grantKey).join(' and ')),
  };
}

export interface Missed {
  readonly grant: Grant;
  /** `s3:GetObject on arn:…`: what was refused, and would have been allowed by the grant. */
  readonly refused: string | undefined;
  /** What else the role was refused. */
  readonly others: readonly string[];
  readonly ms: number;
}

/** Runs an exercise without one grant. */
export async function miss<World extends WatchedCloud>(
  world: World,
  { run, end }: Exercise<World>,
  grant: Grant,
): Promise<Missed> {
  const own = world.grants.filter(({ role }) => role === grant.role);
  const startMs = performance.now();
  await world.withhold(grant);
  let running = Promise.resolve();
  try {
    const refusals = () => decisionsOf(world, own).filter(({ allowed }) => !allowed);
    const isOfGrant = (decision: ReturnType<typeof refusals>[number]) =>
      grantsFor(decision, [grant]).length > 0;
    // Whatever it comes to: what counts is what was refused.
    let isOver = false;
    running = run(world)
      .catch(() => undefined)
      .finally(() => {
        isOver = true;
      });
    await refusal(() => isOver || refusals().some(isOfGrant));
    await settled(() => refusals().some(isOfGrant));
    await settled(() => isOver, graceMs);
    const words = ({ access }: ReturnType<typeof refusals>[number]) =>
      `${access.action} on ${access.resource}`;
    const [hit] = refusals().filter(isOfGrant).map(words);
    const others = refusals()
      .filter((one) => !isOfGrant(one))
      .map(words);
    return { grant, refused: hit, others, ms: performance.now() - startMs };
  } finally {
    await world.restore();
    // Who tries a refused call again and again has it answered now.
    await running;
    await end?.(world);
    await world.quiet();
  }
}

function decisionsOf({ decisions }: WatchedCloud, own: readonly Grant[]) {
  const roleIds = new Set(own.map(({ roleId }) => roleId));
  return [...decisions.values()].filter(({ role }) => roleIds.has(role));
}

function unusedOf(world: WatchedCloud, own: readonly Grant[]): Grant[] {
  const used = new Set(
    decisionsOf(world, own)
      .filter(({ allowed }) => allowed)
      .flatMap((decision) => grantsFor(decision, own)),
  );
  return own.filter((grant) => !used.has(grant));
}

async function settled(isSo: () => boolean, forMs = settleMs): Promise<void> {
  for (const deadline = Date.now() + forMs; !isSo() && Date.now() < deadline; ) await sleep(10);
}

async function refusal(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(10);
}
