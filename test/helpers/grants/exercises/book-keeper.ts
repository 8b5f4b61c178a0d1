import { balanceEvent } from '../../book-events.ts';
import { type Exercise, fresh } from '../exercise.ts';
import { account, prefix } from '../world.ts';

/** Takes an event from its queue into the book, and sets aside one that can never be booked. */
export const bookKeeper: Exercise = {
  role: 'book-keeper',
  async run(world) {
    const number = fresh();
    const deadLetters = `${prefix}-book-dlq.fifo`;
    const before = await world.cloud.queueDepth(deadLetters);
    const event = balanceEvent('USD', String(number), { account, seq: number });
    await world.send('book.fifo', event, { group: account, id: `${event.id}-${Date.now()}` });
    await world.send('book.fifo', 'no event', { group: account, id: `none-${number}-${Date.now()}` });
    await world.until('the balance in the book', async () => {
      const [item] = await world.book().read(account, [{ kind: 'cash', id: 'USD' }]);
      return item !== undefined && JSON.stringify(item.body).includes(`"${number}"`);
    });
    await world.until(
      'the refused message',
      async () => (await world.cloud.queueDepth(deadLetters)) > before,
    );
    await world.until(
      'an empty queue',
      async () => (await world.cloud.queueDepth(`${prefix}-book.fifo`)) === 0,
    );
  },
};
