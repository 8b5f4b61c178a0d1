import type { StreamerConfig } from './schema.ts';

/** Whether IB Gateway runs beside the streamer, in the same task, rather than as a machine of yours. */
export function gatewayIsBeside({ gateway: { host } }: Pick<StreamerConfig, 'gateway'>): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '::1';
}
