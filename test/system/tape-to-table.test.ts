import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generateTape, writeTape } from '../../sandbox/tapes/generate.ts';
import { cleanFolders, scratchFolder, untilSettled, withDesk } from '../helpers/desk-runs.ts';
import { aggregateTape, compareCandles, type ReferenceBars, vendorBars } from '../helpers/reference-bars.ts';
import { sharedDataDir, whenAbsent } from '../helpers/shared-data.ts';

/**
 * The main job on the whole way: gateway over TCP, @stoqey/ib, streamer, outbox, EventBridge, rule, Lambda, DynamoDB.
 * What stands in the table is read with plain SDK calls and compared with bars that share no code with the product.
 * `EVENKEEL_PROOF=1` plays both real days; the suite one, and both through the candle builder alone (unit/market/replay).
 */
const isProof = process.env.EVENKEEL_PROOF === '1';
const realDays = [['2013-10-07', 1_314] as const, ...(isProof ? [['2013-10-08', 1_377] as const] : [])];

async function tapeToTable(tape: string, reference: ReferenceBars): Promise<void> {
  const folder = scratchFolder();
  await withDesk({ tape, speed: 'max', dataDir: folder }, async (desk) => {
    await untilSettled(desk, 180_000);
    const gateway = await desk.gatewayStatus();
    const stats = await desk.streamerStats();
    const found = compareCandles(await desk.candles(), reference);

    expect(found).toMatchObject({
      bars: reference.size,
      exact: reference.size,
      missing: [],
      extra: [],
      different: [],
      partial: 0,
    });
    expect(stats?.marketData.buffer).toMatchObject({ droppedQuotes: 0, droppedTrades: 0, expired: 0 });
    expect(stats?.outbox).toMatchObject({ depth: 0, rejected: 0, dead: 0 });
    expect(desk.cloud.stats().deliveries).toMatchObject({ deadLettered: 0, dropped: 0 });
    expect(stats?.listenerFaults).toBe(0);
    expect(gateway?.ticksUnseen).toBe(0);
  });
}

afterAll(cleanFolders);

describe('tape to table', () => {
  it('a generated tape: every bar of the tape is in the table, exact, and nothing else', async () => {
    const tape = join(scratchFolder(), 'generated.csv');
    await writeTape(tape, generateTape({ seed: 7, minutes: isProof ? 240 : 120, ticksPerMinute: 60 }));
    const { bars, rows } = await aggregateTape(tape);
    expect(rows).toBeGreaterThan(5_000);
    await tapeToTable(tape, bars);
  });

  for (const [day, count] of realDays) {
    const title = `the gold tape of ${day}: ${count} of ${count} bars of the vendor, nothing dropped, nothing extra`;
    it.skipIf(sharedDataDir === undefined)(sharedDataDir ? title : `${title} (${whenAbsent})`, async () => {
      const tape = join(sharedDataDir!, 'ticks', `GCZ3_${day}.ticks.csv.gz`);
      const reference = await vendorBars(join(sharedDataDir!, 'ticks', `GCZ3_${day}.bars_1m.csv`));
      expect(reference.size).toBe(count);
      await tapeToTable(tape, reference);
    });
  }
});
