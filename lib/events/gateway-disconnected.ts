import * as z from 'zod';

/** The session with IB Gateway ended. */
export const gatewayDisconnected = z.object({
  reason: z.string().min(1).describe('One word of ours for the cause, for example `socket-closed`'),
  code: z.int().nullable().describe("IB's error code, or null when there was none"),
  message: z.string().describe("The gateway's or the socket's own text"),
});
