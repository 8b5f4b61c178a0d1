/** Puts a step in front of and behind each call that a run makes of its ports, so that a test decides what happens there. */
import type { RunOptions } from '../../lib/reconcile/run.ts';

export interface PortCall {
  /** `book.commit`, `store.put` */
  readonly name: string;
  /** Counts from 1 in each run. */
  readonly number: number;
  /** Key of an object; `''` for what has none. */
  readonly key: string;
}

/** Either may throw: `before` so that the port is never reached, `after` so that its answer is lost. */
export interface CallSteps {
  readonly before?: (call: PortCall) => Promise<void>;
  readonly after?: (call: PortCall) => Promise<void>;
}

export function watched(options: RunOptions, { before, after }: CallSteps): RunOptions {
  let count = 0;
  const around = async <T>(name: string, work: () => Promise<T>, key = ''): Promise<T> => {
    count += 1;
    const call = { name, number: count, key };
    await before?.(call);
    const result = await work();
    await after?.(call);
    return result;
  };
  const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
    const found: T[] = [];
    for await (const item of items) found.push(item);
    return found;
  };
  const { book, runLocks, sender, snapshots, store, publisher, lastPrices } = options;
  return {
    ...options,
    book: {
      read: (...args) => around('book.read', () => book.read(...args)),
      async *all(account) {
        yield* await around('book.all', () => all(book.all(account)));
      },
      async *list(account, kind, prefix) {
        yield* await around('book.list', () => all(book.list(account, kind, prefix)));
      },
      commit: (change) => around('book.commit', () => book.commit(change)),
    },
    runLocks: {
      read: (account) => around('runLocks.read', () => runLocks.read(account)),
      take: (account, wish) => around('runLocks.take', () => runLocks.take(account, wish)),
      release: (account, token) => around('runLocks.release', () => runLocks.release(account, token)),
    },
    sender: (streamer) => ({
      send: (command) => around('sender.send', () => sender(streamer).send(command)),
    }),
    snapshots: { get: (key) => around('snapshots.get', () => snapshots.get(key)) },
    store: {
      get: (key) => around('store.get', () => store.get(key)),
      put: (object, more) => around('store.put', () => store.put(object, more), object.key),
    },
    publisher: { publish: (events) => around('publisher.publish', () => publisher.publish(events)) },
    ...(lastPrices && {
      lastPrices: { read: (conId, range) => around('lastPrices.read', () => lastPrices.read(conId, range)) },
    }),
  };
}
