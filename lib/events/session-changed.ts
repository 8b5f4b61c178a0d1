import * as z from 'zod';

const sessionState = z.enum([
  'idle',
  'connecting',
  'ready',
  'degraded',
  'lost',
  'competing',
  'waiting-for-login',
  'safe-mode',
]);

/** The session supervisor moved from one state to another. */
export const sessionChanged = z.object({
  from: sessionState.describe('State before'),
  to: sessionState.describe('State now'),
  reason: z.string().describe('What made it move'),
});
