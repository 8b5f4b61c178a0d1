import { describe, expect, it } from 'vitest';
import { digest } from '../../../lib/aws/audit-hash.ts';
import {
  applied,
  applying,
  approved,
  commandId,
  endsApplication,
  endsStaged,
  expectedItems,
  isDeleted,
  judgeApplication,
  judgeApproval,
  judgeFlags,
  judgeRejection,
  oneDone,
  PlanMoveError,
  planCodes,
  planMoves,
  progress,
  refusal,
  refused,
  rejected,
  withoutAmbiguous,
  writesOf,
} from '../../../lib/domain/reconcile/plan-state.ts';
import { type PlanRecord, type PlanState, planStates } from '../../../lib/domain/reconcile/records.ts';
import type { PlanAction } from '../../../lib/domain/reconcile/types.ts';
import { firstFlags, readFlags, unreadableFlags } from '../../../lib/domain/safety/flags.ts';
import { cancelOf, order, position } from '../../helpers/plan-desk.ts';

const nowMs = 1_000;
const approval = { by: 'anna', reason: 'looked', at: '', proof: 'p' };

function record(more: Partial<PlanRecord> = {}): PlanRecord {
  return {
    hash: 'h',
    runId: 'r',
    state: 'staged',
    key: 'k',
    content: 'c',
    createdAtMs: 0,
    expiresAtMs: 2_000,
    ruleVersion: 1,
    snapshotSha256: 's',
    actions: 2,
    inserts: 2,
    updates: 0,
    deletes: 0,
    cancels: 0,
    ambiguous: 0,
    approval: null,
    done: 0,
    cancelUntilMs: 0,
    backupId: '',
    refusedCode: '',
    refusedReason: '',
    madeFrom: '',
    replacedBy: '',
    ...more,
  };
}

const flagsOf = (more: object = {}) =>
  readFlags({ ...firstFlags, DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true, ...more });

describe('the life of a plan', () => {
  it('goes from staged over approved and applying to applied', () => {
    let plan = approved(record(), approval);
    expect(plan).toMatchObject({ state: 'approved', approval });
    plan = applying(plan);
    plan = oneDone(oneDone({ ...plan, cancelUntilMs: 5 }));
    expect(applied(plan)).toMatchObject({ state: 'applied', done: 2, cancelUntilMs: 0 });
  });

  it('is not applied before its last action', () => {
    expect(() => applied(record({ state: 'applying', done: 1 }))).toThrow(PlanMoveError);
  });

  it('has ended for good once it is applied, refused, rejected or superseded', () => {
    for (const state of ['applied', 'refused', 'rejected', 'superseded'] as const) {
      expect(planMoves[state]).toEqual([]);
    }
  });

  it.each(planStates)('makes only the moves of the table from %s', (state) => {
    const plan = record({ state, done: 2 });
    const tries: [PlanState, () => PlanRecord][] = [
      ['approved', () => approved(plan, approval)],
      ['applying', () => applying(plan)],
      ['applied', () => applied(plan)],
      ['refused', () => refused(plan, refusal('PLAN_STALE', 'it moved'))],
      ['rejected', () => rejected(plan, 'no')],
    ];
    for (const [to, move] of tries) {
      if (planMoves[state].includes(to)) expect(move().state).toBe(to);
      else expect(move, `${state} -> ${to}`).toThrow(/PLAN_MOVE_ILLEGAL/);
    }
  });

  it('keeps the code and the words of what refused it', () => {
    const why = refusal('PLAN_STALE', 'position 1 has version 2');
    expect(refused(record({ state: 'applying', cancelUntilMs: 9 }), why)).toMatchObject({
      refusedCode: 'PLAN_STALE',
      refusedReason: why.message,
      cancelUntilMs: 0,
    });
  });
});

