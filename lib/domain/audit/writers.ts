/** Whose chains an account may have. A restore closes all of them before it writes, so a new writer is added here. */

/** What the broker reports. */
export const bookKeeperWriter = 'book-keeper';

/** What people do. */
export const operatorWriter = 'operator';

export const reconcileWriter = 'reconcile';

/** What approved plans change. */
export const planWriter = 'plan';

/** What a streamer sends to the broker, and what it does not. */
export const ordersWriter = 'orders';

export const restoreWriter = 'restore';

export const knownWriters: readonly string[] = [
  bookKeeperWriter,
  operatorWriter,
  reconcileWriter,
  planWriter,
  ordersWriter,
  restoreWriter,
];
