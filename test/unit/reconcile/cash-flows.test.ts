/** What may have moved the cash of a currency: executions that the book lacks, their costs, and futures that are held. */
import { describe, expect, it } from 'vitest';
import { flowsOfFills, variationBounds } from '../../../lib/domain/reconcile/cash-flows.ts';
import { World } from '../../helpers/reconcile-world.ts';
import { es, spy } from '../orders/order-harness.ts';
import { contextFor } from './stages.ts';

const asText = (amounts: ReadonlyMap<string, { toFixed(): string }>) =>
  Object.fromEntries([...amounts].map(([currency, value]) => [currency, value.toFixed()]));
const flows = (world: World) => asText(flowsOfFills(world.input, contextFor(world)));
const bounds = (world: World) => asText(variationBounds(world.input, contextFor(world)));

describe('executions that the book lacks', () => {
  it('of shares move money, and no currency of their name', () => {
    const world = new World().execution(1, 'a.01', '10', { contract: spy, price: '600' });
    expect(flows(world)).toEqual({ USD: '-6000' });
  });

  it('cost what IB says of them alone: of one that the book has the cost is paid', () => {
    const world = new World().told(1).toldFill(1, 'a.01', '1', { contract: spy });
    world.execution(1, 'a.01', '1', { contract: spy }).commission('a.01', '7');
    world.execution(2, 'b.01', '10', { contract: spy, price: '600' }).commission('b.01', '1.5');
    expect(flows(world)).toEqual({ USD: '-6001.5' });
  });

  it.each(['-1', '1.7976931348623157e308', 'Infinity'])(
    'cost nothing where IB says %s: not known yet',
    (cost) => {
      const world = new World().execution(1, 'a.01', '10', { contract: spy, price: '600' });
      expect(flows(world.commission('a.01', cost))).toEqual({ USD: '-6000' });
    },
  );
});

describe('the variation of futures', () => {
  // 20 % of price x 50
  it('is bounded by the larger of what either side holds', () => {
    const less = new World().toldPosition('2').position('5');
    expect(bounds(less)).toEqual({ USD: '250000' });
    const more = new World().toldPosition('5').position('2');
    expect(bounds(more)).toEqual({ USD: '250000' });
  });

  it('is bounded by what was traded too, also below zero', () => {
    const world = new World().execution(1, 'a.01', '2', { contract: es, price: '-37' });
    expect(bounds(world)).toEqual({ USD: '740' });
  });
});
