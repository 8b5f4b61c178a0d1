/** What the book is made of: items with a version, and changes of several items at once. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** One word for each kind of item; `lib/aws/keys.ts` makes the table's keys of it. */
export type BookKind =
  | 'order'
  | 'fill'
  | 'position'
  | 'cash'
  | 'instrument'
  | 'intent'
  /** Points from an external id to an order's key: `perm` by permId, `ref` by orderRef, `api` by client and order id. */
  | 'perm'
  | 'ref'
  | 'api'
  | 'flags'
  | 'lock'
  /** Active, reduce-only or halted. */
  | 'trading'
  /** What the sender of orders has to know after a restart: the highest order id, the value at the session's start. */
  | 'desk'
  | 'run'
  | 'plan'
  /** Head of one writer's audit chain; written by the book itself. */
  | 'audit-head';

export interface BookRef {
  readonly kind: BookKind;
  /** Unique among its kind in the account; `''` for the kinds of which there is one (flags, lock, trading, desk). */
  readonly id: string;
}

export type BookBody = { readonly [name: string]: Json | undefined };

/** An item of the book. `version` counts its changes from 1; `body` is what it says. */
export interface BookItem {
  readonly account: string;
  readonly ref: BookRef;
  readonly version: number;
  readonly body: BookBody;
}

/** Who or what changed the book, for the audit trail. */
export interface AuditCause {
  readonly kind: 'event' | 'operator' | 'reconcile' | 'plan' | 'restore';
  /** Id of the event, the run or the plan; for an operator, who. */
  readonly id: string;
  /** The event's name, the command, the operation. */
  readonly name: string;
  /** The operator's reason, or `''`. */
  readonly reason: string;
}

export interface BookWrite {
  readonly ref: BookRef;
  /** The version that was read; 0 where there was no item. */
  readonly expectedVersion: number;
  /** The item's new body; null deletes it. */
  readonly body: BookBody | null;
}

/** At most 90 writes, no two on one item. */
export interface BookChange {
  readonly account: string;
  /** Whose chain the audit row goes to: `book-keeper`, `operator`, `reconcile` and so on. */
  readonly writer: string;
  readonly cause: AuditCause;
  /** System time of the change, Unix milliseconds, UTC. */
  readonly atMs: number;
  /** Key of the order that it concerns, for the history of one order; `''` for none. */
  readonly orderKey: string;
  readonly writes: readonly BookWrite[];
  /** Items that must still have the version that was read, and are not changed. */
  readonly checks?: readonly { readonly ref: BookRef; readonly expectedVersion: number }[];
  /** Fencing token: the account's lease must be held under it when the change is made. */
  readonly lease?: number;
}

/**
 * What an item says, without how often it was written. The version is the one attribute that depends on the order in
 * which events were delivered: two deliveries of the same events give items that are equal by this.
 */
export function stateOf({ account, ref, body }: BookItem): Omit<BookItem, 'version'> {
  return { account, ref, body };
}

/** Id of an order at the API client that placed it; unique only within one run of ids. */
export function apiId(clientId: number, orderId: number): string {
  return `${clientId}#${orderId}`;
}
