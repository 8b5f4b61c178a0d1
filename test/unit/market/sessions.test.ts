import { describe, expect, it } from 'vitest';
import { alwaysOpen, createCalendar, openThroughout } from '../../../lib/domain/market/sessions.ts';

const at = (iso: string) => Date.parse(iso);

describe('session calendar', () => {
  const week = '20260108:1800-20260109:1700;20260110:CLOSED;20260111:1800-20260112:1700';
  const calendar = createCalendar(week, 'US/Eastern');

  it.each([
    ['2026-01-08T22:59:59.999Z', 'unknown'],
    ['2026-01-08T23:00:00.000Z', 'open'],
    ['2026-01-09T21:59:59.999Z', 'open'],
    ['2026-01-09T22:00:00.000Z', 'closed'],
    ['2026-01-10T12:00:00.000Z', 'closed'],
    ['2026-01-11T22:59:59.999Z', 'closed'],
    ['2026-01-11T23:00:00.000Z', 'open'],
    ['2026-01-12T21:59:59.999Z', 'open'],
    ['2026-01-12T22:00:00.000Z', 'unknown'],
  ])('at %s it is %s', (iso, state) => {
    expect(calendar.stateAt(at(iso))).toBe(state);
  });

  it('asked in any order it answers the same', () => {
    const times = [
      '2026-01-12T10:00Z',
      '2026-01-08T23:30Z',
      '2026-01-10T00:00Z',
      '2026-01-12T10:00Z',
      '2020-01-01T00:00Z',
    ];
    expect(times.map((iso) => calendar.stateAt(at(iso)))).toEqual([
      'open',
      'open',
      'closed',
      'open',
      'unknown',
    ]);
  });

  it('says when its answer changes next', () => {
    const changes: string[] = [];
    for (let ms = 0; ; ) {
      ms = calendar.nextChange(ms);
      if (ms === Number.POSITIVE_INFINITY) break;
      changes.push(new Date(ms).toISOString().slice(0, 16));
    }
    expect(changes).toEqual(['2026-01-08T23:00', '2026-01-09T22:00', '2026-01-11T23:00', '2026-01-12T22:00']);
  });

  it('dates a session by the local date on which it ends; closed hours belong to the one before', () => {
    const dates = [
      '2026-01-08T23:00Z',
      '2026-01-09T21:59Z',
      '2026-01-10T12:00Z',
      '2026-01-11T22:59Z',
      '2026-01-11T23:00Z',
    ];
    expect(dates.map((iso) => calendar.sessionDateAt(at(iso)))).toEqual([
      '2026-01-09',
      '2026-01-09',
      '2026-01-09',
      '2026-01-09',
      '2026-01-12',
    ]);
  });

  it('dates by the local day where the hours are unknown, without overlapping the known ones', () => {
    expect(calendar.sessionDateAt(at('2026-01-08T22:59Z'))).toBe('2026-01-08');
    expect(calendar.sessionSpanAt(at('2026-01-08T22:59Z')).toMs).toBe(at('2026-01-08T23:00Z'));
    expect(calendar.sessionDateAt(at('2026-01-13T04:59Z'))).toBe('2026-01-12');
    expect(calendar.sessionDateAt(at('2026-01-13T05:00Z'))).toBe('2026-01-13');
  });

  it('keeps two segments of one day together, the break between them closed', () => {
    const hongKong = createCalendar(
      '20260105:0915-20260105:1200;20260105:1300-20260105:1630',
      'Asia/Hong_Kong',
    );
    expect(hongKong.stateAt(at('2026-01-05T04:30Z'))).toBe('closed');
    expect(hongKong.stateAt(at('2026-01-05T05:00Z'))).toBe('open');
    expect(hongKong.sessionSpanAt(at('2026-01-05T02:00Z'))).toEqual(
      hongKong.sessionSpanAt(at('2026-01-05T06:00Z')),
    );
  });

  it('joins an evening that is only cut at midnight to the session of the next day', () => {
    const cut = createCalendar('20260104:1800-20260105:0000;20260105:0000-20260105:1700', 'US/Eastern');
    expect(cut.sessionDateAt(at('2026-01-04T23:30Z'))).toBe('2026-01-05');
    expect(openThroughout(cut, at('2026-01-05T04:59Z'), at('2026-01-05T05:01Z'))).toBe(true);
  });

  it('keeps whole days one after the other apart, as crypto has them', () => {
    const crypto = createCalendar('20260105:0000-20260106:0000;20260106:0000-20260107:0000', 'UTC');
    expect(crypto.sessionDateAt(at('2026-01-05T23:59:59.999Z'))).toBe('2026-01-05');
    expect(crypto.sessionDateAt(at('2026-01-06T00:00Z'))).toBe('2026-01-06');
    expect(openThroughout(crypto, at('2026-01-05T12:00Z'), at('2026-01-06T12:00Z'))).toBe(true);
    expect(openThroughout(crypto, at('2026-01-06T12:00Z'), at('2026-01-07T00:01Z'))).toBe(false);
  });

  it('reads overlapping and repeated segments as one', () => {
    const twice = createCalendar(
      '20260105:0930-20260105:1600;20260105:0930-20260105:1600;20260105:1500-20260105:1700',
      'UTC',
    );
    expect(twice.nextChange(at('2026-01-05T09:30Z'))).toBe(at('2026-01-05T17:00Z'));
    expect(twice.problems).toEqual([]);
  });

  it('reads the form of older gateways: no date at the end, a comma between the segments of a day', () => {
    const old = createCalendar('20260105:0700-1830,1830-0200;20260106:CLOSED', 'EST (Eastern Standard Time)');
    expect(old.timeZone).toBe('America/New_York');
    expect(old.problems).toEqual([]);
    expect(openThroughout(old, at('2026-01-05T12:00Z'), at('2026-01-06T07:00Z'))).toBe(true);
    expect(old.stateAt(at('2026-01-06T07:00Z'))).toBe('closed');
  });

  it.each([
    ['MET', '2026-01-05T08:00Z'],
    ['GB-Eire', '2026-01-05T09:00Z'],
    ['US/Central', '2026-01-05T15:00Z'],
    ['Japan', '2026-01-05T00:00Z'],
    ['JST', '2026-01-05T00:00Z'],
    ['CST', '2026-01-05T15:00Z'],
    ['', '2026-01-05T09:00Z'],
  ])('knows the zone %j', (zone, opens) => {
    expect(createCalendar('20260105:0900-20260105:1500', zone).nextChange(0)).toBe(at(opens));
  });

  it('takes 24:00 for the next midnight, and no time after it', () => {
    const day = createCalendar('20260105:0900-20260105:2400;20260107:0900-20260107:2401', 'UTC');
    expect(day.nextChange(at('2026-01-05T09:00Z'))).toBe(at('2026-01-06T00:00Z'));
    expect(day.problems).toHaveLength(1);
  });

  it('says what it cannot read, and keeps the rest', () => {
    const partly = createCalendar(
      '20260105:0900-20260105:1500;garbage;20261305:0900-20261305:1000;20260106:2500-20260106:2600',
      'UTC',
    );
    expect(partly.stateAt(at('2026-01-05T10:00Z'))).toBe('open');
    expect(partly.problems).toHaveLength(3);
    expect(partly.problems[0]).toContain('"garbage"');
    const nowhere = createCalendar('20260105:0900-20260105:1500', 'Mars/Olympus');
    expect(nowhere.stateAt(at('2026-01-05T10:00Z'))).toBe('unknown');
    expect(nowhere.sessionDateAt(at('2026-01-05T10:00Z'))).toBe('2026-01-05');
    expect(nowhere.problems[0]).toContain('Mars/Olympus');
  });

  it('without hours everything is unknown; the calendar that is always open knows no change', () => {
    expect(createCalendar('', 'UTC').stateAt(at('2026-01-05T10:00Z'))).toBe('unknown');
    expect(createCalendar('', 'UTC').nextChange(0)).toBe(Number.POSITIVE_INFINITY);
    expect(alwaysOpen().stateAt(0)).toBe('open');
    expect(alwaysOpen().nextChange(0)).toBe(Number.POSITIVE_INFINITY);
    expect(alwaysOpen('Asia/Tokyo').sessionDateAt(at('2026-01-05T15:00Z'))).toBe('2026-01-06');
  });
});
