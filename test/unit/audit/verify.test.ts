import { describe, expect, it } from 'vitest';
import { chainTools, digest } from '../../../lib/aws/audit-hash.ts';
import { foldTrail } from '../../../lib/domain/audit/fold.ts';
import { AuditFoldError } from '../../../lib/domain/audit/fold-error.ts';
import {
  type AuditChain,
  type AuditRow,
  type ChainHead,
  hashOf,
  headAfter,
  nextRow,
} from '../../../lib/domain/audit/row.ts';
import { type ChainSource, verifyAudit } from '../../../lib/domain/audit/verify.ts';

const dayMs = 86_400_000;

/** A chain of rows, each a new version of one item, one a day. */
function chainOf(length: number): { rows: AuditRow[]; head: AuditChain } {
  const rows: AuditRow[] = [];
  let head: ChainHead | undefined;
  for (let version = 0; version < length; version += 1) {
    const row = nextRow(
      {
        account: 'DU1',
        writer: 'operator',
        cause: { kind: 'operator', id: 'me', name: 'test', reason: '' },
        atMs: version * dayMs,
        orderKey: '',
        writes: [{ ref: { kind: 'run', id: '1' }, expectedVersion: version, body: { n: version } }],
      },
      head,
      chainTools,
    );
    head = headAfter(row, head);
    rows.push(row);
  }
  return { rows, head: { account: 'DU1', writer: 'operator', seq: head?.seq ?? 0, hash: head?.hash ?? '' } };
}

function sourceOf(rows: readonly AuditRow[], ...heads: AuditChain[]): ChainSource {
  let asked = 0;
  return {
    async chains() {
      asked += 1;
      return [heads[Math.min(asked, heads.length) - 1]!];
    },
    async *rows() {
      yield* rows;
    },
  };
}

async function findingOf(rows: readonly AuditRow[], ...heads: AuditChain[]) {
  const [report] = await verifyAudit(sourceOf(rows, ...heads), 'DU1', digest);
  return report?.finding;
}

const { rows, head } = chainOf(5);
const without = (seq: number): AuditRow[] => rows.filter((row) => row.seq !== seq);
const edited = (seq: number, changes: Partial<AuditRow>): AuditRow[] =>
  rows.map((row) => (row.seq === seq ? { ...row, ...changes } : row));
/** An editor who knows how the hash is made. */
const resealed = (seq: number): AuditRow[] =>
  edited(seq, { orderKey: 'P9' }).map((row) =>
    row.seq === seq ? { ...row, hash: hashOf(row, digest) } : row,
  );

describe('a chain', () => {
  it('is whole as it was written', async () => {
    const [report] = await verifyAudit(sourceOf(rows, head), 'DU1', digest);
    expect(report).toEqual({ account: 'DU1', writer: 'operator', rows: 5, hash: head.hash });
  });

  it.each([
    ['a deleted row', without(3), 'missing', 3],
    ['a deleted first row', without(1), 'missing', 1],
    ['deleted last rows', rows.slice(0, 3), 'truncated', 4],
    ['every row deleted', [], 'truncated', 1],
    ['an edited content', edited(2, { at: '1970-01-02T00:00:00.001Z' }), 'edited', 2],
    ['an edited number', edited(4, { seq: 40 }), 'missing', 4],
    ['an edited hash', edited(3, { hash: 'f'.repeat(64) }), 'edited', 3],
    ['text that no JSON can hold', edited(3, { orderKey: '\ud800' }), 'edited', 3],
    ['an edited row with a new hash', resealed(3), 'replaced', 3],
    ['the last row edited with a new hash', resealed(5), 'head-mismatch', 5],
    ['a row that comes twice', [...rows.slice(0, 3), ...rows.slice(2)], 'out-of-order', 3],
  ])('%s is found', async (_what, broken, fault, seq) => {
    const finding = await findingOf(broken, head);
    expect(finding).toMatchObject({ fault, seq, account: 'DU1', writer: 'operator' });
    expect(finding?.message).toContain(`${seq}`);
  });

  it('a head that was set back is found; rows that came while it was walked are none', async () => {
    const early = { ...head, seq: 3, hash: rows[2]!.hash };
    expect(await findingOf(rows, early)).toMatchObject({ fault: 'beyond-head', seq: 4 });
    expect(await findingOf(rows, early, head)).toBeUndefined();
  });
});

describe('the fold', () => {
  it('gives items and heads, at the end and at a moment', async () => {
    const now = await foldTrail(sourceOf(rows, head), 'DU1', chainTools.keyOf);
    expect([...now.keys()]).toEqual(['RUN#1', 'AUDIT#operator']);
    expect(now.get('RUN#1')).toEqual({ version: 5, body: { n: 4 } });
    expect(now.get('AUDIT#operator')).toEqual({
      version: 5,
      body: { seq: 5, hash: head.hash, at: '1970-01-05T00:00:00.000Z', since: '1970-01-01' },
    });
    const then = await foldTrail(sourceOf(rows, head), 'DU1', chainTools.keyOf, '1970-01-02T23:00:00.000Z');
    expect(then.get('RUN#1')).toEqual({ version: 2, body: { n: 1 } });
  });

  it('stops at a row that rests on one that is not there', async () => {
    const fold = foldTrail(sourceOf(without(2), head), 'DU1', chainTools.keyOf);
    await expect(fold).rejects.toThrow(AuditFoldError);
  });
});
