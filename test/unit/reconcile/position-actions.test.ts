/** The action that cures a position: what a reviewer reads, and what is written. */
import { describe, expect, it } from 'vitest';
import { positionReport } from '../../../lib/domain/accounts/position-change.ts';
import { positionAction } from '../../../lib/domain/reconcile/position-actions.ts';
import { account, World } from '../../helpers/reconcile-world.ts';
import { es, spy } from '../orders/order-harness.ts';

function told(position: string, contract = es) {
  return positionReport({ kind: 'position', account, contract, position, averageCost: '250000' });
}

const stored = new World().toldPosition('2').picture.positions.get(String(es.conId));

describe('the action for a position', () => {
  it('says from which size to which, by the name that a trader knows', () => {
    const { summary, kind, changes } = positionAction(told('5'), stored, 9, 'POSITION_MISMATCH', '');
    expect({ summary, kind }).toEqual({ summary: 'ESH6: 2 -> 5 at 5000', kind: 'to_update' });
    expect(changes).toEqual([{ field: 'position', before: '2', after: '5' }]);
    const nameless = { ...spy, localSymbol: '', symbol: 'SPY' };
    const made = positionAction(told('5', nameless), undefined, 9, 'POSITION_MISMATCH', 'adopted');
    expect(made.summary).toBe('SPY: nothing -> 5 at 250000; adopted');
    expect(made.kind).toBe('to_insert');
  });

  it('keeps the stamp, so that the next word of the streamer wins', () => {
    const [write] = positionAction(told('5'), stored, 9, 'POSITION_MISMATCH', '').writes;
    expect(write).toMatchObject({ expectedVersion: 1, body: { position: '5', stamp: stored?.body.stamp } });
    const [fresh] = positionAction(told('5'), undefined, 9, 'POSITION_MISMATCH', '').writes;
    expect(fresh).toMatchObject({ expectedVersion: 0, body: { stamp: { epoch: 9, seq: 0 } } });
  });
});
