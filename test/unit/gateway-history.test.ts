import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aggregate, wireBar } from '../../sandbox/gateway/bars.ts';
import { answerHistory, type HistoryRequest } from '../../sandbox/gateway/history.ts';
import { barSizeMs, durationMs, endMs, utcText, zonedText } from '../../sandbox/gateway/history-text.ts';
import { InstrumentState } from '../../sandbox/gateway/instrument-state.ts';
import { HistoryPacing } from '../../sandbox/gateway/pacing.ts';
import { loadTape, type Tape, type TapeRow, tapeFromRows } from '../../sandbox/tapes/tape.ts';
import { sharedDataDir, whenAbsent } from '../helpers/shared-data.ts';

const noon = Date.parse('2026-01-05T17:00:00Z');
const trade = (offset: number, price: string, size = '1'): TapeRow => ({
  timeMs: noon + offset,
  symbol: 'ESH6',
  price,
  size,
  kind: 'trade',
  line: 2,
});
function played(tape: Tape, count = Number.POSITIVE_INFINITY): InstrumentState {
  const state = new InstrumentState(tape.contracts[0]!, tape.rows);
  for (const row of tape.rows.slice(0, count)) state.update(row);
  return state;
}
const ask = (request: Partial<HistoryRequest>): HistoryRequest => ({
  id: 4,
  end: '',
  barSize: '1 min',
  duration: '1800 S',
  whatToShow: 'TRADES',
  formatDate: 2,
  keepUpToDate: false,
  ...request,
});
const fieldsOf = (answer: ReturnType<typeof answerHistory>) => {
  if ('code' in answer) throw new Error(`${answer.code} ${answer.text}`);
  return answer.message.split('\0').slice(0, -1);
};

describe('the text forms of historical requests', () => {
  it.each([
    ['1800 S', 1_800_000],
    ['86400 S', 86_400_000],
    ['2 D', 172_800_000],
    ['1 W', 604_800_000],
  ])('duration %s', (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });
  it.each(['86401 S', '0 S', '366 D', '1 M', '1 Y', '5', 'S', '1.5 D', '1  D', ''])(
    'duration %j is refused',
    (text) => {
      expect(typeof durationMs(text)).toBe('string');
    },
  );
  it.each([
    ['1 min', 60_000],
    ['5 mins', 300_000],
    ['1 secs', 1_000],
    ['1 hour', 3_600_000],
    ['1 day', 86_400_000],
    ['1 minute', undefined],
    ['7 mins', undefined],
  ])('bar size %s', (text, expected) => {
    expect(barSizeMs(text)).toBe(expected);
  });
  it.each([
    ['', noon],
    ['20260105-14:40:00', Date.parse('2026-01-05T14:40:00Z')],
    ['20260105 09:40:00 US/Eastern', Date.parse('2026-01-05T14:40:00Z')],
    ['20260105  09:40:00', Date.parse('2026-01-05T14:40:00Z')],
    ['20260705 09:40:00 Europe/Stockholm', Date.parse('2026-07-05T07:40:00Z')],
    ['20260105', undefined],
    ['20261305-14:40:00', undefined],
    ['20260105 09:40:00 Nowhere/Land', undefined],
    ['now', undefined],
  ])('end %j', (text, expected) => {
    expect(endMs(text, noon, 'US/Eastern')).toBe(expected);
  });
  it('dates in answers have a zone from server version 174 on', () => {
    expect(zonedText(noon, 'US/Eastern', 173)).toBe('20260105  12:00:00');
    expect(zonedText(noon, 'US/Eastern', 174)).toBe('20260105 12:00:00 US/Eastern');
    expect(utcText(noon)).toBe('20260105-17:00:00');
  });
});

