import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BrokerFact } from '../../../lib/domain/orders/broker-facts.ts';
import { viewOf } from '../../../lib/domain/orders/order-state.ts';
import type { Stamp } from '../../../lib/domain/orders/stamp.ts';
import { canonical } from './order-harness.ts';
import {
  commission,
  completed,
  execution,
  openOrder,
  orderStatus,
  TrackedDesk,
  terms,
} from './tracker-harness.ts';

/** Half of them in the suite, ten times as many in the proof. */
const runs = (number: number): number =>
  process.env.EVENKEEL_PROOF === '1' ? number * 10 : Math.ceil(number / 2);

interface Plan {
  readonly quantity: number;
  readonly fills: readonly number[];
  readonly amended: boolean;
  /** Whether the second revision of the first execution changes its price. */
  readonly corrected: boolean;
  readonly statuses: boolean;
  readonly costs: boolean;
  readonly account: string;
}

interface Story {
  /** In the order in which IB would tell them. */
  readonly facts: readonly BrokerFact[];
  /** What IB lists when all is over. */
  readonly completed: readonly BrokerFact[];
  readonly executions: readonly BrokerFact[];
  readonly keys: readonly string[];
}

const planArb: fc.Arbitrary<Plan> = fc
  .record({
    fills: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    rest: fc.integer({ min: 0, max: 2 }),
    amended: fc.boolean(),
    corrected: fc.boolean(),
    statuses: fc.boolean(),
    costs: fc.boolean(),
    account: fc.constantFrom('DU1', 'DU2'),
  })
  .map(({ fills, rest, ...plan }) => {
    const sum = fills.reduce((total, size) => total + size, 0);
    return { ...plan, fills, quantity: sum + (sum === 0 ? rest + 1 : rest) };
  });

const storyArb: fc.Arbitrary<Story> = fc
  .tuple(fc.array(planArb, { minLength: 1, maxLength: 3 }), fc.infiniteStream(fc.nat(2)))
  .map(([plans, picks]) => {
    const lives = plans.map(lifeOf);
    // The lives run side by side.
    const queues = lives.map(({ facts }) => [...facts]);
    const facts: BrokerFact[] = [];
    for (const pick of picks) {
      const open = queues.filter((queue) => queue.length > 0);
      if (open.length === 0) break;
      facts.push(open[pick % open.length]!.shift()!);
    }
    return {
      facts,
      completed: lives.map(({ end }) => end),
      executions: lives.flatMap(({ executions }) => executions),
      keys: plans.map((_, index) => `P${900_100 + index}`),
    };
  });

function lifeOf(plan: Plan, index: number) {
  const ids = { permId: 900_100 + index, orderId: 13 + index, clientId: 7 };
  const named = { ...ids, account: plan.account, orderRef: `ref-${index}` };
  const asked = terms({
    quantity: String(plan.quantity),
    limitPrice: '5000',
    parentId: index > 0 ? 12 + index : 0,
  });
  const first = plan.amended ? { ...asked, limitPrice: '4990' } : asked;
  const facts: BrokerFact[] = [
    openOrder({ ...named, terms: first, status: 'PreSubmitted' }),
    openOrder({ ...named, terms: asked, status: 'Submitted' }),
  ];
  const executions: BrokerFact[] = [];
  let filled = 0;
  for (const [n, size] of plan.fills.entries()) {
    filled += size;
    const base = `e${index}${n}`;
    const said = { ...named, timeMs: 1_000 + n, cumulativeQuantity: String(filled) };
    const fill = execution(`${base}.01`, String(size), said);
    executions.push(fill);
    if (plan.costs) executions.push(commission(`${base}.01`));
    if (plan.corrected && n === 0) {
      executions.push(
        execution(`${base}.02`, String(size), { ...said, price: '4999', averagePrice: '5000' }),
      );
    }
    facts.push(...executions.slice(-3));
    if (plan.statuses) facts.push(orderStatus('Submitted', String(filled), ids));
  }
  const done = filled === plan.quantity;
  const word = done ? 'Filled' : 'Cancelled';
  const { orderId: _, clientId: __, ...listed } = named;
  const end = completed(done ? `Filled Size: ${filled}` : 'Cancelled by Trader', {
    ...listed,
    terms: { ...asked, quantity: '0', parentId: 0 },
    filled: String(filled),
    parentPermId: index > 0 ? 900_099 + index : 0,
  });
  facts.push(orderStatus(word, String(filled), { ...ids, averageFillPrice: filled > 0 ? '5000' : '0' }), end);
  return { facts: [...new Set(facts)], executions, end };
}

const stamped = (facts: readonly BrokerFact[]): { fact: BrokerFact; at: Stamp }[] =>
  facts.map((fact, index) => ({ fact, at: { epoch: 2, seq: index + 1 } }));

