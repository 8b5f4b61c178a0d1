/** What a plan changes of one order: its status, terms, fills, costs and pointers together, in one action. */
import { bookCommission, bookFill, type FillBody } from '../book/fills.ts';
import type { BookRef, BookWrite } from '../book/item.ts';
import { type OrderBody, orderRef } from '../book/orders.ts';
import { type PointerBody, pointersOf, pointerWrites } from '../book/pointers.ts';
import { refText } from '../book/seen.ts';
import { fillKey } from '../orders/exec-id.ts';
import type { CommissionReport, FillReport } from '../orders/fill-report.ts';
import type { OrderReport } from '../orders/order-report.ts';
import { restateCommission, restateReport } from '../orders/order-restate.ts';
import { type OrderState, viewOf } from '../orders/order-state.ts';
import type { Stamp } from '../orders/stamp.ts';
import { DraftedBook } from './drafted-book.ts';
import type { DiscrepancyType, PlanAction, ReconcileInput } from './types.ts';

/** A transaction holds 80 writes of an action: the order, its pointers, and this many executions. */
export const fillsPerAction = 70;

/** Noise is told after everything else, so that what was told first stays. */
const afterAll: Stamp = { epoch: Number.MAX_SAFE_INTEGER, seq: 0 };

/** An order as it is drafted: what is booked into it becomes one action. */
export class OrderDraft {
  readonly key: string;
  readonly before: OrderBody | undefined;
  readonly cures = new Set<DiscrepancyType>();
  kind: 'to_insert' | 'to_update' | 'to_delete';
  readonly fills: FillReport[] = [];
  readonly #ref: BookRef;
  readonly #draft: DraftedBook;
  readonly #fresh: Stamp;

  constructor(key: string, { account, book }: ReconcileInput, fresh: Stamp) {
    this.key = key;
    this.#ref = orderRef(key);
    this.before = book.orders.get(key)?.body;
    this.kind = this.before === undefined ? 'to_insert' : 'to_update';
    this.#draft = new DraftedBook(account, book);
    this.#fresh = fresh;
  }

  get state(): OrderState | undefined {
    return this.body?.state;
  }

  get body(): OrderBody | undefined {
    return this.#draft.bodyOf<OrderBody>(this.#ref);
  }

  fill(report: FillReport): void {
    this.fills.push(report);
    const at = this.#fresh;
    this.#draft.book((seen) =>
      bookFill({ kind: 'fill', at, report: { ...report, orderKey: this.key } }, seen),
    );
  }

  /** The execution is told with two contents: the book notes it, and keeps the first. */
  noise(report: FillReport): void {
    this.#draft.book((seen) => bookFill({ kind: 'fill', at: afterAll, report }, seen));
  }

  cost(report: CommissionReport): void {
    const ref = { kind: 'fill' as const, id: fillKey(report) };
    const stored = this.#draft.bodyOf<FillBody>(ref);
    if (!stored?.commission || !this.state) {
      this.#draft.book((seen) => bookCommission({ kind: 'commission', at: this.#fresh, report }, seen));
      return;
    }
    const { commission, currency, realizedPnl } = report;
    const { stamp } = stored.commission;
    this.#draft.put(ref, { ...stored, commission: { commission, currency, realizedPnl, stamp } } as never);
    this.#putState(restateCommission(this.state, ref.id, { commission, currency, realizedPnl }, stamp));
  }

  /** @param body the order with the report in it, for whoever has it already */
  report(report: OrderReport, body?: OrderBody): void {
    if (body === undefined) this.#putState(restateReport(this.state, report, this.#fresh));
    else this.#draft.put(this.#ref, body as never);
    const refs = pointersOf(report);
    if (refs.every((ref) => this.#draft.pointsTo(ref, this.key, report.permId))) return;
    this.#draft.read(refs);
    this.#draft.write(pointerWrites(report, this.key, this.#draft.seen));
  }

  /** @param wins whether this draft may write a pointer that others want as well */
  action(wins: (write: BookWrite, key: string) => boolean): PlanAction {
    const writes = this.#draft.writes.filter((write) => wins(write, this.key));
    const after = this.body!;
    return {
      id: `order:${this.key}`,
      kind: this.kind,
      cures: [...this.cures].sort(),
      subject: `order ${this.key}`,
      summary: summaryOf(this.before, after),
      changes: changesOf(this.before, after, this.fills),
      orderKey: this.key,
      writes,
      cancel: null,
    };
  }

  /** Pointers that this draft wants to write. */
  get pointers(): readonly BookWrite[] {
    return this.#draft.writes.filter(isPointer);
  }

  #putState(state: OrderState): void {
    const body: OrderBody = { ...viewOf(state), state };
    this.#draft.put(this.#ref, body as never);
  }
}

/** One action for each draft, sorted by key; a pointer that several want leads to the order with the highest permId. */
export function orderActions(drafts: Iterable<OrderDraft>): PlanAction[] {
  const sorted = [...drafts].filter(({ cures }) => cures.size > 0).sort((a, b) => (a.key < b.key ? -1 : 1));
  const winners = new Map<string, { key: string; permId: number }>();
  for (const { key, pointers } of sorted) {
    for (const { ref, body } of pointers) {
      const { permId } = body as unknown as PointerBody;
      const known = winners.get(refText(ref));
      const better =
        known === undefined || permId > known.permId || (permId === known.permId && key > known.key);
      if (better) winners.set(refText(ref), { key, permId });
    }
  }
  // What the book has already, under the same stamps, is no change.
  return sorted
    .map((draft) =>
      draft.action((write, key) => !isPointer(write) || winners.get(refText(write.ref))?.key === key),
    )
    .filter(({ writes }) => writes.length > 0);
}

function isPointer({ ref: { kind } }: BookWrite): boolean {
  return kind === 'perm' || kind === 'ref' || kind === 'api';
}

/** `Submitted -> Filled, 2 of 2 at 1323.4` */
function summaryOf(before: OrderBody | undefined, after: OrderBody): string {
  const quantity = after.terms?.quantity ?? '?';
  const average = after.averagePrice === null ? '' : ` at ${after.averagePrice}`;
  const status = before === undefined || before.status === after.status ? '' : `${before.status} -> `;
  return `${status}${after.status}, ${after.filled} of ${quantity}${average}`;
}

const fields = [
  'status',
  'permId',
  'orderRef',
  'filled',
  'averagePrice',
  'reportedFilled',
  'missing',
  'synthetic',
] as const;

function changesOf(
  before: OrderBody | undefined,
  after: OrderBody,
  fills: readonly FillReport[],
): PlanAction['changes'] {
  const changes: PlanAction['changes'][number][] = [];
  const add = (field: string, was: unknown, is: unknown) => {
    const [from, to] = [textOf(was), textOf(is)];
    if (from !== to) changes.push({ field, before: from, after: to });
  };
  for (const field of fields) add(field, before?.[field], after[field]);
  const terms = Object.keys(after.terms ?? {}) as (keyof NonNullable<OrderBody['terms']>)[];
  for (const name of terms) add(name, before?.terms?.[name], after.terms?.[name]);
  for (const { execId, side, quantity, price, synthetic } of fills) {
    add(synthetic ? 'synthetic fill' : 'execution', '', `${execId}: ${side} ${quantity} at ${price}`);
  }
  const currencies = new Set([...Object.keys(before?.commissions ?? {}), ...Object.keys(after.commissions)]);
  for (const currency of [...currencies].sort()) {
    add(`commission ${currency}`, before?.commissions[currency], after.commissions[currency]);
  }
  return changes;
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}
