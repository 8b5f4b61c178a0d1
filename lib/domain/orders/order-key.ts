/** Keys of orders that are not ours: made from the first external id that IB gave, and never changed again. */

export function keyOfPermId(permId: number): string {
  return `P${permId}`;
}

/** For an order that ended without ever getting a permId. Ids begin again with each epoch at worst. */
export function keyWithoutPermId(clientId: number, orderId: number, epoch: number): string {
  return `C${clientId}-${orderId}-${epoch}`;
}

/** For what another account than the order's own got of it: the share of a client in an adviser's order. */
export function keyOfShare(orderKey: string, account: string): string {
  return `${orderKey}@${account}`;
}

export function isShare(orderKey: string): boolean {
  return orderKey.includes('@');
}

/** The permId that a key was made from; undefined for other keys. */
export function permIdOfKey(orderKey: string): number | undefined {
  return /^P[1-9]\d*$/.test(orderKey) ? Number(orderKey.slice(1)) : undefined;
}