/** What the book knows in the end, of every order. */
function final(desk: TrackedDesk): string {
  return canonical(
    [...desk.book].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, state]) => [key, viewOf(state)]),
  );
}

const tellable = [
  'status',
  'working',
  'filled',
  'averagePrice',
  'missing',
  'reason',
  'corrected',
  'busted',
  'quarantined',
  'noisy',
  'commissions',
  'reportedFilled',
  'orderRef',
] as const;

/** The same as far as lists can tell it: not the ids and terms that IB leaves out of completed orders. */
function listed(desk: TrackedDesk): string {
  const orders = [...desk.book]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, state]) => {
      const view = viewOf(state);
      const words = tellable.map((name) => [name, view[name]]);
      return { key, ...Object.fromEntries(words), parentKey: view.terms?.parentKey };
    });
  return canonical(orders);
}

function told(desk: TrackedDesk): string[] {
  return desk.emitted.flatMap(({ name, data }) => ('execId' in data ? [`${name} ${data.execId}`] : []));
}

function whole(story: Story): TrackedDesk {
  return new TrackedDesk()
    .connect()
    .answer()
    .fact(...story.facts);
}

const lists = ({ completed, executions }: Story) => ({ 'completed-orders': completed, executions });

describe('whatever IB does', () => {
  it('the book has what the tracker has, after every fact', () => {
    fc.assert(
      fc.property(storyArb, (story) => {
        const desk = new TrackedDesk();
        for (const fact of story.facts) {
          desk.fact(fact);
          for (const [key, order] of desk.state.orders) {
            expect(canonical(order.state && viewOf(order.state))).toBe(canonical(desk.view(key)));
          }
        }
        for (const key of story.keys) expect(desk.view(key)).toMatchObject({ working: false, missing: '0' });
      }),
      { numRuns: runs(150) },
    );
  });

  it('what is told again says nothing', () => {
    fc.assert(
      fc.property(storyArb, fc.infiniteStream(fc.nat(40)), (story, picks) => {
        const desk = whole(story);
        desk.news();
        desk.round(lists(story)).round(lists(story));
        const old = stamped(story.facts);
        for (const [, pick] of [...picks.take(30)].entries()) {
          const { fact, at } = old[pick % old.length]!;
          desk.factAt(fact, { ...at, epoch: 0 });
        }
        expect(desk.news()).toEqual([]);
      }),
      { numRuns: runs(150) },
    );
  });

  it('facts of complete lives in any order of arrival end in the same book', () => {
    fc.assert(
      fc.property(
        storyArb.chain((story) =>
          fc.record({
            story: fc.constant(story),
            order: fc.shuffledSubarray(stamped(story.facts), { minLength: story.facts.length }),
          }),
        ),
        ({ story, order }) => {
          const desk = new TrackedDesk();
          for (const { fact, at } of order) desk.factAt(fact, at);
          expect(final(desk)).toBe(final(whole(story)));
          expect(new Set(told(desk)).size).toBe(told(desk).length);
        },
      ),
      { numRuns: runs(300) },
    );
  });

  it('a crash at any point, then full lists: the same book, nothing lost and no fill told twice', () => {
    fc.assert(
      fc.property(storyArb, fc.array(fc.nat(40), { maxLength: 3 }), (story, crashes) => {
        const points = crashes.map((at) => at % (story.facts.length + 1)).sort((a, b) => a - b);
        let desk = new TrackedDesk().connect().answer();
        const seen: string[] = [];
        let from = 0;
        for (const point of points) {
          desk.fact(...story.facts.slice(from, point));
          seen.push(...told(desk));
          desk = desk.restarted();
          // What was told during the outage is not told again: the lists have to do.
          from = Math.min(story.facts.length, point + 2);
          desk
            .connect()
            .answer({ executions: story.executions.filter((fact) => story.facts.indexOf(fact) < from) });
        }
        seen.push(...told(desk));
        desk = desk.restarted().connect().answer(lists(story));
        seen.push(...told(desk));
        expect(listed(desk)).toBe(listed(whole(story)));
        expect(new Set(seen).size).toBe(seen.length);
        desk.news();
        expect(desk.round(lists(story)).news()).toEqual([]);
      }),
      { numRuns: runs(200) },
    );
  });

  it('with the memory lost everything is told again, and the book takes it as repeats', () => {
    fc.assert(
      fc.property(storyArb, (story) => {
        const desk = whole(story);
        const before = listed(desk);
        desk.memory.clear();
        const again = desk.restarted().connect().answer(lists(story));
        expect(again.emitted.length).toBeGreaterThan(0);
        expect(listed(again)).toBe(before);
      }),
      { numRuns: runs(100) },
    );
  });
});
