/** Least privilege of the streamer: what it may do it does in each of its terms, and without one grant it is refused that. */
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, describe, expect, it } from 'vitest';
import { clientsOf } from '../helpers/cloud-clients.ts';
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
        await refusedElsewhere(world);
        await checkPairs(world, [streamerTask], 1);
      } finally {
        world.remove();
      }
    });
    expect.hasAssertions();
  });
});

/** With the streamer's role, and the partitions of another account. */
async function refusedElsewhere({ cloud, grants }: StreamerWorld): Promise<void> {
  const { roleId } = grants.find(({ role }) => role === streamerTask.role)!;
  const { dynamodb } = clientsOf(cloud.endpoint, roleId);
  const partitions = { book: 'A#DU9', control: 'A#DU9', audit: 'A#DU9#2026-01-05' };
  for (const [table, pk] of Object.entries(partitions)) {
    const item = { pk: { S: pk }, sk: { S: 'LEASE' } };
    const put = new PutItemCommand({ TableName: `evenkeel-sandbox-${table}`, Item: item });
    await expect(dynamodb.send(put), table).rejects.toMatchObject({ name: 'AccessDeniedException' });
  }
  dynamodb.destroy();
}
