/** What queue and bucket call commands. Apart from their schema, so that who only sends needs no schemas. */

/** The FIFO group of an account's trading commands: carried out one after the other. */
export function tradeGroup(account: string): string {
  return `trade#${account}`;
}

/** The FIFO group of an account's questions. */
export function queryGroup(account: string): string {
  return `query#${account}`;
}

/** Where the snapshot of a command lies in the bucket. */
export function snapshotKey(account: string, commandId: string): string {
  return `snapshots/${account}/${commandId}.json`;
}
