/** Last prices of the positions that the broker has. They are part of a run's evidence, and never decide about a change. */
import type { BrokerPicture } from '../domain/reconcile/types.ts';
import type { LastPrices } from '../ports/last-price.ts';
import { wordsOf } from './reconcile-error.ts';
import type { RunLog } from './run-log.ts';

/** A price from before a long weekend may still be the last one. */
const maxAgeMs = 5 * 24 * 3_600_000;
/** More than this is no list that a person reads; the rest have no price. */
const pricedMax = 100;
const atOnce = 10;

/** @returns by conId as text, those left out that have none or whose candles could not be read */
export async function readLastPrices(
  lastPrices: LastPrices | undefined,
  broker: BrokerPicture | null,
  log: RunLog,
): Promise<ReadonlyMap<string, string>> {
  const prices = new Map<string, string>();
  if (lastPrices === undefined || broker === null) return prices;
  // Candles are stamped by the market's clock.
  const toMs = broker.brokerTimeMs || broker.completedAtMs;
  const range = { fromMs: Math.max(0, toMs - maxAgeMs), toMs };
  const conIds = [...heldBy(broker)].sort((a, b) => a - b).slice(0, pricedMax);
  let problem = '';
  for (let from = 0; from < conIds.length && problem === ''; from += atOnce) {
    const read = conIds.slice(from, from + atOnce).map(async (conId) => {
      try {
        const price = await lastPrices.read(conId, range);
        if (price !== undefined) prices.set(String(conId), price);
      } catch (error) {
        problem = wordsOf(error);
      }
    });
    await Promise.all(read);
  }
  if (problem !== '') log.warn('prices are missing: the candles could not be read', { problem });
  return prices;
}

function heldBy({ positions }: BrokerPicture): ReadonlySet<number> {
  const held = positions.rows.filter(({ position }) => Number(position) !== 0);
  return new Set(held.map(({ contract }) => contract.conId));
}
