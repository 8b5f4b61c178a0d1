/** What both tests of grants ask for, with words that tell what to do. */
import { expect } from 'vitest';
import type { Exercise } from './exercise.ts';
import { type Grant, grantKey } from './grants.ts';
import { miss, type Used } from './prove.ts';
import type { WatchedCloud } from './watched-cloud.ts';

export const isProof = process.env.EVENKEEL_PROOF === '1';
/** Another one tries other pairs in the short form. */
const seed = Number(process.env.EVENKEEL_SEED ?? 1);

export function expectLeast(role: string, { unused, refused, twice }: Used): void {
  expect(
    unused,
    `Nothing needs these: take them out of lib/stacks, or let the exercise of ${role} (test/helpers/grants/exercises) use them if the role does`,
  ).toEqual([]);
  expect(refused, `Grant these in lib/stacks, or do without: ${role} asked for them`).toEqual([]);
  expect(twice, 'Two grants allow the same: take one of each two out of lib/stacks').toEqual([]);
}

/** Takes away one grant after the other: each one with EVENKEEL_PROOF=1, else one of each of `few` roles. */
export async function checkPairs<World extends WatchedCloud>(
  world: World,
  exercises: readonly Exercise<World>[],
  few: number,
): Promise<void> {
  const byRole = new Map(exercises.map((exercise) => [exercise.role, exercise]));
  const all = world.grants.filter(({ role }) => byRole.has(role));
  const wanted = isProof ? all : someOf(all, few);
  const rows: string[] = [];
  const wrong: string[] = [];
  for (const grant of wanted) {
    const { refused, others, ms } = await miss(world, byRole.get(grant.role)!, grant);
    const seconds = (ms / 1_000).toFixed(1).padStart(5);
    rows.push(`${seconds} s  ${grantKey(grant)}  ${refused === undefined ? 'NOT REFUSED' : 'AccessDenied'}`);
    if (refused === undefined) wrong.push(`${grantKey(grant)}: nobody missed it`);
    wrong.push(...others.map((other) => `${grantKey(grant)}: also refused ${other}`));
  }
  if (isProof) process.stdout.write(`${rows.join('\n')}\n${rows.length} pairs\n`);
  expect(wrong, rows.join('\n')).toEqual([]);
  expect(rows).toHaveLength(wanted.length);
  expect(rows.length).toBeGreaterThan(0);
}

/** One grant of each of some roles. A linear congruential step is random enough for that. */
function someOf(grants: readonly Grant[], few: number): Grant[] {
  let state = seed;
  const next = (below: number): number => {
    state = (state * 48_271 + 11) % 2_147_483_647;
    return state % below;
  };
  const roles = [...new Set(grants.map(({ role }) => role))];
  return Array.from({ length: Math.min(few, roles.length) }, () => {
    const [role] = roles.splice(next(roles.length), 1);
    const own = grants.filter((grant) => grant.role === role);
    return own[next(own.length)]!;
  });
}
