import { readExample } from '../../render-event-docs.ts';
import type { Exercise } from '../exercise.ts';
import { prefix } from '../world.ts';

const type = 'candle.completed';

/** Stores a candle; an event that is none becomes a dead letter. */
export const candleKeeper: Exercise = {
  role: 'candle-keeper',
  async run(world) {
    const detail = readExample(type) as { readonly data: object };
    await world.invoke('candle-keeper', { 'detail-type': type, source: 'evenkeel.streamer', detail });
    await world.failForGood('candle-keeper', { detail: 'no event' }, `${prefix}-candle-keeper-dlq`);
  },
};