describe('historical bars', () => {
  const rows = [
    trade(0, '100', '2'),
    trade(59_999, '101.25', '0'),
    trade(60_000, '99.5', '3'),
    trade(180_500, '100.75', '1'),
    trade(181_000, '100.5', '4'),
  ];
  const tape = tapeFromRows('test', rows);

  it('are cut by the floor of the minute, count size 0 prints, and a minute without trades has no row', () => {
    const fields = fieldsOf(answerHistory(ask({}), played(tape), 178, noon + 181_000));
    expect(fields.slice(0, 5)).toEqual([
      '17',
      '4',
      '20260105 11:33:01 US/Eastern',
      '20260105 12:03:01 US/Eastern',
      '3',
    ]);
    const second = noon / 1_000;
    expect(fields.slice(5)).toEqual([
      String(second),
      '100',
      '101.25',
      '100',
      '101.25',
      '2',
      '100',
      '2',
      String(second + 60),
      '99.5',
      '99.5',
      '99.5',
      '99.5',
      '3',
      '99.5',
      '1',
      String(second + 180),
      '100.75',
      '100.75',
      '100.5',
      '100.5',
      '5',
      '100.55',
      '2',
    ]);
  });

  it('hold only what was played, the forming bar last', () => {
    const fields = fieldsOf(answerHistory(ask({}), played(tape, 4), 178, noon + 180_500));
    expect(fields.slice(-7)).toEqual(['100.75', '100.75', '100.75', '100.75', '1', '100.75', '1']);
  });

  it('end before the end date, begin with a whole bar, and honour bar size and date form', () => {
    const state = played(tape);
    const until = fieldsOf(
      answerHistory(ask({ end: '20260105-17:03:00', duration: '90 S' }), state, 178, noon + 181_000),
    );
    // 17:01:30 lies in the bar of 17:01, which comes whole.
    expect([until[4], until[5]]).toEqual(['1', String(noon / 1_000 + 60)]);
    // A trade exactly at the end date belongs to the next bar.
    const first = fieldsOf(answerHistory(ask({ end: '20260105-17:01:00' }), state, 178, noon + 181_000));
    expect([first[4], first[5]]).toEqual(['1', String(noon / 1_000)]);
    const five = fieldsOf(
      answerHistory(ask({ barSize: '5 mins', formatDate: 1 }), state, 178, noon + 181_000),
    );
    expect(five.slice(4, 11)).toEqual([
      '1',
      '20260105 12:00:00 US/Eastern',
      '100',
      '101.25',
      '99.5',
      '100.5',
      '10',
    ]);
    const day = fieldsOf(
      answerHistory(ask({ barSize: '1 day', duration: '2 D' }), state, 178, noon + 181_000),
    );
    expect(day.slice(4, 7)).toEqual(['1', '20260105', '100']);
  });

  it('rows out of order are put in order of time', () => {
    const late = tapeFromRows('late', [
      trade(0, '100'),
      trade(61_000, '105'),
      trade(59_000, '90'),
      trade(61_500, '104'),
    ]);
    const bars = aggregate(played(late), noon, noon + 120_000, (timeMs) => timeMs - (timeMs % 60_000));
    expect(bars.map(({ open, close }) => [open, close])).toEqual([
      ['100', '90'],
      ['105', '104'],
    ]);
  });

  it('a gold evening belongs to the next trade date', () => {
    const evening = Date.parse('2013-10-07T22:30:00Z') - noon;
    const night = tapeFromRows('night', [
      { ...trade(evening - 7_200_000, '1'), symbol: 'GCZ3' },
      { ...trade(evening, '2'), symbol: 'GCZ3' },
      { ...trade(evening + 7_200_000, '3'), symbol: 'GCZ3' },
    ]);
    // The pauses are longer than 45 minutes: three derived sessions, the last of them on the 7th in New York, 20:30.
    const day = fieldsOf(
      answerHistory(
        ask({ barSize: '1 day', duration: '2 D' }),
        played(night),
        178,
        noon + evening + 7_200_000,
      ),
    );
    expect(day.slice(4, 6)).toEqual(['1', '20131007']);
    const told = {
      ...night,
      contracts: [
        { ...night.contracts[0]!, tradingHours: '20131006:1800-20131007:1715;20131007:1800-20131008:1715' },
      ],
    };
    const two = fieldsOf(
      answerHistory(
        ask({ barSize: '1 day', duration: '2 D' }),
        played(told),
        178,
        noon + evening + 7_200_000,
      ),
    );
    expect([two[4], two[5], two[13]]).toEqual(['2', '20131007', '20131008']);
  });

  it.each([
    [ask({ end: '20260104-00:00:00' }), 162, 'HMDS query returned no data: ESH6@CME Trades'],
    [ask({ barSize: '7 mins' }), 321, 'bar size setting is invalid'],
    [ask({ duration: '1 Y' }), 321, 'S, D and W'],
    [ask({ whatToShow: 'BID_ASK' }), 321, 'TRADES only'],
    [ask({ end: 'yesterday' }), 10314, 'yyyymmdd hh:mm:ss'],
    [ask({ end: '20260105-17:03:00', keepUpToDate: true }), 321, 'keepUpToDate'],
  ])('%o is answered by error %i', (request, code, text) => {
    const answer = answerHistory(request, played(tape), 178, noon + 181_000);
    expect(answer).toMatchObject({ code, text: expect.stringContaining(text) });
  });
});

