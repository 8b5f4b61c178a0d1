/** Generated orders: anything at all, complete lives, and lives as a broker would tell them. */
import * as fc from 'fast-check';
import { type OrderStatus, orderStatuses } from '../../../lib/domain/orders/order-report.ts';
import type { Told } from './order-harness.ts';
import { calendarSpread, costOf, es, esJune, fillOf, openMs, reportOf } from './order-harness.ts';

/** Decimal text in canonical form from an integer of ten-thousandths. */
export function decimal(tenThousandths: number): string {
  const digits = String(Math.abs(tenThousandths)).padStart(5, '0');
  const text = `${digits.slice(0, -4)}.${digits.slice(-4)}`.replace(/\.?0+$/, '');
  return tenThousandths < 0 ? `-${text}` : text;
}

const quantityArb = fc.integer({ min: 0, max: 60_000 }).map(decimal);
const priceArb = fc.integer({ min: -200_000, max: 60_000_000 }).map(decimal);
const execIdArb = fc
  .tuple(fc.constantFrom('a', 'b', 'c.01', '0000e0d5.67fe667b'), fc.constantFrom('', '.01', '.02', '.03'))
  .map((parts) => parts.join(''));

/** Reports, fills and commissions of one order with no regard for sense: noise, revisions, busts, overfills, legs. */
export const anythingArb: fc.Arbitrary<Told> = fc.oneof(
  fc
    .record({
      status: fc.constantFrom(...orderStatuses),
      brokerStatus: fc.constantFrom('', 'Submitted', 'Filled'),
      quantity: fc.constantFrom('0', '1', '5', '12.5'),
      limitPrice: fc.option(priceArb),
      reportedFilled: quantityArb,
      reportedAveragePrice: fc.option(priceArb),
      reason: fc.option(fc.record({ code: fc.constantFrom(0, 201, 202), message: fc.constantFrom('', 'x') })),
      permId: fc.constantFrom(0, 900100, 900101),
      orderId: fc.constantFrom(-3, 0, 13),
      clientId: fc.constantFrom(0, 7),
      orderRef: fc.constantFrom('', 'ref-1', 'ref-2'),
      origin: fc.constantFrom('api' as const, 'manual' as const),
      contract: fc.constantFrom(es, calendarSpread),
    })
    .map(
      ({ limitPrice, ...words }): Told => ({
        kind: 'report',
        report: reportOf({ ...words, terms: { limitPrice } }),
      }),
    ),
  fc
    .record({
      execId: execIdArb,
      quantity: quantityArb,
      price: priceArb,
      timeMs: fc.integer({ min: openMs, max: openMs + 3 }),
      contract: fc.constantFrom(es, es, { ...es, exchange: 'GLOBEX' }, esJune, calendarSpread),
      synthetic: fc.boolean(),
      liquidation: fc.boolean(),
      cumulativeQuantity: quantityArb,
      orderRef: fc.constantFrom('', 'ref-1'),
    })
    .map(
      ({ execId, quantity, price, ...more }): Told => ({
        kind: 'fill',
        report: fillOf(execId, quantity, price, more),
      }),
    ),
  fc.record({ execId: execIdArb, commission: priceArb, pnl: fc.option(priceArb) }).map(
    ({ execId, commission, pnl }): Told => ({
      kind: 'commission',
      report: costOf(execId, commission, { realizedPnl: pnl }),
    }),
  ),
);

/** The same, and ends that persons give. */
export const settlingArb: fc.Arbitrary<Told> = fc.oneof(
  { weight: 3, arbitrary: anythingArb },
  {
    weight: 1,
    arbitrary: fc
      .record({ status: fc.constantFrom('Cancelled', 'Filled'), commandId: fc.constantFrom('c1', 'c2') })
      .map(({ status, commandId }): Told => {
        const settled = { by: 'anna', reason: 'why', commandId };
        return { kind: 'report', report: reportOf({ status, brokerStatus: '', settled }) };
      }),
  },
);

export interface Life {
  readonly quantity: string;
  readonly events: readonly Told[];
}

interface Execution {
  readonly base: string;
  readonly quantity: number;
  readonly price: number;
  /** Corrections: new quantity (0 is a bust) and price. */
  readonly revisions: readonly { readonly quantity: number; readonly price: number }[];
  readonly timeMs: number;
}

const executionsArb = (): fc.Arbitrary<readonly Execution[]> =>
  fc.uniqueArray(
    fc.record({
      base: fc
        .string({ unit: fc.constantFrom('a', 'b', '7', '.'), minLength: 1, maxLength: 6 })
        .map((t) => `e${t}`),
      quantity: fc.integer({ min: 1, max: 90_000 }),
      price: fc.integer({ min: -10_000, max: 60_000_000 }),
      revisions: fc.array(
        fc.record({
          quantity: fc.integer({ min: 0, max: 90_000 }),
          price: fc.integer({ min: 1, max: 60_000_000 }),
        }),
        { maxLength: 2 },
      ),
      timeMs: fc.integer({ min: openMs, max: openMs + 5 }),
    }),
    { selector: ({ base }) => base, maxLength: 6 },
  );

/** Everything that is ever told of one order, from the first word to the last: amendments, corrections, costs, its end. */
export const completeLifeArb: fc.Arbitrary<Life> = fc
  .record({
    executions: executionsArb(),
    amended: fc.array(fc.integer({ min: 1, max: 300_000 }).map(decimal), { maxLength: 2 }),
    cancelled: fc.boolean(),
    room: fc.integer({ min: -50_000, max: 100_000 }),
    costs: fc.boolean(),
    refused: fc.boolean(),
  })
  .map(({ executions, amended, cancelled, room, costs, refused }) => {
    const total = executions.reduce((sum, { quantity }) => sum + quantity, 0);
    const quantity = decimal(Math.max(1, total + room));
    const reportedFilled = decimal(total);
    const words: OrderStatus[] = ['PendingSubmit', 'PreSubmitted', 'Submitted', 'PendingModify', 'Submitted'];
    const reports = words.map((status, index) => ({ status, quantity: amended[index % 3] ?? quantity }));
    const end = cancelled ? 'Cancelled' : 'Filled';
    const fills = executions.flatMap(({ base, timeMs, revisions, ...first }) =>
      [first, ...revisions].map(({ quantity, price }, index) =>
        fillOf(`${base}.0${index + 1}`, decimal(quantity), decimal(price), { timeMs }),
      ),
    );
    const reason = refused && cancelled ? { code: 202, message: 'Order Canceled - reason:' } : null;
    const events: Told[] = [
      ...reports.map((report): Told => ({ kind: 'report', report: reportOf(report) })),
      ...fills.map((report): Told => ({ kind: 'fill', report })),
      ...(costs ? fills : []).map(
        ({ execId }, index): Told => ({ kind: 'commission', report: costOf(execId, decimal(index * 7 - 3)) }),
      ),
      { kind: 'report', report: reportOf({ status: end, quantity, reportedFilled }) },
      { kind: 'report', report: reportOf({ status: end, quantity, reportedFilled, reason }) },
    ];
    return { quantity, events };
  });
