import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupId } from '../../../lib/domain/backup/backup-id.ts';
import { expiredBackups, unfinishedBackups } from '../../../lib/domain/backup/retention.ts';
import { TrailCount } from '../../../lib/domain/backup/trail-count.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 5, 1);
const iso = (ms: number): string => new Date(ms).toISOString();

describe('retention', () => {
  it('never names one of the newest, nor one that is young, and names all others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(60), { maxLength: 20 }),
        fc.nat(8),
        fc.nat(40),
        (ages, keepAtLeast, retentionDays) => {
          const backups = ages
            .toSorted((a, b) => b - a)
            .map((age, index) => {
              const startedAt = iso(nowMs - age * dayMs - 1);
              return { number: index + 1, id: backupId(startedAt), startedAt, age };
            });
          const expired = expiredBackups(backups, { retentionDays, keepAtLeast }, nowMs);
          const expected = backups.filter(
            ({ number, age }) => number <= backups.length - keepAtLeast && age >= retentionDays,
          );
          expect(expired).toEqual(expected);
        },
      ),
    );
  });

  it('parts without a manifest are left alone for a day, and those of a manifest for ever', () => {
    const ids = [1, 23, 25, 800].map((hours) => backupId(iso(nowMs - hours * 3_600_000)));
    expect(unfinishedBackups([...ids, 'something'], new Set([ids[3]!]), nowMs)).toEqual([ids[2]]);
  });
});

describe('counts from the trail', () => {
  it('are the same in any order of the rows: made, changed, taken away and made again', () => {
    const rows = [
      {
        isOrderEvent: true,
        changes: [
          { item: 'ORDER#P1', isMade: true, isDeleted: false },
          { item: 'PERM#1', isMade: true, isDeleted: false },
        ],
      },
      { isOrderEvent: true, changes: [{ item: 'ORDER#P1', isMade: false, isDeleted: false }] },
      { isOrderEvent: false, changes: [{ item: 'PERM#1', isMade: false, isDeleted: true }] },
      { isOrderEvent: false, changes: [{ item: 'PERM#1', isMade: true, isDeleted: false }] },
      { isOrderEvent: false, changes: [{ item: 'REF#1', isMade: true, isDeleted: false }] },
      { isOrderEvent: false, changes: [{ item: 'REF#1', isMade: false, isDeleted: true }] },
    ];
    const kindOf = (item: string): string => item.slice(0, item.indexOf('#')).toLowerCase();
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (shuffled) => {
        const count = new TrailCount(kindOf);
        for (const row of shuffled) count.add('operator', row);
        expect(count.total()).toEqual({ items: { order: 1, perm: 1 }, rows: 6, orderEvents: 2 });
        expect(count.rowsOf('operator')).toBe(6);
        expect(count.rowsOf('nobody')).toBe(0);
      }),
    );
  });
});
