/** After a person has said how an order ended: what a run still finds of it, and what it makes of IB's later word. */
import { describe, expect, it } from 'vitest';
import { found, minute, planned, World } from '../../helpers/reconcile-world.ts';
import { openMs } from '../orders/order-harness.ts';

const yesterday = openMs - 24 * 60 * minute;
const settled = { by: 'anna', reason: 'the statement has it', commandId: 'c1' };

/** Of an order that ended while nobody looked, a part of it filled before; held and protected by nobody. */
function unresolved(): World {
  const world = new World().ruled({ noStopNeeded: ['FUT'], escalateAfterRuns: 99 });
  world.told(1, { filled: '2', changedAtMs: yesterday }).toldFill(1, 'e1.01', '2', { atMs: yesterday });
  expect(found(world.bothPosition('2').runs(4))).toEqual(['UNRESOLVED order P1']);
  return world;
}

function said(world: World, status: 'Cancelled' | 'Filled'): World {
  return world
    .told(1, { filled: '2', status, brokerStatus: '', settled, changedAtMs: world.marketMs })
    .later();
}

describe('an order that a person has settled', () => {
  it('as cancelled is no more UNRESOLVED: nothing is found, nothing planned, nothing remembered', () => {
    const world = said(unresolved(), 'Cancelled');
    const verdict = world.run();
    expect([found(verdict), planned(verdict), verdict.pending]).toEqual([[], [], []]);
    expect(verdict.resolved).toEqual(['UNRESOLVED:order P1']);
    expect(verdict.memory.absent).toEqual({});
    expect(world.order('P1')).toMatchObject({ status: 'Cancelled', endedInPart: true, filled: '2', settled });
  });

  it('as filled: a synthetic fill is planned for what no execution tells', () => {
    const world = said(unresolved(), 'Filled').toldPosition('5');
    world.rows.positions = [];
    const verdict = world.position('5').later().runs(3);
    expect(planned(verdict)).toEqual(['to_update order P1']);
    expect(world.apply(verdict).order('P1')).toMatchObject({
      status: 'Filled',
      filled: '5',
      synthetic: '3',
      missing: '0',
      settled,
    });
    const next = world.later().run();
    expect([found(next), planned(next)]).toEqual([[], []]);
  });

  it('as cancelled though it filled: the position was told, and nothing shows that a fill is missing', () => {
    const world = said(unresolved(), 'Cancelled').toldPosition('5');
    world.rows.positions = [];
    const verdict = world.position('5').later().runs(3);
    expect([found(verdict), planned(verdict)]).toEqual([[], []]);
    expect(world.order('P1').filled).toBe('2');
  });

  it('keeps whose word it is when a late execution is booked, and loses it to an end of IB', () => {
    const world = said(unresolved(), 'Cancelled').execution(1, 'e2.01', '1', { cumulative: '3' });
    world.rows.positions = [];
    world.toldPosition('3').position('3');
    const late = world.later().run();
    expect(planned(late)).toEqual(['to_update order P1']);
    expect(world.apply(late).order('P1')).toMatchObject({ status: 'Cancelled', filled: '3', settled });
    world.completed(1, 'Cancelled by System: Order expired', { filled: '3', atMs: world.marketMs - minute });
    const ended = world.later().run();
    expect(world.apply(ended).order('P1').status).toBe('Expired');
    expect(world.order('P1')).not.toHaveProperty('settled');
  });

  it('that IB works after all is told to a person, and is open again with the word of the streamer', () => {
    const world = said(unresolved(), 'Cancelled').open(1, { filled: '2' });
    expect(found(world.later().runs(3))).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(world.order('P1').status).toBe('Cancelled');
    world.told(1, { filled: '2', changedAtMs: world.marketMs }).later();
    expect(world.order('P1')).toMatchObject({ status: 'PartiallyFilled', working: true });
    const verdict = world.run();
    expect([found(verdict), planned(verdict)]).toEqual([[], []]);
  });
});
