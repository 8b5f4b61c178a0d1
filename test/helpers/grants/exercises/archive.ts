import { positionEvent } from '../../book-events.ts';
import { type Exercise, fresh } from '../exercise.ts';
import { day, storeCandle, tell } from '../history.ts';
import { account } from '../world.ts';

/** A day with a candle and a position that the archive has not seen: it looks for their files, and writes them. */
export const archive: Exercise = {
  role: 'archive',
  async run(world) {
    const conId = 1_000 + fresh();
    await world.clear('book', 'audit', 'candles');
    await storeCandle(world, { conId, symbol: `X${conId}` });
    await tell(world, positionEvent(conId, '1', { account, seq: 1 }));
    await world.invoke('archive', { date: day });
    await world.failForGood('archive', { date: 'no day' });
  },
};
