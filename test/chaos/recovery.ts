import type { Sandbox } from './sandbox.ts';
import type { Trial } from './trial.ts';

/**
 * Waits until orders leave again, with a person who clears the safe mode when a run of reconcile failed meanwhile: nothing
 * else does. Others do not trade for so long, because what is on its way is a difference to a run.
 */
export async function untilTrading(
  sandbox: Sandbox,
  trial: Trial,
  mostMs: number,
  sinceMs = performance.now(),
): Promise<void> {
  const { watch, traffic } = sandbox;
  let cleared = 0;
  traffic.isCalm = true;
  try {
    let tookMs: number | undefined;
    while (performance.now() - sinceMs < mostMs && tookMs === undefined) {
      if (watch.now.safeMode) {
        cleared += 1;
        await sandbox.clearSafeMode().catch(() => undefined);
        sandbox.fire('reconcile-main');
      }
      tookMs = await watch.until((now) => now.trading, 500, sinceMs);
    }
    if (cleared > 0) trial.note('safe mode, cleared by a person', String(cleared));
    trial.expectWithin('trading again', tookMs, mostMs);
    if (tookMs === undefined) trial.note('what locks it', watch.now.reason);
  } finally {
    traffic.isCalm = false;
  }
}
