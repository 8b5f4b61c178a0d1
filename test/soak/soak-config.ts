/** The streamer's configuration in the soak: the defaults, but for what is written here. */
import { resetWindow } from './week.ts';

export { account } from '../helpers/orders-out.ts';

/** The streamer's own client, which is told of all orders. */
export const masterClientId = 1;

/** @param calm the lease and the heartbeat are renewed less often: most of what a quiet hour of simulated time costs */
export function soakConfig({ calm }: { calm: boolean }): string {
  return `stage: sandbox
streamers:
  - name: main
    account: DU1234567
    symbols: [ES]
    health: { port: 0 }
resetWindows:
  - { name: nightly, timeZone: America/New_York, days: [sun, mon, tue, wed, thu, fri, sat], from: '${resetWindow.from}', to: '${resetWindow.to}' }
  - { name: weekend, timeZone: America/New_York, days: [fri], from: '23:00', to: '03:00' }
# Prices of a generated tape walk where they like: what is traded here must not depend on how the day went.
risk: { maxDailyLoss: null, maxDrawdown: null, maxNotional: null }
${calm ? 'lease: { ttlMs: 60000, renewMs: 20000 }\nheartbeat: { everyMs: 30000 }\n' : ''}`;
}
