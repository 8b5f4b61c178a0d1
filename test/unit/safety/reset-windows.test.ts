import { describe, expect, it } from 'vitest';
import {
  activeResetWindow,
  lastWeeklyLogin,
  type ResetWindow,
} from '../../../lib/domain/safety/reset-windows.ts';

const nightly: ResetWindow = {
  name: 'north-america',
  timeZone: 'America/New_York',
  days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri'],
  from: '00:15',
  to: '01:45',
};
const weekend: ResetWindow = {
  name: 'weekend',
  timeZone: 'America/New_York',
  days: ['fri'],
  from: '23:00',
  to: '03:00',
};
const at = (iso: string): string | undefined =>
  activeResetWindow([nightly, weekend], Date.parse(iso))?.window.name;

describe('reset windows', () => {
  it('begin and end at local times, the end excluded', () => {
    expect(at('2026-01-07T05:14:59.999Z')).toBeUndefined();
    expect(at('2026-01-07T05:15:00Z')).toBe('north-america');
    expect(at('2026-01-07T06:44:59.999Z')).toBe('north-america');
    expect(at('2026-01-07T06:45:00Z')).toBeUndefined();
  });

  it('span midnight: Friday 23:00 to Saturday 03:00', () => {
    expect(at('2026-01-10T04:00:00Z')).toBe('weekend');
    expect(at('2026-01-10T07:59:00Z')).toBe('weekend');
    expect(at('2026-01-10T08:00:00Z')).toBeUndefined();
  });

  it('follow daylight saving time: an hour earlier in UTC in summer', () => {
    expect(at('2026-07-08T04:15:00Z')).toBe('north-america');
    expect(at('2026-07-08T05:50:00Z')).toBeUndefined();
  });

  it('tell when they end', () => {
    expect(activeResetWindow([weekend], Date.parse('2026-01-10T05:00:00Z'))?.endMs).toBe(
      Date.parse('2026-01-10T08:00:00Z'),
    );
  });
});

describe('weekly login', () => {
  const login = { timeZone: 'America/New_York', day: 'sun', time: '01:00' } as const;
  const last = (iso: string): string => new Date(lastWeeklyLogin(login, Date.parse(iso))).toISOString();

  it('is the last Sunday at 01:00 in New York, winter and summer', () => {
    expect(last('2026-01-14T12:00:00Z')).toBe('2026-01-11T06:00:00.000Z');
    expect(last('2026-07-15T12:00:00Z')).toBe('2026-07-12T05:00:00.000Z');
  });

  it('changes exactly at that moment', () => {
    expect(last('2026-01-11T05:59:59.999Z')).toBe('2026-01-04T06:00:00.000Z');
    expect(last('2026-01-11T06:00:00Z')).toBe('2026-01-11T06:00:00.000Z');
  });

  it('keeps 01:00 on the Sundays on which the clocks change', () => {
    expect(last('2026-03-08T12:00:00Z')).toBe('2026-03-08T06:00:00.000Z');
    expect(last('2026-11-01T12:00:00Z')).toBe('2026-11-01T05:00:00.000Z');
  });
});
