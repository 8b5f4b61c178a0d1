/** Positions under lost, late and half-told histories: what is booked is what happened, and never twice. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { netPositions } from '../../../lib/domain/orders/net-positions.ts';
import { account, minute, World } from '../../helpers/reconcile-world.ts';
import { es, openMs } from '../orders/order-harness.ts';

const midnightMs = Date.UTC(2026, 0, 5, 5);

/** One trade, and what became known of it. */
const trade = fc.record({
  size: fc.integer({ min: -4, max: 4 }).filter((size) => size !== 0),
  /** The streamer told the fill, the position after it, both or nothing. */
  fillTold: fc.boolean(),
  positionTold: fc.boolean(),
  fillFirst: fc.boolean(),
});

const history = fc.record({
  /** Before the window of executions: what is lost of them is lost. */
  before: fc.array(trade, { maxLength: 4 }),
  today: fc.array(trade, { maxLength: 4 }),
  start: fc.integer({ min: -3, max: 3 }),
});

interface Trade {
  readonly size: number;
  readonly fillTold: boolean;
  readonly positionTold: boolean;
  readonly fillFirst: boolean;
}

function told({
  start,
  before,
  today,
}: {
  start: number;
  before: readonly Trade[];
  today: readonly Trade[];
}) {
  const world = new World().ruled({ noStopNeeded: ['FUT'], escalateAfterRuns: 99 });
  let held = 0;
  const happen = (one: Trade, index: number, atMs: number, isListed: boolean) => {
    held += one.size;
    const side = one.size < 0 ? 'SELL' : 'BUY';
    const quantity = String(Math.abs(one.size));
    const permId = 100 + index;
    const fill = () => one.fillTold && world.toldFill(permId, `x${index}.01`, quantity, { side, atMs });
    if (one.fillFirst) fill();
    if (one.positionTold) world.toldPosition(String(held), held === 0 ? '0' : '250000');
    if (!one.fillFirst) fill();
    if (isListed) world.execution(permId, `x${index}.01`, quantity, { side, atMs });
  };
  const whole = { fillTold: true, positionTold: true, fillFirst: true };
  if (start !== 0) happen({ ...whole, size: start }, 0, midnightMs - 60 * minute, false);
  for (const [index, one] of before.entries())
    happen(one, 1 + index, midnightMs - (20 - index) * minute, false);
  for (const [index, one] of today.entries()) happen(one, 11 + index, openMs + index * minute, true);
  if (held !== 0) world.position(String(held));
  world.epoch = 2;
  return { world, held };
}

function ledger(world: World): number {
  const orders = [...world.picture.orders.values()].map(({ body }) => ({ account, state: body.state }));
  const net = netPositions(orders).find(({ conId }) => conId === es.conId);
  return Number(net?.position ?? 0);
}

function size(world: World): number {
  return Number(world.picture.positions.get(String(es.conId))?.body.position ?? 0);
}

it('the plan brings the position to the broker, and a second run finds nothing to do', () => {
  fc.assert(
    fc.property(history, (life) => {
      const { world, held } = told(life);
      world.apply(world.runs(3));
      expect(size(world)).toBe(held);
      expect(world.later().run().plan.actions).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

it('fills are made for what was lost alone: never beyond it, and never beside the real ones', () => {
  let made = 0;
  fc.assert(
    fc.property(history, (life) => {
      const { world, held } = told(life);
      // what no execution tells any more, and that part of it that the book's position does not contain either
      const lost = lostOf(life.before);
      const since = lostOf(
        life.before.slice(1 + life.before.findLastIndex(({ positionTold }) => positionTold)),
      );
      world.apply(world.runs(3));
      const fills = [...world.picture.fills.values()].flatMap(({ body }) => body.report ?? []);
      const synthetic = fills.filter((fill) => fill.synthetic);
      if (synthetic.length === 0) return;
      made += 1;
      const total = synthetic.reduce(
        (sum, { side, quantity }) => sum + (side === 'BUY' ? 1 : -1) * Number(quantity),
        0,
      );
      expect([lost, since]).toContain(total);
      expect(ledger(world)).toBe(held - lost + total);
    }),
    { numRuns: 400 },
  );
  // the property is about something
  expect(made).toBeGreaterThan(10);
});

function lostOf(trades: readonly Trade[]): number {
  return trades.reduce((sum, { fillTold, size }) => sum + (fillTold ? 0 : size), 0);
}

it('nothing is written of positions while a list of them is not whole', () => {
  fc.assert(
    fc.property(history, fc.constantFrom('partial' as const, 'failed' as const), (life, outcome) => {
      const { world } = told(life);
      const before = size(world);
      world.outcome('positions', outcome);
      world.apply(world.runs(4));
      expect(size(world)).toBe(before);
      const fills = [...world.picture.fills.values()].filter(({ body }) => body.report?.synthetic);
      expect(fills).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
