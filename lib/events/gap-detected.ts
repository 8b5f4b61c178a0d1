import * as z from 'zod';
import { conId, symbol, timeMs } from './fields.ts';

/** The span that all three gap events share. */
export const gapFields = {
  gapId: z.string().min(1).describe('Names the gap; the same in detected, filled and abandoned'),
  conId,
  symbol,
  fromMs: timeMs.describe('Start of the first missing bar; Unix milliseconds, UTC'),
  toMs: timeMs.describe('End of the last missing bar, exclusive; Unix milliseconds, UTC'),
};

/** Bars may be missing; backfill has been asked for. */
export const gapDetected = z.object({
  ...gapFields,
  reason: z
    .enum([
      'start',
      'restart',
      'disconnected',
      'connectivity-lost',
      'farm-down',
      'volume-jump',
      'competing-session',
      'subscription-lost',
      'stale',
      'ticks-dropped',
    ])
    .describe('Why prints may be missing'),
});
