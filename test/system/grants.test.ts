/**
 * Least privilege of the functions, the schedules and the start of the task. Each role's exercise makes it use all that
 * it may; without one of its grants the exercise is refused exactly that. The streamer's own role is in
 * grants-streamer.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineIsHere, whenNoEngine } from '../helpers/dynamo-engine.ts';
import { exercises } from '../helpers/grants/exercises/index.ts';
import { streamerTask } from '../helpers/grants/exercises/streamer.ts';
import { checkPairs, expectLeast, isProof } from '../helpers/grants/expect.ts';
import { use } from '../helpers/grants/prove.ts';
import { GrantWorld } from '../helpers/grants/world.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;

describe.skipIf(!engineIsHere)(`grants${skipped}`, () => {
  let world: GrantWorld;
  beforeAll(async () => {
    world = await GrantWorld.open();
  });
  afterAll(() => world?.close());

  it('each role has its exercise', () => {
    const roles = new Set(world.grants.map(({ role }) => role));
    const known = new Set([streamerTask.role, ...exercises.map(({ role }) => role)]);
    const advice =
      'Write an exercise in test/helpers/grants/exercises that makes the role use all that it may, and put it into index.ts';
    expect(
      [...roles].filter((role) => !known.has(role)),
      advice,
    ).toEqual([]);
    const gone = [...known].filter((role) => !roles.has(role));
    expect(gone, 'These roles are gone: take their exercises away').toEqual([]);
  });

  it.each(exercises)('$role uses each of its grants, and is refused nothing', async (exercise) => {
    expectLeast(exercise.role, await use(world, exercise));
  });

  it(
    `without one of its grants a role is refused exactly that: ${isProof ? 'each of them' : 'some of them'}`,
    {
      timeout: 1_800_000,
    },
    () => checkPairs(world, exercises, 5),
  );
});
