import { balanceEvent } from '../../book-events.ts';
import type { Exercise } from '../exercise.ts';
import { tell } from '../history.ts';
import { putSnapshot } from '../snapshots.ts';
import { account } from '../world.ts';

/** Restores the newest backup into tables of its own, compares it with the last snapshot, and takes them away again. */
export const drill: Exercise = {
  role: 'drill',
  async run(world) {
    await world.clear('book', 'audit');
    await tell(world, balanceEvent('USD', '1', { account, seq: 1 }));
    await world.invoke('backup', { trigger: 'operator', by: 'test' });
    await putSnapshot(world, 'drill');
    await world.invoke('drill', { by: 'test' });
    await world.failForGood('drill', 'no request');
  },
};
