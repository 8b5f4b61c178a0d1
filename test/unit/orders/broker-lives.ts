/** Lives as IB tells them: words in a sensible order, repeated, left out and late, with fills in between. */
import * as fc from 'fast-check';
import { statusOfWord } from '../../../lib/domain/orders/broker-words.ts';
import type { OrderStatus } from '../../../lib/domain/orders/order-report.ts';
import { fillOf, reportOf, type Told } from './order-harness.ts';

export interface BrokerStep {
  /** What is told, given the state that the order was in. */
  readonly tell: (before: OrderStatus) => Told;
  /** It may take back what followed from fills. */
  readonly corrects: boolean;
}

/** What IB itself goes through; the table of our own moves is not asked. */
const brokerMoves: Readonly<Record<string, readonly string[]>> = {
  '': ['ApiPending', 'PendingSubmit', 'PreSubmitted', 'Submitted', 'Inactive'],
  ApiPending: ['PendingSubmit', 'PreSubmitted', 'Submitted', 'ApiCancelled', 'refused', 'PendingCancel'],
  PendingSubmit: ['PreSubmitted', 'Submitted', 'refused', 'PendingCancel', 'Cancelled'],
  PreSubmitted: ['Submitted', 'PendingSubmit', 'PendingCancel', 'Cancelled', 'Inactive', 'refused'],
  Submitted: ['PreSubmitted', 'PendingSubmit', 'PendingCancel', 'Cancelled', 'Inactive'],
  PendingCancel: ['Cancelled', 'Submitted', 'PreSubmitted', 'ApiCancelled'],
  Inactive: ['PreSubmitted', 'Submitted', 'Cancelled', 'refused'],
  Cancelled: [],
  ApiCancelled: [],
  refused: [],
};

const quantity = 5;

type Draw =
  | { readonly kind: 'word' | 'repeat' | 'stale'; readonly pick: number }
  | { readonly kind: 'fill'; readonly size: number }
  | { readonly kind: 'correct'; readonly size: number; readonly pick: number }
  | { readonly kind: 'raise' };

const drawArb: fc.Arbitrary<Draw> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('word' as const), pick: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat' as const), pick: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stale' as const), pick: fc.nat(30) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('fill' as const), size: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('correct' as const),
      size: fc.integer({ min: 0, max: 3 }),
      pick: fc.nat(10),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('raise' as const) }) },
);

export const brokerLifeArb: fc.Arbitrary<readonly BrokerStep[]> = fc
  .array(drawArb, { minLength: 3, maxLength: 25 })
  .map((draws) => {
    let word = '';
    let asked = quantity;
    let filled = 0;
    const fills: { revision: number; size: number }[] = [];
    const steps: BrokerStep[] = [];
    const told = (next: string, corrects = false) => {
      const reason = next === 'refused' ? { code: 201, message: 'Order rejected - reason:' } : null;
      const brokerStatus = next === 'refused' ? 'Inactive' : next;
      const terms = String(asked);
      const tell = (before: OrderStatus): Told => {
        const status = statusOfWord(brokerStatus, { before, reason });
        return { kind: 'report', report: reportOf({ status, brokerStatus, reason, quantity: terms }) };
      };
      steps.push({ tell, corrects });
    };
    for (const draw of draws) {
      const ended = brokerMoves[word]!.length === 0;
      if (draw.kind === 'word' && !ended && (filled < asked || word === '')) {
        const next = brokerMoves[word]!;
        word = next[draw.pick % next.length]!;
        told(word);
      } else if (draw.kind === 'repeat' && word !== '') {
        told(word);
      } else if (draw.kind === 'stale' && ended) {
        // IB repeats an old word after the last one.
        told(draw.pick % 2 === 0 ? 'Submitted' : 'PendingCancel');
      } else if (draw.kind === 'raise' && word !== '' && !ended) {
        asked += 2;
        told(word, true);
      } else if (draw.kind === 'fill' && filled + draw.size <= asked) {
        filled += draw.size;
        fills.push({ revision: 1, size: draw.size });
        const execId = `e${fills.length}.01`;
        steps.push({
          tell: () => ({ kind: 'fill', report: fillOf(execId, String(draw.size), '5000') }),
          corrects: false,
        });
      } else if (draw.kind === 'correct' && fills.length > 0) {
        const index = draw.pick % fills.length;
        const fill = fills[index]!;
        const size = Math.min(draw.size, fill.size);
        fill.revision += 1;
        filled += size - fill.size;
        fill.size = size;
        const execId = `e${index + 1}.0${fill.revision}`;
        // Past nine corrections the id would be that of another execution.
        if (fill.revision > 9) continue;
        steps.push({
          tell: () => ({ kind: 'fill', report: fillOf(execId, String(size), '4999') }),
          corrects: true,
        });
      }
    }
    return steps.length > 0
      ? steps
      : [{ tell: () => ({ kind: 'report', report: reportOf({}) }), corrects: false }];
  });