describe('pacing', () => {
  it('an identical request within 15 seconds, over all clients', () => {
    const pacing = new HistoryPacing();
    expect(pacing.violates('a', 'ES', 0)).toBe(false);
    expect(pacing.violates('a', 'ES', 14_999)).toBe(true);
    expect(pacing.violates('a', 'ES', 15_000)).toBe(false);
  });
  it('the seventh for one contract within two seconds; another contract is free', () => {
    const pacing = new HistoryPacing();
    for (let index = 0; index < 6; index += 1) expect(pacing.violates(`a${index}`, 'ES', index)).toBe(false);
    expect(pacing.violates('a6', 'ES', 1_999)).toBe(true);
    expect(pacing.violates('b', 'NQ', 1_999)).toBe(false);
    expect(pacing.violates('a7', 'ES', 2_000)).toBe(false);
  });
  it('the sixty-first within ten minutes', () => {
    const pacing = new HistoryPacing();
    for (let index = 0; index < 60; index += 1) {
      expect(pacing.violates(`a${index}`, `C${index}`, index * 1_000)).toBe(false);
    }
    expect(pacing.violates('b', 'D', 599_999)).toBe(true);
    expect(pacing.violates('b', 'D', 600_000)).toBe(false);
    expect(pacing.violations).toBe(1);
  });
  it('forced violations count down, also where pacing is off', () => {
    const pacing = new HistoryPacing();
    pacing.force(2);
    expect([pacing.violates('a', 'ES', 0), pacing.violatesForced(), pacing.violatesForced()]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe.skipIf(sharedDataDir === undefined)(`real gold tapes (${whenAbsent} when skipped)`, () => {
  it.each(['GCZ3_2013-10-07', 'GCZ3_2013-10-08'])(
    "every historical bar of %s equals the vendor's",
    async (day) => {
      const state = played(await loadTape(join(sharedDataDir!, `ticks/${day}.ticks.csv.gz`)));
      const bars = aggregate(state, 0, Number.MAX_SAFE_INTEGER, (timeMs) => timeMs - (timeMs % 60_000));
      const ours = bars.map((bar) => {
        const { time, open, high, low, close, volume } = wireBar(bar, bar.startMs, state);
        return [time, open, high, low, close, volume].map(Number).join(',');
      });
      const vendor = readFileSync(join(sharedDataDir!, `ticks/${day}.bars_1m.csv`), 'utf8')
        .trim()
        .split('\n')
        .slice(1);
      expect(ours).toEqual(vendor.map((line) => line.split(',').map(Number).join(',')));
    },
  );
});
