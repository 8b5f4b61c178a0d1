/** Trading hours as IB writes them, read into instants: which trade date a time belongs to. */
import { Temporal } from 'temporal-polyfill';
import type { TapeContract } from '../tapes/contracts.ts';
import { dateText } from './history-text.ts';

interface TradingSession {
  readonly startMs: number;
  readonly endMs: number;
  /** `yyyymmdd`: the date on which the session ends, which for futures is the trade date. */
  readonly date: string;
}

/** The sessions of a contract, in order; closed days have none. */
export function sessionsOf(contract: Pick<TapeContract, 'tradingHours' | 'timeZone'>): TradingSession[] {
  const sessions: TradingSession[] = [];
  for (const part of contract.tradingHours.split(';')) {
    const match = /^(\d{8}):(\d{4})-(\d{8}):(\d{4})$/.exec(part);
    if (match === null) continue;
    const [, startDate, startTime, endDate, endTime] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    sessions.push({
      startMs: instant(startDate, startTime, contract.timeZone),
      endMs: instant(endDate, endTime, contract.timeZone),
      date: endDate,
    });
  }
  return sessions.sort((a, b) => a.startMs - b.startMs);
}

function instant(date: string, time: string, timeZone: string): number {
  const iso = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${time.slice(0, 2)}:${time.slice(2)}`;
  return Temporal.PlainDateTime.from(iso).toZonedDateTime(timeZone).epochMilliseconds;
}

/** The trade date of a time: that of its session, else the calendar date in the contract's zone. */
export function tradeDate(timeMs: number, sessions: readonly TradingSession[], timeZone: string): string {
  const session = sessions.find((one) => timeMs >= one.startMs && timeMs < one.endMs);
  if (session !== undefined) return session.date;
  return dateText(Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone));
}