describe('what refuses a plan', () => {
  it.each(planCodes)('%s says what happened, what it means and what to do', (code) => {
    const { message } = refusal(code, 'This is what happened');
    expect(message).toMatch(new RegExp(`^${code}: This is what happened\\. [A-Z].{20,}[.…]$`));
  });

  it.each<[PlanState, object, string | undefined]>([
    ['staged', {}, undefined],
    ['approved', {}, undefined],
    ['applying', {}, undefined],
    ['staged', { expiresAtMs: nowMs }, 'PLAN_EXPIRED'],
    ['staged', { expiresAtMs: nowMs + 1 }, undefined],
    ['applied', {}, 'PLAN_ALREADY_APPLIED'],
    ['rejected', {}, 'PLAN_REJECTED'],
    ['superseded', { replacedBy: 'x' }, 'PLAN_SUPERSEDED'],
    ['refused', { refusedCode: 'PLAN_AMBIGUOUS' }, 'PLAN_AMBIGUOUS'],
    ['refused', { refusedCode: 'PLAN_AMBIGUOUS', replacedBy: 'x' }, 'PLAN_SUPERSEDED'],
    ['refused', { refusedCode: 'PLAN_MASS_CHANGE' }, 'PLAN_MASS_CHANGE'],
    ['refused', { refusedCode: 'PLAN_STALE' }, 'PLAN_REFUSED'],
  ])('its approval when it is %s %o: %s', (state, more, code) => {
    expect(judgeApproval(record({ state, ...more }), nowMs)?.code).toBe(code);
  });

  it.each<[PlanState, object, object, string | undefined]>([
    ['staged', {}, {}, 'PLAN_UNAPPROVED'],
    ['approved', {}, {}, undefined],
    ['applying', {}, {}, undefined],
    ['applying', { expiresAtMs: 1 }, {}, 'PLAN_EXPIRED'],
    ['applying', { expiresAtMs: 1, done: 2 }, { SAFE_MODE: true }, undefined],
    ['approved', {}, { DRY_RUN: true }, 'DRY_RUN_ON'],
    ['approved', {}, { SAFE_MODE: true }, 'SAFE_MODE'],
    ['approved', {}, { DRY_RUN_CONFIRM: false }, 'CONFIRM_OFF'],
    ['applied', {}, {}, 'PLAN_ALREADY_APPLIED'],
  ])('its application when it is %s %o with %o: %s', (state, more, flags, code) => {
    expect(judgeApplication(record({ state, ...more }), flagsOf(flags), nowMs)?.code).toBe(code);
  });

  it('unreadable flags are SAFE_MODE, and flags that nobody has set are a dry run', () => {
    expect(judgeFlags(unreadableFlags('no answer'))?.code).toBe('SAFE_MODE');
    expect(judgeFlags(readFlags(undefined))?.code).toBe('DRY_RUN_ON');
  });

  it.each<[PlanState, string | undefined]>([
    ['staged', undefined],
    ['approved', undefined],
    ['applying', 'PLAN_UNDER_WAY'],
    ['applied', 'PLAN_ALREADY_APPLIED'],
  ])('its rejection when it is %s: %s', (state, code) => {
    expect(judgeRejection(record({ state }))?.code).toBe(code);
  });

  it('ends a plan that cannot become right again, and one that has begun whatever stops it', () => {
    const stale = refusal('PLAN_STALE', 'it moved');
    const flag = refusal('CONFIRM_OFF', 'it is off');
    expect(endsStaged(record(), stale)).toBe(true);
    expect(endsStaged(record(), flag)).toBe(false);
    expect(endsStaged(record({ state: 'applying' }), stale)).toBe(false);
    expect(endsApplication(record({ state: 'applying' }), flag)).toBe(true);
    expect(endsApplication(record({ state: 'approved' }), flag)).toBe(false);
    expect(endsApplication(record({ state: 'approved' }), stale)).toBe(true);
    expect(endsApplication(record({ state: 'refused' }), stale)).toBe(false);
  });
});

describe('what a plan rests on', () => {
  it('is what it changes and what it only looked at, without what it has changed itself', () => {
    const parent = { ref: { kind: 'order', id: 'P1' } as const, expectedVersion: 4 };
    const child = { ref: { kind: 'order', id: 'P2' } as const, expectedVersion: 2 };
    const plan = { actions: [order('P1', 'Filled', 4), position(9, '1', 3)], rests: [parent, child] };
    const of = (done: number) =>
      expectedItems(plan, done)
        .map(({ ref, version }) => `${ref.id} ${version}`)
        .sort();
    expect(of(0)).toEqual(['9 3', 'P1 4', 'P2 2']);
    expect(of(1)).toEqual(['9 3', 'P2 2']);
    expect(of(2)).toEqual(['P2 2']);
  });
});

