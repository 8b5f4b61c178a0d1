/**
 * Which contract a root such as `GC` means.
 *
 * The roll rule: the front month is the contract with the nearest last trade date that is at least N days away, N
 * from the configuration (`roll.daysBeforeExpiry`). Days are calendar days in the contract's own time zone. When no
 * contract is that far away the one that trades longest is taken, as long as its last trade date is not over.
 */
import type { Instrument } from './instrument.ts';
import { localDaySpan, resolveTimeZone } from './time-zones.ts';

const dayMs = 86_400_000;

type Expiring = Pick<Instrument, 'expiry' | 'timeZone' | 'conId'>;

/**
 * @param candidates contracts of one root, in any order; those without a readable `expiry` are left out
 * @param atMs market time, Unix ms UTC
 * @param daysBeforeExpiry 0 or more: 0 keeps a contract through its last trade date
 */
export function frontMonth<T extends Expiring>(
  candidates: readonly T[],
  atMs: number,
  daysBeforeExpiry: number,
): T | undefined {
  const live = candidates
    .map((contract) => ({ contract, days: daysToExpiry(contract, atMs) }))
    .filter(({ days }) => days >= 0)
    .sort((a, b) => a.days - b.days || a.contract.conId - b.contract.conId);
  const far = live.find(({ days }) => days >= daysBeforeExpiry);
  return (far ?? live.at(-1))?.contract;
}

/** Calendar days from the local date at `atMs` to the last trade date; negative after it, NaN without one. */
export function daysToExpiry(contract: Expiring, atMs: number): number {
  const found = /^(\d{4})(\d\d)(\d\d)/.exec(contract.expiry ?? '');
  if (!found) return Number.NaN;
  const zone = resolveTimeZone(contract.timeZone) ?? 'UTC';
  const today = Date.parse(localDaySpan(atMs, zone).date);
  return (Date.UTC(Number(found[1]), Number(found[2]) - 1, Number(found[3])) - today) / dayMs;
}
