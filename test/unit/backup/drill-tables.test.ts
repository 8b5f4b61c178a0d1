import { expect, it } from 'vitest';
import { drillStamp, leftBehind } from '../../../lib/domain/backup/drill-tables.ts';

const prefix = 'evenkeel-paper-drill-';
const nowMs = Date.parse('2026-01-05T04:15:00Z');

it('a drill that runs at the same time keeps its tables, one that died an hour ago does not', () => {
  const dead = `${prefix}${drillStamp(nowMs - 3_601_000)}-book`;
  const alive = `${prefix}${drillStamp(nowMs - 3_599_000)}-audit`;
  expect(leftBehind([dead, alive, `${prefix}by-hand`], prefix, nowMs)).toEqual([dead, `${prefix}by-hand`]);
});

it('the stamp is the time in UTC, so that names sort by it', () => {
  expect(drillStamp(nowMs)).toBe('20260105041500');
});
