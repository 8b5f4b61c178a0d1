/** What is booked of positions and orders, beside what the broker has, and had. */
import { Decimal } from 'decimal.js';
import type { AuditRow } from '../../../lib/domain/audit/row.ts';
import { bookKeeperWriter, operatorWriter } from '../../../lib/domain/audit/writers.ts';
import type { OrderBody } from '../../../lib/domain/book/orders.ts';
import { compareStamps, type Stamp } from '../../../lib/domain/orders/stamp.ts';
import type { World } from '../world/world.ts';
import type { BookWrite } from './transactions.ts';
import type { Witness } from './witness.ts';

/** The sizes that a position of the broker has had, one after the other; it begins with none. */
export class Holdings {
  readonly #world: World;
  readonly #sizes = new Map<number, { readonly atMs: number; readonly size: Decimal }[]>();
  #read = 0;

  constructor(world: World) {
    this.#world = world;
  }

  of(conId: number): readonly { readonly atMs: number; readonly size: Decimal }[] {
    const { all } = this.#world.gateway.broker.ledger;
    for (; this.#read < all.length; this.#read += 1) {
      const { revision, order, quantity, timeMs } = all[this.#read]!;
      // A correction changes the price.
      if (revision > 1) continue;
      const sizes = this.#listed(order.instrument.contract.conId);
      const change = new Decimal(quantity.toFixed()).times(order.terms.action === 'BUY' ? 1 : -1);
      sizes.push({ atMs: timeMs, size: sizes.at(-1)!.size.plus(change) });
    }
    return this.#listed(conId);
  }

  #listed(conId: number): { readonly atMs: number; readonly size: Decimal }[] {
    const sizes = this.#sizes.get(conId) ?? [{ atMs: 0, size: new Decimal(0) }];
    this.#sizes.set(conId, sizes);
    return sizes;
  }
}

/** A hand in the book may write what it likes, and what it has spoilt stays in question. */
export function checkBooked(witness: Witness, write: BookWrite, row: AuditRow | undefined): void {
  const { sort, after } = write;
  if (row?.writer === bookKeeperWriter) checkLater(witness, write);
  if (after === undefined || row?.writer === operatorWriter || witness.spoilt.has(sort)) return;
  if (sort.startsWith('POS#')) checkSize(witness, Number(sort.slice('POS#'.length)), after.body.position);
  if (sort.startsWith('ORDER#')) checkOrder(witness, sort, after.body as unknown as OrderBody);
}

/** What a queue gives out late does not undo what was said later. */
function checkLater(witness: Witness, { sort, before, after }: BookWrite): void {
  if (!/^(?:POS|CASH)#/.test(sort) || before === undefined || after === undefined) return;
  const [was, is] = [before.body.stamp as unknown as Stamp, after.body.stamp as unknown as Stamp];
  if (compareStamps(was, is) > 0)
    witness.broken('later-word', `${sort} went from ${was.epoch}/${was.seq} back to ${is.epoch}/${is.seq}`);
}

function checkSize(witness: Witness, conId: number, booked: unknown): void {
  if (witness.holdings.of(conId).some(({ size }) => size.eq(String(booked)))) return;
  witness.broken(
    'book-broker',
    `position ${conId} is booked as ${String(booked)}, which the broker never had`,
  );
}

/** No more of it is filled than the broker has filled; and what is filled has not ended in another way. */
function checkOrder(witness: Witness, sort: string, { permId, status, filled }: OrderBody): void {
  const order = witness.world.gateway.broker.orders.byPermId(permId);
  if (order === undefined) return;
  if (order.filled.lt(filled))
    witness.broken(
      'book-broker',
      `${sort} is booked with ${filled} filled, the broker has ${order.filled.toFixed()}`,
    );
  const isEnded =
    status === 'Cancelled' || status === 'Rejected' || status === 'Expired' || status === 'Inactive';
  if (isEnded && order.status === 'Filled' && !witness.crossed.has(permId))
    witness.broken('book-broker', `${sort} is booked as ${status}, and the broker has filled it`);
}

/** Every execution that stands was told, by a streamer whose disk is there: what a plan has put right counts for nothing. */
export function checkExecutionsTold({ gateway, witness }: World): void {
  const told = new Set<string>();
  for (const { event } of witness.ownEvents())
    if (event.type === 'fill.received') told.add(event.data.execId);
  for (const { execId } of gateway.broker.ledger.standing())
    if (!told.has(execId)) witness.broken('fill-told', `${execId} was told by nobody`);
}
