/** Historical bars (request 20) from what the tape has played so far. */
import { aggregate, type Bar, wireBar } from './bars.ts';
import { historicalData } from './encode-market.ts';
import { barSizeMs, barSizeNames, durationMs, endMs, zonedText } from './history-text.ts';
import type { InstrumentState } from './instrument-state.ts';
import { sessionsOf, tradeDate } from './sessions.ts';

export interface HistoryRequest {
  readonly id: number;
  readonly end: string;
  readonly barSize: string;
  readonly duration: string;
  readonly whatToShow: string;
  readonly formatDate: number;
  readonly keepUpToDate: boolean;
}

export interface HistoryAnswer {
  readonly message: string;
  /** For keepUpToDate: how later bars are cut and written, and the last one so far. */
  readonly form: {
    readonly startOf: (timeMs: number) => number;
    readonly timeOf: (startMs: number) => number | string;
    readonly bar: Bar | undefined;
  };
}

export interface HistoryFault {
  readonly code: number;
  readonly text: string;
}

const badEnd =
  'End Date/Time: The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xx/xxxx' +
  ' where yyyymmdd and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern. Note that there is a space between' +
  ' the date and time, and between the time and time-zone. If no date is specified, current date is assumed. If no' +
  ' time-zone is specified, local time-zone is assumed(deprecated). You can also provide yyyymmddd-hh:mm:ss time is' +
  ' in UTC. Note that there is a dash between the date and time in UTC notation.';

/** Answers a request, or says which error the gateway sends. `tapeMs` is now. */
export function answerHistory(
  request: HistoryRequest,
  state: InstrumentState,
  serverVersion: number,
  tapeMs: number,
): HistoryAnswer | HistoryFault {
  const { contract } = state;
  const sizeMs = barSizeMs(request.barSize);
  const refused = (cause: string): HistoryFault => ({
    code: 321,
    text: `Error validating request.-'bU' : cause - ${cause}`,
  });
  if (sizeMs === undefined) {
    return refused(
      `Historical data bar size setting is invalid. Legal ones are: ${barSizeNames.join(', ')}.`,
    );
  }
  if (request.whatToShow !== 'TRADES') {
    return refused(`${request.whatToShow}: the simulated gateway has historical bars of TRADES only.`);
  }
  const duration = durationMs(request.duration);
  if (typeof duration === 'string') return refused(duration);
  if (request.keepUpToDate && request.end !== '') {
    return refused('End date/time is not supported with keepUpToDate.');
  }
  const end = endMs(request.end, tapeMs + 1, contract.timeZone);
  if (end === undefined) return { code: 10314, text: badEnd };

  const daily = sizeMs === barSizeMs('1 day');
  const sessions = daily ? sessionsOf(contract) : [];
  const dateOf = (timeMs: number) => tradeDate(timeMs, sessions, contract.timeZone);
  const startOf = daily
    ? (timeMs: number) => dayStart(dateOf(timeMs))
    : (timeMs: number) => timeMs - (timeMs % sizeMs);
  const timeOf = (startMs: number) => {
    if (daily) return new Date(startMs).toISOString().slice(0, 10).replaceAll('-', '');
    return request.formatDate === 2 ? startMs / 1_000 : zonedText(startMs, contract.timeZone, serverVersion);
  };
  const from = end - duration;
  const bars = aggregate(state, daily ? from : from - (from % sizeMs), end, startOf);
  if (bars.length === 0) {
    return {
      code: 162,
      text: `Historical Market Data Service error message:HMDS query returned no data: ${contract.localSymbol}@${contract.exchange} Trades`,
    };
  }
  return {
    message: historicalData({
      id: request.id,
      start: zonedText(from, contract.timeZone, serverVersion),
      end: zonedText(end, contract.timeZone, serverVersion),
      bars: bars.map((bar) => wireBar(bar, timeOf(bar.startMs), state)),
    }),
    form: { startOf, timeOf, bar: bars.at(-1) },
  };
}

/** Daily bars are keyed by their date: midnight UTC of it. */
const dayStart = (date: string) =>
  Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6, 8)));
