/** Least privilege of the streamer: what it may do it does in each of its terms, and without one grant it is refused that. */
import { afterAll, describe, expect, it } from 'vitest';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { engineIsHere, whenNoEngine } from '../helpers/dynamo-engine.ts';
import { StreamerWorld, streamerTask } from '../helpers/grants/exercises/streamer.ts';
import { checkPairs, expectLeast } from '../helpers/grants/expect.ts';
import { use } from '../helpers/grants/prove.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;

afterAll(cleanFolders);

describe.skipIf(!engineIsHere)(`the streamer's grants${skipped}`, () => {
  it('uses each of its grants and is refused nothing; without one of them it is refused exactly that', {
    timeout: 900_000,
  }, async () => {
    const dataDir = scratchFolder();
    const options = { speed: '1', minutes: 60, dataDir, streamerEnv: quickConfig(dataDir) };
    await withDesk(options, async (desk) => {
      const world = await StreamerWorld.of(desk);
      try {
        expectLeast(streamerTask.role, await use(world, streamerTask));
        await checkPairs(world, [streamerTask], 1);
      } finally {
        world.remove();
      }
    });
    expect.hasAssertions();
  });
});