describe('what a plan rests on, after its own steps', () => {
  const ordered = (items: readonly { ref: { id: string }; version: number }[]) =>
    items.map(({ ref, version }) => `${ref.id} ${version}`).sort();

  it('leaves out the order of a cancel that was sent, or is being sent', () => {
    const rests = [18, 19].map((id) => ({
      ref: { kind: 'order', id: `P${id}` } as const,
      expectedVersion: 2,
    }));
    const plan = { actions: [cancelOf(18), cancelOf(19)], rests };
    expect(ordered(expectedItems(plan, 0))).toEqual(['P18 2', 'P19 2']);
    expect(ordered(expectedItems(plan, 0, true))).toEqual(['P19 2']);
    expect(ordered(expectedItems(plan, 1))).toEqual(['P19 2']);
    expect(ordered(expectedItems(plan, 1, true))).toEqual([]);
  });

  it('is the version before the first of two actions on one item, then the one between them', () => {
    const plan = { actions: [order('P1', 'Submitted', 4), order('P1', 'Filled', 5)], rests: [] };
    expect(ordered(expectedItems(plan, 0))).toEqual(['P1 4']);
    expect(ordered(expectedItems(plan, 1))).toEqual(['P1 5']);
  });
});

describe('a deletion', () => {
  const gone: PlanAction = {
    ...order('P1', 'ApiCancelled', 2),
    kind: 'to_delete',
    writes: [
      { ref: { kind: 'order', id: 'P1' }, expectedVersion: 2, body: { status: 'ApiCancelled' } },
      { ref: { kind: 'fill', id: 'e#1' }, expectedVersion: 1, body: null },
      { ref: { kind: 'perm', id: '1' }, expectedVersion: 0, body: { orderKey: 'P1' } },
    ],
  };
  const deletion = { plan: 'h', by: 'anna', atMs: 0, present: () => ({ execId: 'e' }) };

  it('marks the items, with their last body', () => {
    const [written, fill, pointer] = writesOf(gone, { ...deletion, force: false });
    const deleted = { at: '1970-01-01T00:00:00.000Z', by: 'anna', plan: 'h' };
    expect(written?.body).toEqual({ status: 'ApiCancelled', deleted });
    expect(fill?.body).toEqual({ execId: 'e', deleted });
    expect(pointer).toEqual(gone.writes[2]);
    expect([isDeleted(written?.body ?? undefined), isDeleted({ execId: 'e' }), isDeleted(undefined)]).toEqual(
      [true, false, false],
    );
  });

  it('removes them by force, and writes no pointer that was not there', () => {
    expect(writesOf(gone, { ...deletion, force: true })).toEqual([
      { ...gone.writes[0], body: null },
      { ...gone.writes[1], body: null },
    ]);
  });

  it('is nothing that an insertion or an update knows of', () => {
    const action = order('P1', 'Filled', 2);
    expect(writesOf(action, { ...deletion, force: true })).toEqual(action.writes);
  });
});

describe('the rest of a plan with ambiguous items', () => {
  it('has no action on what is in question, and keeps its time', () => {
    const matched = order('P8', 'Filled', 0, { cures: ['AMBIGUOUS_MATCH'] });
    const plan = {
      account: 'DU1',
      runId: 'r',
      createdAtMs: 1,
      expiresAtMs: 2,
      ruleVersion: 1,
      snapshotSha256: 's',
      actions: [position(1, '2'), order('P9', 'Filled'), matched, position(3, '4')],
      ambiguous: [{ subject: 'position 3', book: ['P9'], broker: ['9', '10'], reason: 'two fit' }],
      rests: [],
    };
    expect(withoutAmbiguous(plan)).toEqual({ ...plan, actions: [position(1, '2')], ambiguous: [] });
  });
});

describe('the id of a command', () => {
  it('is a UUID, the same for the same plan and action, and another for any other', () => {
    const ids = [
      commandId('h1', cancelOf(1).id, digest),
      commandId('h1', cancelOf(2).id, digest),
      commandId('h2', cancelOf(1).id, digest),
    ];
    expect(new Set(ids).size).toBe(3);
    expect(commandId('h1', cancelOf(1).id, digest)).toBe(ids[0]);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('words on a plan that has ended', () => {
  const words = (more: Partial<PlanRecord>) => judgeRejection(record(more))?.message ?? '';

  it('count one action, and several', () => {
    expect(progress({ done: 1, actions: 1 })).toBe('1 of 1 action');
    expect(progress({ done: 0, actions: 2 })).toBe('0 of 2 actions');
  });

  it('name the plan that replaced it, where there is one', () => {
    expect(words({ state: 'superseded', replacedBy: 'x' })).toContain('The plan h was replaced by x');
    expect(words({ state: 'superseded' })).toMatch(/The plan h was replaced(?! by)/);
    expect(words({ state: 'refused', replacedBy: 'x' })).toContain(
      'What could be staged of the plan h is the plan x',
    );
  });
});
