import { balanceEvent } from '../../book-events.ts';
import type { Exercise } from '../exercise.ts';
import { oldBackups, storeCandle, tell } from '../history.ts';
import { account } from '../world.ts';

/** One more than are kept whatever their age. */
const tooMany = 6;

/** A backup with candles, after which one that is past its time is marked. */
export const backup: Exercise = {
  role: 'backup',
  async run(world) {
    await world.clear('book', 'audit');
    await tell(world, balanceEvent('USD', '1', { account, seq: 1 }));
    await storeCandle(world);
    await oldBackups(world, tooMany);
    await world.invoke('backup', { trigger: 'operator', by: 'test', candles: true });
    await world.failForGood('backup', 'no request');
  },
};
