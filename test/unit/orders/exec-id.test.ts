import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillKey, parseExecId } from '../../../lib/domain/orders/exec-id.ts';
import { keyOfPermId, keyWithoutPermId, permIdOfKey } from '../../../lib/domain/orders/order-key.ts';
import { syntheticExecId } from '../../../lib/domain/orders/synthetic-fill.ts';

describe('execId', () => {
  it.each([
    ['0000e0d5.67fe667b.01.01', '0000e0d5.67fe667b.01', 1],
    ['0000e0d5.67fe667b.01.02', '0000e0d5.67fe667b.01', 2],
    ['0000e0d5.67fe667b.01.12', '0000e0d5.67fe667b.01', 12],
    ['a.00', 'a', 0],
    // without a revision the id is its own base
    ['F-123', 'F-123', 0],
    ['0000e0d5.67fe667b', '0000e0d5.67fe667b', 0],
    ['0000e0d5.67123456', '0000e0d5.67123456', 0],
    ['a.', 'a.', 0],
    ['.01', '.01', 0],
    ['a.1b', 'a.1b', 0],
  ])('%s is %s at revision %i', (execId, execBase, revision) => {
    expect(parseExecId(execId)).toEqual({ execBase, revision });
  });

  it('keys are in the order of revisions', () => {
    expect(fillKey({ execBase: 'a', revision: 2 }) < fillKey({ execBase: 'a', revision: 10 })).toBe(true);
  });

  it('a synthetic id is a base of its own, whatever its parts are', () => {
    const name = fc.record({
      account: fc.string(),
      conId: fc.nat(),
      orderKey: fc.string(),
      quantity: fc.constantFrom('1', '0.25', '3.01'),
      cumulativeQuantity: fc.constantFrom('4', '3.02'),
    });
    fc.assert(
      fc.property(name, name, (a, b) => {
        const id = syntheticExecId(a);
        expect(parseExecId(id)).toEqual({ execBase: id, revision: 0 });
        expect(id).not.toContain('#');
        expect(syntheticExecId(b) === id).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 200 },
    );
  });
});

describe('order keys', () => {
  it('a permId can be read back from the key that was made of it, and from no other', () => {
    expect(permIdOfKey(keyOfPermId(900100))).toBe(900100);
    expect(permIdOfKey(keyWithoutPermId(7, 13, 4))).toBeUndefined();
    for (const key of ['', 'P', 'P0', 'P12x', 'PARENT', 'p12', 'P-3'])
      expect(permIdOfKey(key)).toBeUndefined();
  });
});
