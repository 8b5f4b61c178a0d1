import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WatchdogTable } from '../../../lib/aws/watchdog-table.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../../helpers/dynamo-engine.ts';

describe.skipIf(!engineIsHere)('the memory of the watchdog in the control table', () => {
  let engine: DynamoEngine;
  let table: WatchdogTable;

  beforeAll(async () => {
    engine = await startDynamoEngine();
    await engine.createTable('control');
    table = new WatchdogTable({ client: engine.client, tableName: 'control' });
  });
  afterAll(async () => engine.stop());

  it('is replaced only under the version that was read, each account by itself', async () => {
    expect(await table.read('DU1')).toBeUndefined();
    const first = await Promise.all(
      Array.from({ length: 5 }, async (_, n) => table.write('DU1', 0, `m${n}`)),
    );
    expect(first.filter(Boolean)).toHaveLength(1);
    const row = (await table.read('DU1'))!;
    expect(row).toEqual({ version: 1, memory: `m${first.indexOf(true)}` });
    expect(await table.write('DU1', 0, 'late')).toBe(false);
    expect(await table.write('DU1', 1, '{"form":1}')).toBe(true);
    expect(await table.write('DU1', 1, 'late')).toBe(false);
    expect(await table.read('DU1')).toEqual({ version: 2, memory: '{"form":1}' });
    expect(await table.read('DU2')).toBeUndefined();
  });

  it('lies beside lease and heartbeat, and a table that is not there is an error', async () => {
    const nowhere = new WatchdogTable({ client: engine.client, tableName: 'nowhere' });
    await expect(nowhere.write('DU1', 0, '')).rejects.toThrow();
    await expect(nowhere.read('DU1')).rejects.toThrow();
  });
});
