/**
 * Orders without a permId: IB has not accepted them yet. They are held back until IB gives it, because it is what
 * their key is made of; one that ends without it is told under a key of its own.
 */
import type { OpenOrderFact, OrderErrorFact, OrderStatusFact } from './broker-facts.ts';
import { keyWithoutPermId } from './order-key.ts';
import { compareStamps, type Stamp } from './stamp.ts';
import { pointTo, takeSight, trackedOrder } from './tracker-orders.ts';
import { over, type Sight } from './tracker-sight.ts';
import { apiId, type HeldOrder, type TrackerState, tellFull } from './tracker-state.ts';
import { endOf } from './tracker-view.ts';
import { type Before, errorSight, openSight, statusSight } from './tracker-words.ts';

type HeldFact = OpenOrderFact | OrderStatusFact | OrderErrorFact;

/** Holds back what IB says of an order without a permId; tells it once it has ended all the same. */
export function hold(state: TrackerState, fact: HeldFact, at: Stamp): void {
  const id = apiId(fact.clientId, fact.orderId);
  const held: HeldOrder = state.held.get(id) ?? {
    id,
    open: undefined,
    status: undefined,
    error: undefined,
    round: 0,
  };
  held.round = state.roundId;
  if (fact.kind === 'open-order') held.open = { fact, at };
  else if (fact.kind === 'order-status') held.status = { fact, at };
  else held.error = { fact, at };
  state.held.set(id, held);
  state.dirty.add(`held:${id}`);
  if (held.open !== undefined && hasEnded(held)) tellRefused(state, held, at);
  bound(state);
}

/** Takes the order out, now that it has a permId. */
export function release(state: TrackerState, clientId: number, orderId: number): HeldOrder | undefined {
  const id = apiId(clientId, orderId);
  const held = state.held.get(id);
  if (held === undefined) return undefined;
  state.held.delete(id);
  state.dirty.add(`held:${id}`);
  return held;
}

/** All that was said of it so far as one, undefined for nothing; an end is not undone by an older word. */
export function heldSight(held: HeldOrder): Sight | undefined {
  const said = [held.open, held.status, held.error].filter((one) => one !== undefined);
  said.sort((a, b) => compareStamps(a.at, b.at));
  let all: Sight | undefined;
  for (const { fact, at } of said) all = over(all, sightOf(fact, at, beforeOfSight(all)));
  return all;
}

export function beforeOfSight(sight: Sight | undefined): Before {
  if (sight === undefined) return {};
  return { before: sight.status?.status, reason: sight.reason, word: sight.status?.word ?? '' };
}

function sightOf(fact: HeldFact, at: Stamp, before: Before): Sight {
  if (fact.kind === 'open-order') return openSight(fact, at, before);
  return fact.kind === 'order-status' ? statusSight(fact, at, before) : errorSight(fact, at, before);
}

function hasEnded(held: HeldOrder): boolean {
  const status = heldSight(held)?.status;
  return status !== undefined && endOf(status.status) !== undefined;
}

function tellRefused(state: TrackerState, held: HeldOrder, at: Stamp): void {
  const { clientId, orderId, account } = held.open!.fact;
  const order = trackedOrder(state, keyWithoutPermId(clientId, orderId, at.epoch), account);
  pointTo(state, order, { clientId, orderId }, at);
  takeSight(state, order, { ...heldSight(held)!, at });
  release(state, clientId, orderId);
}

function bound(state: TrackerState): void {
  if (state.held.size <= state.config.heldMax) return;
  const [oldest] = state.held.keys();
  state.held.delete(oldest!);
  state.dirty.add(`held:${oldest}`);
  tellFull(
    state,
    'orders without a permId',
    `More than ${state.config.heldMax} orders wait for IB to accept them; the oldest (client:order ${oldest}) is not followed until IB speaks of it again. Look at the gateway: orders that are not transmitted stay there.`,
  );
}
