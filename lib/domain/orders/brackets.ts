/**
 * Brackets and OCA groups, rebuilt from the orders of one account: IB tells them only as `parentId` (an order id of the
 * same client), as the parent's permId (here a key) and as `ocaGroup`.
 */
import { permIdOfKey } from './order-key.ts';
import type { OrderState } from './order-state.ts';

export interface BracketChild {
  readonly orderKey: string;
  /** By what it does: a limit takes profit, a stop or a trailing stop protects. */
  readonly role: 'take-profit' | 'stop' | 'other';
}

export interface Bracket {
  readonly parentKey: string;
  /** Sorted by key. */
  readonly children: readonly BracketChild[];
}

/** A child whose parent is not among the orders, or could be several of them. */
export interface OrphanChild extends BracketChild {
  /** Order id or key of the parent, as far as it is told. */
  readonly parent: string;
  /** More than one where order ids were used again. */
  readonly candidates: readonly string[];
}

export interface OcaGroup {
  readonly name: string;
  /** 1 cancel the others with block, 2 reduce with block, 3 reduce without; 0 where IB says nothing. */
  readonly ocaType: number;
  /** Keys, sorted. */
  readonly members: readonly string[];
}

export interface OrderGroups {
  /** Sorted by the parent's key. */
  readonly brackets: readonly Bracket[];
  readonly orphans: readonly OrphanChild[];
  /** Sorted by name. */
  readonly ocaGroups: readonly OcaGroup[];
}

/** Groups the orders of one account; the order in which they are given does not matter. */
export function groupOrders(states: Iterable<OrderState>): OrderGroups {
  const orders = [...states].sort((a, b) => byText(a.identity.orderKey, b.identity.orderKey));
  const index = indexed(orders);
  const children = new Map<string, BracketChild[]>();
  const orphans: OrphanChild[] = [];
  const ocaGroups = new Map<string, { ocaType: number; members: string[] }>();
  for (const order of orders) {
    const terms = order.asked?.terms;
    if (!terms) continue;
    const { orderKey } = order.identity;
    if (terms.ocaGroup !== '') {
      const group = ocaGroups.get(terms.ocaGroup) ?? { ocaType: 0, members: [] };
      group.ocaType = Math.max(group.ocaType, terms.ocaType);
      group.members.push(orderKey);
      ocaGroups.set(terms.ocaGroup, group);
    }
    if (terms.parentKey === null && terms.parentId === 0) continue;
    const child = { orderKey, role: roleOf(terms.orderType) };
    const candidates = parentsOf(order, index).filter((key) => key !== orderKey);
    if (candidates.length === 1) listed(children, candidates[0]!).push(child);
    else orphans.push({ ...child, parent: terms.parentKey ?? String(terms.parentId), candidates });
  }
  return {
    brackets: [...children]
      .map(([parentKey, members]) => ({ parentKey, children: members }))
      .sort((a, b) => byText(a.parentKey, b.parentKey)),
    orphans,
    ocaGroups: [...ocaGroups]
      .map(([name, group]) => ({ name, ...group }))
      .sort((a, b) => byText(a.name, b.name)),
  };
}

interface Index {
  readonly keys: ReadonlySet<string>;
  readonly byPermId: ReadonlyMap<number, string>;
  readonly byApiId: ReadonlyMap<string, readonly string[]>;
}

function indexed(orders: readonly OrderState[]): Index {
  const byPermId = new Map<number, string>();
  const byApiId = new Map<string, string[]>();
  for (const { identity } of orders) {
    if (identity.permId !== 0) byPermId.set(identity.permId, identity.orderKey);
    if (identity.orderId !== 0) {
      listed(byApiId, apiId(identity.clientId, identity.orderId)).push(identity.orderKey);
    }
  }
  return { keys: new Set(orders.map(({ identity }) => identity.orderKey)), byPermId, byApiId };
}

/** A key names one order. An order id names one only as long as the client's ids have not begun again. */
function parentsOf({ asked, identity }: OrderState, index: Index): readonly string[] {
  const { parentKey, parentId } = asked!.terms;
  if (parentKey !== null) {
    if (index.keys.has(parentKey)) return [parentKey];
    const permId = permIdOfKey(parentKey);
    const known = permId === undefined ? undefined : index.byPermId.get(permId);
    if (known !== undefined) return [known];
  }
  return parentId === 0 ? [] : (index.byApiId.get(apiId(identity.clientId, parentId)) ?? []);
}

function roleOf(orderType: string): BracketChild['role'] {
  if (/^(STP|TRAIL)/.test(orderType)) return 'stop';
  return orderType === 'LMT' ? 'take-profit' : 'other';
}

function apiId(clientId: number, orderId: number): string {
  return `${clientId}:${orderId}`;
}

function listed<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
