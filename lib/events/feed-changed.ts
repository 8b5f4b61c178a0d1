import * as z from 'zod';
import { conId, symbol } from './fields.ts';

const feedState = z.enum(['unknown', 'live', 'delayed', 'frozen', 'stale', 'lost']);

/** The market data of one instrument moved from one state to another. */
export const feedChanged = z.object({
  conId,
  symbol,
  from: feedState.describe('State before'),
  to: feedState.describe('State now; trading is refused on anything but `live`'),
  reason: z.string().describe('What made it move'),
});
