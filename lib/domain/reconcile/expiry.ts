/** Whether a contract has had its last day, by the market's clock where it trades. */
import type { Instrument } from '../market/instrument.ts';
import { localDate, resolveTimeZone } from '../market/time-zones.ts';
import type { TradedContract } from '../orders/contract.ts';

/**
 * `over`: its last trade date has passed. `last-day`: it ends today, and may have ended already. `none`: it goes on, or
 * has no end. A month without a day is over when the month is.
 */
export function expiryOf(
  { lastTradeDate }: TradedContract,
  instrument: Instrument | undefined,
  marketMs: number,
): 'over' | 'last-day' | 'none' {
  const last = /^\d{6}(\d\d)?/.exec(lastTradeDate)?.[0] ?? '';
  if (last === '') return 'none';
  const zone = resolveTimeZone(instrument?.timeZone ?? '') ?? 'UTC';
  const today = localDate(marketMs, zone).replaceAll('-', '').slice(0, last.length);
  if (last < today) return 'over';
  return last === today && last.length === 8 ? 'last-day' : 'none';
}
