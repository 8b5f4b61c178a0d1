import { describe, expect, it } from 'vitest';
import { nextTurn, remember } from '../../../lib/domain/reconcile/memory.ts';
import { compareSeverity, locksTrading, severityOf } from '../../../lib/domain/reconcile/severity.ts';
import { type Discrepancy, discrepancyTypes, type Noted } from '../../../lib/domain/reconcile/types.ts';
import { rules } from '../../helpers/reconcile-world.ts';

function found(subject: string): Discrepancy {
  const type = 'MISSING_FILL';
  const words = { symbol: '', broker: '', book: '', message: '', evidence: [] };
  return { id: `${type}:${subject}`, type, severity: 'HIGH', subject, ...words };
}

function run(noted: readonly Noted[], subjects: readonly string[], nowMs: number, isJudged = true) {
  const memory = { noted, absent: {}, nextQuery: '' };
  return remember({ memory, rules, nowMs }, subjects.map(found), () => isJudged);
}

describe('the life of a discrepancy', () => {
  it('is opened once, escalated once, resolved once and then forgotten', () => {
    const first = run([], ['a'], 1);
    expect(first).toMatchObject({ opened: ['MISSING_FILL:a'], escalated: [], resolved: [] });
    expect(first.noted).toMatchObject([{ state: 'open', runs: 1, firstSeenMs: 1, lastSeenMs: 1 }]);
    const third = run(run(first.noted, ['a'], 2).noted, ['a'], 3);
    expect(third).toMatchObject({ opened: [], escalated: ['MISSING_FILL:a'] });
    expect(third.noted).toMatchObject([{ state: 'escalated', runs: 3, firstSeenMs: 1, lastSeenMs: 3 }]);
    const fourth = run(third.noted, ['a'], 4);
    expect(fourth.escalated).toEqual([]);
    const gone = run(fourth.noted, [], 5);
    expect(gone).toMatchObject({
      resolved: ['MISSING_FILL:a'],
      noted: [{ state: 'resolved', lastSeenMs: 4 }],
    });
    expect(run(gone.noted, [], 6)).toMatchObject({ resolved: [], noted: [] });
  });

  it('begins anew when it comes back', () => {
    const gone = run(run([], ['a'], 1).noted, [], 2);
    expect(run(gone.noted, ['a'], 3)).toMatchObject({
      opened: ['MISSING_FILL:a'],
      noted: [{ state: 'open', runs: 1, firstSeenMs: 3 }],
    });
  });

  it('stays as it was while it cannot be judged', () => {
    const { noted } = run([], ['a'], 1);
    expect(run(noted, [], 2, false)).toMatchObject({
      resolved: [],
      noted: [{ state: 'open', runs: 1, lastSeenMs: 1 }],
    });
  });

  it('is sorted by id', () => {
    expect(run(run([], ['b'], 1).noted, ['c', 'a'], 2, false).noted.map(({ id }) => id)).toEqual([
      'MISSING_FILL:a',
      'MISSING_FILL:b',
      'MISSING_FILL:c',
    ]);
  });
});

describe('the turn of single questions', () => {
  it.each([
    { after: '', max: 2, keys: ['a', 'c'], nextQuery: 'c' },
    { after: 'c', max: 2, keys: ['e', 'a'], nextQuery: 'a' },
    { after: 'b', max: 1, keys: ['c'], nextQuery: 'c' },
    { after: 'z', max: 9, keys: ['a', 'c', 'e'], nextQuery: 'e' },
    { after: 'c', max: 0, keys: [], nextQuery: 'c' },
  ])('after "$after", $max at most', ({ after, max, keys, nextQuery }) => {
    expect(nextTurn(['a', 'c', 'e'], after, max)).toEqual({ keys, nextQuery });
    expect(nextTurn([], after, max)).toEqual({ keys: [], nextQuery: after });
  });
});

describe('severity', () => {
  it('is that of the table of the design', () => {
    expect(discrepancyTypes.map((type) => `${type} ${severityOf(type)}`)).toEqual([
      'NAKED_POSITION CRITICAL',
      'UNPROTECTED_POSITION CRITICAL',
      'POSITION_MISMATCH CRITICAL',
      'MISSING_FROM_BOOK HIGH',
      'AMBIGUOUS_MATCH HIGH',
      'UNRESOLVED HIGH',
      'STALE_DATA HIGH',
      'ORDER_STATUS_MISMATCH HIGH',
      'MISSING_FILL HIGH',
      'UNKNOWN_ORDER MEDIUM',
      'CASH_MISMATCH MEDIUM',
      'PRICE_MISMATCH INFO',
    ]);
    expect(
      ['CRITICAL', 'INFO', 'HIGH', 'MEDIUM'].sort((a, b) => compareSeverity(a as 'INFO', b as 'INFO')),
    ).toEqual(['INFO', 'MEDIUM', 'HIGH', 'CRITICAL']);
  });

  it.each([
    ['CRITICAL', 'strict', true],
    ['CRITICAL', 'warn', true],
    ['CRITICAL', 'auto_sync', true],
    ['HIGH', 'strict', true],
    ['HIGH', 'warn', false],
    ['HIGH', 'auto_sync', false],
    ['MEDIUM', 'strict', false],
    ['INFO', 'strict', false],
  ] as const)('%s in mode %s locks trading: %s', (severity, mode, locks) => {
    expect(locksTrading(severity, mode)).toBe(locks);
  });
});
