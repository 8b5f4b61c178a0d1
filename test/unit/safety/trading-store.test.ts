import { describe, expect, it } from 'vitest';
import { SafetyStore } from '../../../lib/aws/safety-store.ts';
import { MemoryBook } from '../../helpers/memory-book.ts';

const me = { who: 'arn:aws:iam::1:user/me', reason: 'feed is nonsense', command: 'halt' };

function createStore(book = new MemoryBook()) {
  return { book, store: new SafetyStore({ book, nowMs: () => 0 }) };
}

describe('trading state', () => {
  it('a change is one audited transaction with who and why', async () => {
    const { book, store } = createStore();
    expect(await store.setTrading('DU1', 'halted', me)).toMatchObject({
      result: 'changed',
      before: { mode: 'active', source: 'first' },
      after: { mode: 'halted', by: me.who, reason: me.reason, at: '1970-01-01T00:00:00.000Z' },
    });
    expect(book.changes).toMatchObject([
      {
        writer: 'operator',
        cause: { kind: 'operator', id: me.who, name: 'halt TRADING=halted', reason: me.reason },
        writes: [{ ref: { kind: 'trading', id: '' }, expectedVersion: 0 }],
      },
    ]);
    expect(await store.trading('DU1')).toMatchObject({ mode: 'halted', source: 'stored' });
  });

  it('who halts what is halted changes nothing: the first reason stays', async () => {
    const { book, store } = createStore();
    await store.setTrading('DU1', 'halted', me);
    const again = await store.setTrading('DU1', 'halted', { ...me, reason: 'another' });
    expect(again).toMatchObject({ result: 'unchanged', after: { reason: me.reason } });
    expect(book.changes).toHaveLength(1);
  });

  it('a resume that lost to a halt looks again, and says what it found', async () => {
    const book = new MemoryBook();
    const { store } = createStore(book);
    await store.setTrading('DU1', 'reduce-only', me);
    const commit = book.commit.bind(book);
    let first = true;
    book.commit = async (change) => {
      if (first) {
        first = false;
        book.commit = commit;
        await createStore(book).store.setTrading('DU1', 'halted', { ...me, reason: 'loss' });
        return 'conflict';
      }
      return commit(change);
    };
    const resumed = await store.setTrading('DU1', 'active', { ...me, command: 'resume' });
    expect(resumed).toMatchObject({ before: { mode: 'halted', reason: 'loss' }, after: { mode: 'active' } });
  });

  it('without a name or a reason nothing is changed', async () => {
    const { book, store } = createStore();
    await expect(store.setTrading('DU1', 'halted', { ...me, reason: ' ' })).rejects.toMatchObject({
      code: 'CHANGE_REASON_MISSING',
    });
    expect(book.changes).toEqual([]);
  });

  it('what cannot be read is halted', async () => {
    class SilentBook extends MemoryBook {
      override async read(): Promise<never> {
        throw new TypeError('no answer');
      }
    }
    expect(await createStore(new SilentBook()).store.trading('DU1')).toMatchObject({
      mode: 'halted',
      source: 'unreadable',
      reason: 'unreadable: TypeError: no answer',
    });
  });
});
