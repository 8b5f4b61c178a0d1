/** C4, what is true of the plan by itself: a second run does nothing, and a plan that touches too much is refused. */
import { describe, expect, it } from 'vitest';
import { isExpired, massChange, planHash, policyApproves } from '../../lib/domain/reconcile/plan.ts';
import { digest, planned, World } from '../helpers/reconcile-world.ts';

describe('C4 plan', () => {
  it('S087 reconcile run twice: no action the second time', () => {
    const world = new World()
      .told(1)
      .told(2)
      .open(1, { limitPrice: '4990' })
      .open(3)
      .execution(2, 'e1.01', '5');
    world.completed(2, 'Filled Size: 5').position('5').cash('100').cash('7', 'EUR');
    const first = world.run();
    expect(planned(first).length).toBeGreaterThan(3);
    const again = world.apply(first).run();
    expect(planned(again)).toEqual([]);
    expect(planned(world.run())).toEqual([]);
  });

  it('S087 the plan of the same input has the same hash, and another one another', () => {
    const world = new World().told(1).open(1, { limitPrice: '4990' });
    const [first, again] = [world.run(), world.run()];
    expect(first.plan.actions).toEqual(again.plan.actions);
    expect(planHash(first.plan, digest)).toBe(planHash({ ...first.plan, hash: 'x' }, digest));
    expect(planHash(first.plan, digest)).not.toBe(planHash({ ...first.plan, actions: [] }, digest));
    expect(isExpired(first.plan, first.plan.expiresAtMs - 1)).toBe(false);
    expect(isExpired(first.plan, first.plan.expiresAtMs)).toBe(true);
  });

  it.each([
    { live: 30, touched: 10, exceeds: true },
    { live: 50, touched: 10, exceeds: false },
    { live: 12, touched: 9, exceeds: false },
    { live: 51, touched: 11, exceeds: true },
  ])('S089 mass change: $touched of $live live orders', ({ live, touched, exceeds }) => {
    const world = new World();
    for (let permId = 1; permId <= live; permId += 1) {
      world.told(permId);
      if (permId <= touched) world.completed(permId, 'Cancelled by Trader');
      else world.open(permId);
    }
    world.told(900, { status: 'Filled' }).open(901);
    const { plan } = world.run();
    expect(massChange(plan, world.picture, world.rules)).toEqual({ touched, live, exceeds });
    const rules = { ...world.rules, mode: 'auto_sync' as const };
    expect(policyApproves(plan, world.picture, rules)).toBe(!exceeds);
    expect(policyApproves(plan, world.picture, world.rules)).toBe(false);
    expect(policyApproves(plan, world.picture, { ...rules, autoSync: ['MISSING_FILL'] })).toBe(false);
  });
});
