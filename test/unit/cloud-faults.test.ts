import { describe, expect, it } from 'vitest';
import { type FaultRequest, Faults } from '../../sandbox/cloud/faults.ts';

const put: FaultRequest = { service: 'dynamodb', operation: 'PutItem', caller: 'KeeperRole' };
/** Which of `count` requests were hit. */
async function hits(faults: Faults, count: number, request: FaultRequest = put): Promise<boolean[]> {
  const all: boolean[] = [];
  for (let n = 0; n < count; n += 1) {
    all.push(
      await faults.apply(request).then(
        () => false,
        () => true,
      ),
    );
  }
  return all;
}

describe('faults', () => {
  it('after: so many matching requests pass first, and others do not count', async () => {
    const faults = new Faults();
    faults.add({ service: 'dynamodb', operation: 'PutItem', kind: 'internal', after: 2, count: 1 });
    expect(await hits(faults, 3, { service: 'dynamodb', operation: 'GetItem' })).toEqual([
      false,
      false,
      false,
    ]);
    expect(await hits(faults, 4)).toEqual([false, false, true, false]);
    expect(faults.injected).toBe(1);
  });

  it('every fault counts every request, also one that another fault hits', async () => {
    const faults = new Faults();
    faults.add({ service: 'dynamodb', kind: 'internal', count: 1 });
    faults.add({ service: 'dynamodb', kind: 'throttling', after: 2, count: 1 });
    expect(await hits(faults, 4)).toEqual([true, false, true, false]);
  });

  it('caller: the requests of one role only', async () => {
    const faults = new Faults();
    faults.add({ service: 'dynamodb', kind: 'internal', caller: 'KeeperRole' });
    expect(await hits(faults, 1)).toEqual([true]);
    expect(await hits(faults, 1, { ...put, caller: 'TaskRole' })).toEqual([false]);
    expect(await hits(faults, 1, { service: 'dynamodb', operation: 'PutItem' })).toEqual([false]);
  });

  it('signal: without a process to kill it says so, and hits once', async () => {
    const faults = new Faults();
    faults.add({ service: 'dynamodb', kind: 'signal' });
    await expect(faults.apply(put)).rejects.toThrow(/found no process to kill/);
    expect(await hits(faults, 1)).toEqual([false]);
  });

  it('signal: one that is gone already is no error, and the caller gets no answer', async () => {
    const faults = new Faults();
    // Larger than any process id of Linux.
    const pid = (): number => 2 ** 22 + 1;
    faults.add({ service: 'dynamodb', kind: 'signal', pid, when: 'after' });
    const effect = await faults.apply(put);
    expect(effect.cutAnswer).toBe(true);
    effect.afterwards?.();
    faults.add({ service: 'dynamodb', kind: 'signal', pid });
    await expect(faults.apply(put)).rejects.toMatchObject({ name: 'CutConnection' });
  });
});
