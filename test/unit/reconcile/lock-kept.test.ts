/** What is known to be wrong, and cannot be judged for a moment, does not open the lock. */
import { describe, expect, it } from 'vitest';
import { ReconcileDesk, stage } from '../../helpers/reconcile-desk.ts';

const settings = { noStopNeeded: ['ES'] };

/** The book has 3 where the broker has 5, no execution says why, and nobody has decided. */
async function locked(): Promise<ReconcileDesk> {
  const desk = ReconcileDesk.inMemory();
  desk.world.both(17).toldPosition('3').position('5');
  await desk.book();
  await desk.flags(stage);
  await desk.run({}, {}, settings);
  const { status, lock } = await desk.run({}, {}, settings);
  expect([status, lock.state]).toEqual(['AWAITING_DRY_RUN_CONFIRM', 'locked']);
  return desk;
}

describe('a critical discrepancy that is known', () => {
  it('locks on while its contract is in motion: nobody could judge it', async () => {
    const desk = await locked();
    // Somebody trades the contract in the moment of the snapshot.
    desk.world.later();
    desk.world.execution(18, 'e18.01.01', '1', { atMs: desk.world.marketMs - 1_000 });
    const { by_type: found, lock } = await desk.runNow({}, {}, settings);
    expect(found).not.toHaveProperty('POSITION_MISMATCH');
    expect(lock).toMatchObject({
      state: 'locked',
      reason: expect.stringContaining('CRITICAL POSITION_MISMATCH of position') as string,
    });
  });

  it('opens once it is cured', async () => {
    const desk = await locked();
    desk.world.rows.positions = [];
    desk.world.position('3');
    expect(await desk.run({}, {}, settings)).toMatchObject({ status: 'COMPLETED', lock: { state: 'open' } });
  });
});
