import * as z from 'zod';

/** The session with IB Gateway is up: handshake, accounts and next order id have come. */
export const gatewayConnected = z.object({
  host: z.string().min(1).describe('Host of the gateway'),
  port: z.int().min(1).max(65_535).describe('Port of the gateway'),
  clientId: z.int().nonnegative().describe('API client id of this session'),
  serverVersion: z.int().nonnegative().describe('Protocol version that was agreed on'),
  accounts: z.array(z.string().min(1)).readonly().describe('Accounts that the gateway manages'),
});
