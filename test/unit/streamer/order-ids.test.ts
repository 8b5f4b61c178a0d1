import { expect, it } from 'vitest';
import { idAfter, requestIdsFrom } from '../../../streamer/gateway-errors.ts';

it('an order id of another program that lies among our requests moves no id of ours', () => {
  expect([0, 1, 41, requestIdsFrom - 2].map(idAfter)).toEqual([1, 2, 42, requestIdsFrom - 1]);
  // Some programs number their orders by the time.
  expect([requestIdsFrom - 1, requestIdsFrom, 1_767_711_600, 2 ** 31 - 1, Number.NaN].map(idAfter)).toEqual([
    0, 0, 0, 0, 0,
  ]);
});
