/** What a streamer tells in the moment in which it tells it, beside what was so. */
import type { EventData } from '../../../lib/events/catalogue.ts';
import type { Envelope } from '../../../lib/events/envelope.ts';
import type { StreamerProcess } from '../world/streamer.ts';
import type { World } from '../world/world.ts';
import type { Witness } from './witness.ts';

/** A word may be on its way for so long: behind a stalled link, and in an outbox that does not append. */
const oldMsMax = 180_000;
/** The grace, the broker's time twice a minute, and a link that stalls. */
const closeMsMax = 150_000;
/** Where nothing has held the streamer up since the bar was over. */
const calmCloseMsMax = 75_000;
const sixHoursMs = 6 * 3_600_000;

export function checkTold(witness: Witness, process: StreamerProcess, event: Envelope): void {
  if (event.type === 'position.changed') checkPosition(witness, process, event.data);
  if (event.type === 'candle.completed' || event.type === 'candle.corrected') {
    const { startMs, sessionDate, source, partial, intervalMs } = event.data;
    const at = new Date(startMs).toISOString();
    const overMs = startMs + intervalMs;
    const lateMs = witness.world.time.nowMs - overMs;
    const lateMsMax = isCalmSince(witness.world, process, overMs) ? calmCloseMsMax : closeMsMax;
    if (event.type === 'candle.completed' && source === 'live' && !partial && lateMs > lateMsMax)
      witness.broken('candles', `${at} was over for ${lateMs} ms when it was told; ${lateMsMax} are allowed`);
    const date = dateInNewYork(startMs + sixHoursMs);
    if (sessionDate !== date)
      witness.broken('candles', `${at} is of the session ${date}, not of ${sessionDate}`);
  }
}

/** Its machine, its link and its disk were as they should be. */
function isCalmSince({ gateway, config }: World, process: StreamerProcess, ms: number): boolean {
  const { connection, slowMs } = gateway;
  return (
    process.frozenUntilMs < ms &&
    connection !== undefined &&
    connection.openedMs < ms &&
    connection.stalledUntilMs < ms &&
    slowMs === 0 &&
    // Without room in its outbox it holds the market back.
    config.outbox.maxEvents > 100
  );
}

/** It is, or was a moment ago, what the broker holds; and no size comes behind one that it had later. */
function checkPosition(
  witness: Witness,
  process: StreamerProcess,
  { contract: { conId }, position }: EventData<'position.changed'>,
): void {
  const { gateway, time } = witness.world;
  if (gateway.isUnloadedSince(time.nowMs - oldMsMax)) return;
  const place = `${process.name} ${conId}`;
  const sizes = witness.holdings.of(conId);
  // The last one that was over before then was still held at that time.
  const first = sizes.findLastIndex(({ atMs }) => atMs < time.nowMs - oldMsMax);
  const toldBefore = witness.toldSizes.get(place) ?? 0;
  const at = sizes.findIndex(({ size }, index) => index >= Math.max(first, toldBefore) && size.eq(position));
  if (at >= 0) witness.toldSizes.set(place, at);
  else
    witness.broken(
      'failed-query',
      `a position of ${position} was told; the broker has ${sizes.at(-1)?.size.toFixed()}, and had no such size since what was told before`,
    );
}

/** From 18:00 in New York on it is the next day's session. */
function dateInNewYork(ms: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/New_York' }).format(ms);
}

/** What people are to hear of a run: whatever is HIGH or worse. */
export function checkDiscrepanciesTold({ witness }: World): void {
  for (const { detail } of witness.busEvents) {
    if (detail.type !== 'discrepancy.opened') continue;
    const { discrepancyId, severity } = detail.data;
    if (severity !== 'HIGH' && severity !== 'CRITICAL') continue;
    if (!witness.toldAlerts.has(`discrepancy_opened ${discrepancyId}`))
      witness.broken('alert-told', `${discrepancyId} is ${severity}, and nobody was told`);
  }
}
