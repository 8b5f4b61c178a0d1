import { type ContractDetails, SecType } from '@stoqey/ib';
import { describe, expect, it } from 'vitest';
import { choose } from '../../../streamer/contract-query.ts';

const lotOf = (secType: SecType, sizeIncrement: number | undefined) => {
  const contract = { conId: 17, symbol: 'X', secType, exchange: 'SMART', currency: 'USD' };
  const details = { contract, minTick: 0.01, ...(sizeIncrement === undefined ? {} : { sizeIncrement }) };
  return choose('X', [details as ContractDetails], 0, 0)?.lotSize;
};

describe('the lot of a contract', () => {
  it('is the step that IB tells, and left out where that is 1 or nothing', () => {
    expect(lotOf(SecType.STK, 100)).toBe('100');
    expect(lotOf(SecType.FUT, 1)).toBeUndefined();
    expect(lotOf(SecType.FUT, undefined)).toBeUndefined();
    expect(lotOf(SecType.FUT, 0)).toBeUndefined();
  });

  it('is whole where the API takes no fractions, and exact for coins', () => {
    expect(lotOf(SecType.STK, 0.0001)).toBeUndefined();
    expect(lotOf(SecType.CRYPTO, 0.0001)).toBe('0.0001');
    expect(lotOf(SecType.CRYPTO, 1e-8)).toBe('0.00000001');
  });
});
