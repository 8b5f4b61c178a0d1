/** The stages of a run, one after the other, for tests of one of them. */
import {
  type BrokerOrders,
  brokerOrdersOf,
  foreignOrders,
  pictureOf,
} from '../../../lib/domain/reconcile/broker-orders.ts';
import type { BrokerOrder, ReconcileContext } from '../../../lib/domain/reconcile/context.ts';
import { judgeOrders } from '../../../lib/domain/reconcile/judged-orders.ts';
import { type Matches, matchOrders } from '../../../lib/domain/reconcile/match.ts';
import { type OrderDesk, openDesk } from '../../../lib/domain/reconcile/order-desk.ts';
import { contextOf } from '../../../lib/domain/reconcile/run-context.ts';
import { account, digest, type World } from '../../helpers/reconcile-world.ts';

const own = (row: { readonly account: string }) => row.account === account;

export function listedOf(world: World): BrokerOrders {
  const { broker } = world;
  return brokerOrdersOf(pictureOf(broker, account), foreignOrders(broker, own));
}

export function matchesOf(world: World): Matches {
  return matchOrders(listedOf(world).orders, world.picture, account, digest);
}

export function deskOf(world: World): OrderDesk {
  return openDesk(world.input, pictureOf(world.broker, account), listedOf(world), matchesOf(world));
}

export function contextFor(world: World): ReconcileContext {
  const desk = deskOf(world);
  return contextOf(desk, judgeOrders(desk));
}

/** `17` or `7#5`: how IB names it. */
export function nameOf({ permId, clientId, orderId }: BrokerOrder): string {
  return permId > 0 ? String(permId) : `${clientId}#${orderId}`;
}
