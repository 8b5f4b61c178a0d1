/** C4: staged plans, their approval and their application, on a real engine. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digest } from '../../lib/aws/audit-hash.ts';
import { storedKeys } from '../../lib/aws/stored-keys.ts';
import { DynamoTableScan } from '../../lib/aws/table-scan.ts';
import { makeBackup } from '../../lib/backup/make-backup.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import { planBody } from '../../lib/domain/reconcile/records.ts';
import { commandSchema } from '../../lib/events/command.ts';
import { applyPlan } from '../../lib/reconcile/apply-plan.ts';
import { approvePlan } from '../../lib/reconcile/approve-plan.ts';
import { stageSubset } from '../../lib/reconcile/stage-subset.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import {
  account,
  anna,
  awsAccount,
  cancelOf,
  order,
  PlanDesk,
  position,
  proofBy,
  startMs,
} from '../helpers/plan-desk.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;

describe.skipIf(!engineIsHere)(`plans${skipped}`, () => {
  let engine: DynamoEngine;
  let desks = 0;
  const opened: PlanDesk[] = [];

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(async () => {
    // Whatever happened to a plan, no chain of the trail has a gap or a false hash.
    for (const { tables } of opened) {
      const reports = await verifyAudit(tables.audit, account, digest);
      expect(reports.flatMap(({ finding }) => finding ?? [])).toEqual([]);
    }
    await engine?.stop();
  });

  const open = async (): Promise<PlanDesk> => {
    desks += 1;
    const desk = await PlanDesk.open(engine, `plans-${desks}`);
    opened.push(desk);
    return desk;
  };
  const approve = (desk: PlanDesk, hash: string, signature = 'first') =>
    approvePlan(proofBy(anna, hash, signature), desk.ports);

  describe('S079 what runs is exactly the plan that was reviewed', () => {
    it('S079 an approved plan is applied: a backup, then each action with its audit row', async () => {
      const desk = await open();
      await desk.put({ kind: 'position', id: '1' }, { size: '5' });
      const hash = await desk.stage([position(1, '7', 1), position(2, '3'), order('P17', 'Filled')]);

      const answer = await approve(desk, hash);

      expect(answer).toMatchObject({
        plan_state: 'applied',
        code: '',
        done: 3,
        actions: 3,
        approved_by: anna,
      });
      expect(answer.backup_id).not.toBe('');
      expect((await desk.item('position', '1'))?.body).toEqual({ size: '7' });
      expect((await desk.item('order', 'P17'))?.body).toEqual({ status: 'Filled' });
      expect(await desk.trail()).toEqual([
        'apply begins',
        'backup made',
        'position:1',
        'position:2',
        'order:P17',
        'applied',
      ]);
      const rows = await desk.rows();
      expect(rows.every(({ cause }) => cause.kind === 'plan' && cause.id === hash)).toBe(true);
      expect(rows[4]).toMatchObject({ orderKey: 'P17' });
      const [approval] = (await desk.rows('operator')).filter(({ cause }) =>
        cause.name.startsWith('plan approve'),
      );
      expect(approval?.cause).toMatchObject({ kind: 'operator', id: anna, reason: 'compared with TWS' });
      expect(desk.events('plan.approved')).toMatchObject([{ planHash: hash, by: anna, start: 'at_once' }]);
      expect(desk.events('plan.applied')).toMatchObject([
        { planHash: hash, done: 3, backupId: answer.backup_id },
      ]);
    });

    it('S079 the state has moved: refused, nothing of it is done, and it can never be applied', async () => {
      const desk = await open();
      await desk.put({ kind: 'position', id: '1' }, { size: '5' });
      const hash = await desk.stage([position(2, '3'), position(1, '7', 1)]);
      await desk.put({ kind: 'position', id: '1' }, { size: '6' });

      expect(await approve(desk, hash)).toMatchObject({ plan_state: 'refused', code: 'PLAN_STALE', done: 0 });

      expect((await desk.item('position', '1'))?.body).toEqual({ size: '6' });
      expect(await desk.item('position', '2')).toBeUndefined();
      expect(desk.backups).toBe(0);
      expect(desk.events('plan.refused')).toMatchObject([{ code: 'PLAN_STALE', state: 'refused' }]);
      expect((await desk.trail('operator')).at(-1)).toContain('refused PLAN_STALE');
      expect(await approve(desk, hash, 'second')).toMatchObject({ code: 'PLAN_REFUSED' });
    });

    it('S079 an item that the plan only rests on has moved: refused as well', async () => {
      const desk = await open();
      await desk.put({ kind: 'order', id: 'P1' }, { status: 'Cancelled' });
      const rests = [{ ref: { kind: 'order', id: 'P1' } as const, expectedVersion: 1 }];
      const hash = await desk.stage([cancelOf(2)], { rests });
      await desk.put({ kind: 'order', id: 'P1' }, { status: 'Filled' });
      expect(await approve(desk, hash)).toMatchObject({ code: 'PLAN_STALE', plan_state: 'refused' });
      expect(desk.sent).toEqual([]);
    });

    it('S079 the text of the plan is another than the one that was reviewed: never carried out', async () => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3')]);
      const { key } = await desk.record(hash);
      const text = new TextDecoder().decode(await desk.bucket.get(key));
      desk.bucket.overwrite(key, new TextEncoder().encode(text.replace('"size":"3"', '"size":"300"')));
      expect(await approve(desk, hash)).toMatchObject({ code: 'PLAN_HASH_MISMATCH', plan_state: 'refused' });
      expect(await desk.item('position', '2')).toBeUndefined();
      expect(desk.events('alert.raised')).toMatchObject([{ alert: 'plan_failed', severity: 'HIGH' }]);
    });

    it.each([
      ['DRY_RUN_ON', { DRY_RUN: true }, 'staged'],
      ['SAFE_MODE', { SAFE_MODE: true }, 'staged'],
      ['CONFIRM_OFF', { DRY_RUN_CONFIRM: false }, 'approved'],
    ] as const)('S079 %s: nothing is applied', async (code, flags, state) => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3')]);
      await desk.setFlags(flags);
      expect(await approve(desk, hash)).toMatchObject({ code, plan_state: state });
      expect(await desk.item('position', '2')).toBeUndefined();
      expect(desk.events('plan.refused')).toMatchObject([{ code, state }]);
    });

    it('S079 approved with DRY_RUN_CONFIRM off: it waits, and is applied once the flag is set', async () => {
      const desk = await open();
      await desk.setFlags({ DRY_RUN_CONFIRM: false });
      const hash = await desk.stage([position(2, '3')]);
      await approve(desk, hash);
      expect(await applyPlan({ account, hash }, desk.ports)).toMatchObject({
        code: 'CONFIRM_OFF',
        plan_state: 'approved',
      });
      await desk.setFlags({ DRY_RUN_CONFIRM: true });
      expect(await applyPlan({ account, hash }, desk.ports)).toMatchObject({
        plan_state: 'applied',
        code: '',
      });
    });

    it('S079 a plan that nobody has approved is not applied', async () => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3')]);
      expect(await applyPlan({ account, hash }, desk.ports)).toMatchObject({
        code: 'PLAN_UNAPPROVED',
        plan_state: 'staged',
      });
      const none = 'f'.repeat(64);
      expect(await applyPlan({ account, hash: none }, desk.ports)).toMatchObject({
        code: 'PLAN_UNKNOWN',
        plan_state: 'unknown',
      });
      expect(await desk.trail()).toEqual([]);
    });
  });

  it('S080 a plan with ambiguous items is refused as a whole; the rest is a plan of its own, staged only when asked for', async () => {
    const desk = await open();
    const ambiguous = [{ subject: 'order P9', book: ['P9'], broker: ['9', '10'], reason: 'two fit' }];
    const refusedAs = { state: 'refused', refusedCode: 'PLAN_AMBIGUOUS' } as const;
    const hash = await desk.stage([position(2, '3'), order('P9', 'Filled')], { ambiguous }, refusedAs);

    expect(await approve(desk, hash)).toMatchObject({ code: 'PLAN_AMBIGUOUS', plan_state: 'refused' });

    const asked = { ...proofBy(anna, hash, 'subset', 'except-ambiguous' as never) };
    const rest = await stageSubset(asked, desk.ports);
    expect(rest).toMatchObject({ plan_state: 'staged', code: '', actions: 1 });
    expect(rest.plan_hash).not.toBe(hash);
    expect(await desk.record(rest.plan_hash)).toMatchObject({ madeFrom: hash, ambiguous: 0 });
    expect(await desk.record(hash)).toMatchObject({ state: 'refused', replacedBy: rest.plan_hash });
    expect(await desk.item('position', '2')).toBeUndefined();
    expect(await stageSubset(asked, desk.ports)).toMatchObject({ code: 'PLAN_SUPERSEDED' });

    expect(await approve(desk, hash)).toMatchObject({ code: 'PLAN_SUPERSEDED' });
    expect(await approve(desk, rest.plan_hash, 'second')).toMatchObject({ plan_state: 'applied', done: 1 });
    expect(await desk.item('order', 'P9')).toBeUndefined();
    expect((await desk.item('position', '2'))?.body).toEqual({ size: '3' });
  });

  it.each([
    ['', 'found nothing to change'],
    ['d'.repeat(64), 'staged another plan'],
  ])('S080 a later run (%s) %s: nothing of an older plan is staged', async (planHash) => {
    const desk = await open();
    const ambiguous = [{ subject: 'order P9', book: ['P9'], broker: ['9', '10'], reason: 'two fit' }];
    const refusedAs = { state: 'refused', refusedCode: 'PLAN_AMBIGUOUS' } as const;
    const hash = await desk.stage([position(2, '3')], { ambiguous }, refusedAs);
    await desk.put({ kind: 'run', id: 'STATE' }, { planHash, last: { runId: 'run_20260105_144000_0f1e2d' } });
    const rest = await stageSubset(proofBy(anna, hash, 'subset', 'except-ambiguous' as never), desk.ports);
    expect(rest).toMatchObject({ code: 'PLAN_SUPERSEDED', plan_hash: hash });
    expect(desk.events('plan.staged')).toEqual([]);
  });

  it('S079 the item of a plan that names another plan: that one is never carried out', async () => {
    const desk = await open();
    const other = await desk.stage([position(2, '300')]);
    const hash = 'b'.repeat(64);
    await desk.put({ kind: 'plan', id: hash }, planBody(await desk.record(other)));
    expect(await approve(desk, hash)).toMatchObject({ code: 'PLAN_HASH_MISMATCH', plan_state: 'refused' });
    expect(await desk.item('position', '2')).toBeUndefined();
  });

  it('S081 the backup fails: nothing is applied, trading is locked, SAFE_MODE is on', async () => {
    const desk = await open();
    await desk.put({ kind: 'lock', id: '' }, lockBody('open'));
    const hash = await desk.stage([position(2, '3')]);
    const backup = () => Promise.reject(new Error('the bucket does not answer'));
    const answer = await approvePlan(proofBy(anna, hash, 'first'), { ...desk.ports, backup });

    expect(answer).toMatchObject({ code: 'BACKUP_FAILED', plan_state: 'refused', done: 0 });
    expect(answer.message).toContain('the bucket does not answer');
    expect(await desk.item('position', '2')).toBeUndefined();
    expect(await desk.flag('SAFE_MODE')).toBe(true);
    expect((await desk.item('lock', ''))?.body).toMatchObject({ state: 'locked', token: 4 });
    // One transaction: the plan's end, the flag and the lock.
    const last = (await desk.rows()).at(-1);
    expect(last?.changes.map(({ item }) => item).sort()).toEqual(['FLAGS', 'LOCK', `PLAN#${hash}`]);
    expect(desk.events('plan.refused')).toMatchObject([{ code: 'BACKUP_FAILED' }]);
  });

  it('S082 no book yet: what is not there is no backup, and an empty book has a real one', async () => {
    const desk = await open();
    const hash = await desk.stage([position(2, '3')]);
    const backupOf = (bookTable: string) => async () => {
      const { manifest } = await makeBackup({
        book: desk.tables.book,
        scan: new DynamoTableScan({ client: engine.client, pageItems: 7 }),
        store: desk.bucket,
        tables: { book: bookTable, audit: desk.tables.auditTable },
        keys: storedKeys,
        place: { stage: 'sandbox', awsAccount, region: 'eu-west-1' },
        programVersion: '1.0.0',
        trigger: { kind: 'plan', by: anna, reason: hash },
        digest,
        nowMs: () => startMs,
      });
      return { id: manifest.id };
    };
    const nowhere = { ...desk.ports, backup: backupOf('not-there') };
    expect(await approvePlan(proofBy(anna, hash, 'first'), nowhere)).toMatchObject({
      code: 'BACKUP_FAILED',
      done: 0,
    });
    expect(desk.bucket.keys('manifests/')).toEqual([]);

    const first = await open();
    const bootstrap = await first.stage([position(2, '3'), order('P17', 'Submitted')]);
    const { tables } = first;
    const backup = async () => {
      const made = await makeBackup({
        book: tables.book,
        scan: new DynamoTableScan({ client: engine.client, pageItems: 7 }),
        store: first.bucket,
        tables: { book: tables.bookTable, audit: tables.auditTable },
        keys: storedKeys,
        place: { stage: 'sandbox', awsAccount, region: 'eu-west-1' },
        programVersion: '1.0.0',
        trigger: { kind: 'plan', by: anna, reason: bootstrap },
        digest,
        nowMs: () => startMs,
      });
      return { id: made.manifest.id };
    };
    const answer = await approvePlan(proofBy(anna, bootstrap, 'first'), { ...first.ports, backup });
    expect(answer).toMatchObject({ plan_state: 'applied', done: 2, backup_id: 'db_backup_20260105_143500' });
    expect(first.bucket.keys('manifests/')).toHaveLength(1);
  });

  describe('S083 one action of a plan fails', () => {
    it('S083 its transaction is rolled back, those before stand, and the trail shows it', async () => {
      const desk = await open();
      const halves = [
        { ref: { kind: 'order', id: 'P2' } as const, expectedVersion: 0, body: { status: 'Filled' } },
        { ref: { kind: 'fill', id: 'e#1' } as const, expectedVersion: 0, body: { quantity: 0.5 } },
      ];
      const hash = await desk.stage([
        position(1, '3'),
        order('P2', 'Filled', 0, { writes: halves }),
        position(3, '4'),
      ]);

      const answer = await approve(desk, hash);

      expect(answer).toMatchObject({ code: 'ACTION_FAILED', plan_state: 'refused', done: 1 });
      expect((await desk.item('position', '1'))?.body).toEqual({ size: '3' });
      expect(await desk.item('order', 'P2')).toBeUndefined();
      expect(await desk.item('position', '3')).toBeUndefined();
      expect(await desk.flag('SAFE_MODE')).toBe(true);
      expect(await desk.trail()).toEqual([
        'apply begins',
        'backup made',
        'position:1',
        'apply refused ACTION_FAILED',
      ]);
      expect((await desk.rows()).at(-1)?.cause.reason).toContain('1 of 3 actions');
      expect(desk.events('alert.raised')).toMatchObject([{ alert: 'plan_failed', severity: 'HIGH' }]);
    });

    it('S083 the book moves while the plan is applied: it ends there, and says how far it came', async () => {
      const desk = await open();
      await desk.put({ kind: 'position', id: '2' }, { size: '5' });
      const hash = await desk.stage([position(1, '3'), position(2, '4', 1)]);
      const { backup } = desk.ports;
      const meanwhile = async (why: Parameters<typeof backup>[0]) => {
        await desk.put({ kind: 'position', id: '2' }, { size: '6' });
        return backup(why);
      };
      const answer = await approvePlan(proofBy(anna, hash, 'first'), { ...desk.ports, backup: meanwhile });
      expect(answer).toMatchObject({ code: 'PLAN_STALE', plan_state: 'refused', done: 1 });
      expect(answer.message).toContain('1 of 2 actions');
      expect((await desk.item('position', '2'))?.body).toEqual({ size: '6' });
    });

    it('S083 SAFE_MODE is set while the plan is applied: it ends there', async () => {
      const desk = await open();
      const hash = await desk.stage([position(1, '3')]);
      const { backup } = desk.ports;
      const meanwhile = async (why: Parameters<typeof backup>[0]) => {
        await desk.setFlags({ SAFE_MODE: true });
        return backup(why);
      };
      const answer = await approvePlan(proofBy(anna, hash, 'first'), { ...desk.ports, backup: meanwhile });
      expect(answer).toMatchObject({ code: 'SAFE_MODE', plan_state: 'refused', done: 0 });
    });
  });

  describe('S085 two at work on one plan', () => {
    it('S085 the other one does the action between two looks: that is no moved book, and the plan is finished', async () => {
      const desk = await open();
      await desk.put({ kind: 'order', id: 'P1' }, { status: 'ApiPending' });
      const writes = [{ ref: { kind: 'order', id: 'P1' } as const, expectedVersion: 1, body: null }];
      const gone = order('P1', '', 1, { kind: 'to_delete', writes });
      const hash = await desk.stage([gone, position(2, '3')]);
      const { book } = desk.ports;
      let between = true;
      const read: typeof book.read = async (of, refs) => {
        const { state, backupId } = await desk.record(hash);
        if (between && state === 'applying' && backupId !== '' && refs.length === 1) {
          between = false;
          const other = { ...desk.ports, book: desk.tables.another() };
          expect(await applyPlan({ account, hash }, other)).toMatchObject({ plan_state: 'applied' });
        }
        return book.read(of, refs);
      };
      const answer = await approvePlan(proofBy(anna, hash, 'first'), {
        ...desk.ports,
        book: { ...bookOf(book), read },
      });
      expect(between).toBe(false);
      expect(answer).toMatchObject({ plan_state: 'applied', code: '', done: 2 });
      expect(desk.events('plan.refused')).toEqual([]);
    });

    it('S085 one has its backup, that of the other fails: a backup there is, and the plan is finished', async () => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3'), position(3, '4')]);
      const other = { ...desk.ports, book: desk.tables.another() };
      const stopped = { ...other, tell: () => Promise.reject(new Error('stopped')) };
      const backup = async () => {
        const commit: typeof other.book.commit = async (change) => {
          if (change.cause.name === 'position:3') throw new Error('stopped');
          return other.book.commit(change);
        };
        const half = applyPlan({ account, hash }, { ...stopped, book: { ...bookOf(other.book), commit } });
        await expect(half).rejects.toThrow('stopped');
        throw new Error('the bucket does not answer');
      };
      const answer = await approvePlan(proofBy(anna, hash, 'first'), { ...desk.ports, backup });
      expect(answer).toMatchObject({ plan_state: 'applied', code: '', done: 2 });
      expect(await desk.flag('SAFE_MODE')).toBe(false);
    });
  });

  it('S084 stopped when all is done: its time is over and the flags are changed, and it is applied all the same', async () => {
    const desk = await open();
    const hash = await desk.stage([position(2, '3')]);
    const { book } = desk.ports;
    const commit: typeof book.commit = async (change) => {
      if (change.cause.name === 'applied') throw new Error('stopped');
      return book.commit(change);
    };
    const stopped = { ...desk.ports, book: { ...bookOf(book), commit } };
    await expect(approvePlan(proofBy(anna, hash, 'first'), stopped)).rejects.toThrow('stopped');
    await desk.setFlags({ DRY_RUN_CONFIRM: false });
    await desk.put({ kind: 'position', id: '2' }, { size: '4' });
    desk.nowMs += 4_000_000;
    expect(await applyPlan({ account, hash }, desk.ports)).toMatchObject({
      plan_state: 'applied',
      code: '',
      done: 1,
    });
    expect(desk.events('plan.applied')).toHaveLength(1);
  });

  it('S084 stopped between its refusal and the alert: who asks again says it', async () => {
    const desk = await open();
    const half = [{ ref: { kind: 'fill', id: 'e#1' } as const, expectedVersion: 0, body: { quantity: 0.5 } }];
    const hash = await desk.stage([order('P2', 'Filled', 0, { writes: half })]);
    const tell: typeof desk.ports.tell = async ({ type }) => {
      if (type === 'plan.refused') throw new Error('stopped');
    };
    await expect(approvePlan(proofBy(anna, hash, 'first'), { ...desk.ports, tell })).rejects.toThrow(
      'stopped',
    );
    expect(await desk.record(hash)).toMatchObject({ state: 'refused', refusedCode: 'ACTION_FAILED' });
    for (let again = 0; again < 2; again += 1) {
      expect(await applyPlan({ account, hash }, desk.ports)).toMatchObject({ code: 'PLAN_REFUSED' });
    }
    const ids = desk.said.map(({ id }) => id).filter((id) => id.includes('ACTION_FAILED'));
    const id = `plan:${hash}:ACTION_FAILED`;
    expect(ids).toEqual([id, `${id}:alert`, id, `${id}:alert`]);
    expect(desk.events('alert.raised')[0]).toMatchObject({ alert: 'plan_failed', severity: 'HIGH' });
  });

  describe('S086 who confirms, and when', () => {
    it.each([
      [
        'APPROVAL_FORBIDDEN',
        'a principal whom the list does not name',
        `arn:aws:sts::${awsAccount}:assumed-role/Trainee/max`,
      ],
      [
        'APPROVAL_FORBIDDEN',
        'a principal of another AWS account',
        'arn:aws:sts::999999999999:assumed-role/DeskOperator/anna',
      ],
    ])('S086 %s: %s', async (code, _who, arn) => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3')]);
      const approvers = { awsAccount, patterns: ['arn:aws:sts::*:assumed-role/Desk*/*'] };
      const answer = await approvePlan(proofBy(arn, hash, 'first'), { ...desk.ports, approvers });
      expect(answer).toMatchObject({ code, plan_state: 'staged', approved_by: '' });
      expect(await desk.item('position', '2')).toBeUndefined();
      expect(desk.events('plan.refused')).toMatchObject([{ code, by: arn, state: 'staged' }]);
      expect(await approvePlan(proofBy(anna, hash, 'second'), { ...desk.ports, approvers })).toMatchObject({
        code: '',
      });
    });

    it('S086 the approval of another plan, and a proof for another purpose, do not count', async () => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3')]);
      const other = proofBy(anna, 'e'.repeat(64), 'first');
      expect(await approvePlan({ ...other, hash }, desk.ports)).toMatchObject({
        code: 'APPROVAL_OTHER_PLAN',
      });
      const rejection = proofBy(anna, hash, 'first', 'reject' as never);
      expect(await approvePlan(rejection, desk.ports)).toMatchObject({
        code: 'APPROVAL_OTHER_PLAN',
        plan_state: 'staged',
      });
    });

    it('S086 expired confirm: the plan is over', async () => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3')]);
      desk.nowMs = startMs + 3_600_000;
      expect(await approve(desk, hash)).toMatchObject({ code: 'PLAN_EXPIRED', plan_state: 'refused' });
      expect((await desk.trail('operator')).at(-1)).toContain('refused PLAN_EXPIRED');
    });

    it('S086 double confirm: done once, the proof counts once', async () => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3')]);
      await approve(desk, hash);
      const replayed = await approve(desk, hash);
      expect(replayed).toMatchObject({ code: 'APPROVAL_REPLAYED', plan_state: 'applied' });
      expect(await approve(desk, hash, 'second')).toMatchObject({
        code: 'PLAN_ALREADY_APPLIED',
        plan_state: 'applied',
      });
      expect((await desk.item('position', '2'))?.version).toBe(1);
      expect(desk.backups).toBe(1);
    });

    it('S086 two confirm at the same moment: every action is done once', async () => {
      const desk = await open();
      const actions = [1, 2, 3, 4, 5].map((conId) => position(conId, '3'));
      const hash = await desk.stage(actions);
      const other = {
        ...desk.ports,
        book: desk.tables.another(),
        sleep: (ms: number) => new Promise<void>((r) => setTimeout(r, ms)),
      };
      const answers = await Promise.all([
        approvePlan(proofBy(anna, hash, 'first'), { ...other, book: desk.tables.book }),
        approvePlan(proofBy(anna.replace('anna', 'bert'), hash, 'second'), other),
      ]);
      expect(answers.map(({ plan_state }) => plan_state)).toEqual(['applied', 'applied']);
      for (const { id } of actions)
        expect((await desk.trail()).filter((name) => name === id)).toHaveLength(1);
      expect((await desk.trail()).filter((name) => name === 'applied')).toHaveLength(1);
      expect((await desk.trail('operator')).filter((name) => name.startsWith('plan approve'))).toHaveLength(
        1,
      );
    });

    it('S086 without a reason nothing is approved', async () => {
      const desk = await open();
      const hash = await desk.stage([position(2, '3')]);
      const answer = await approvePlan({ ...proofBy(anna, hash, 'first'), reason: ' ' }, desk.ports);
      expect(answer).toMatchObject({ code: 'REASON_MISSING', plan_state: 'staged' });
    });
  });

  it('a plan that would change too many live orders is stopped when it is approved, and changes nothing', async () => {
    const desk = await open();
    for (let id = 1; id <= 20; id += 1)
      await desk.put({ kind: 'order', id: `P${id}` }, { status: 'Submitted' });
    const ids = Array.from({ length: 11 }, (_, index) => `P${index + 1}`);
    const hash = await desk.stage(ids.map((id) => order(id, 'Cancelled', 1)));
    expect(await approve(desk, hash)).toMatchObject({
      code: 'PLAN_MASS_CHANGE',
      plan_state: 'refused',
      done: 0,
    });
    expect((await desk.item('order', 'P1'))?.body).toEqual({ status: 'Submitted' });

    const small = await desk.stage(ids.slice(0, 9).map((id) => order(id, 'Cancelled', 1)));
    expect(await approve(desk, small)).toMatchObject({ plan_state: 'applied', done: 9 });
  });

  it('S089 cancels of orders that the book does not have count as well', async () => {
    const desk = await open();
    for (let id = 1; id <= 30; id += 1)
      await desk.put({ kind: 'order', id: `P${id}` }, { status: 'Submitted' });
    const hash = await desk.stage(Array.from({ length: 12 }, (_, index) => cancelOf(100 + index)));
    const answer = await approve(desk, hash);
    expect(answer).toMatchObject({ code: 'PLAN_MASS_CHANGE', plan_state: 'refused', done: 0 });
    expect(answer.message).toContain('12 of 42 live orders');
    expect(desk.sent).toEqual([]);
  });

  describe('deletions and cancels', () => {
    const gone = { kind: 'to_delete' } as const;

    it('a deletion marks the item where FORCE_SYNC_DELETE is false, and removes it where it is true', async () => {
      for (const force of [false, true]) {
        const desk = await open();
        await desk.setFlags({ FORCE_SYNC_DELETE: force });
        await desk.put({ kind: 'order', id: 'P1' }, { status: 'ApiPending' });
        await desk.put({ kind: 'order', id: 'P2' }, { status: 'ApiPending' });
        const bare = { ...order('P2', '', 1), ...gone };
        const writes = [{ ref: { kind: 'order', id: 'P2' } as const, expectedVersion: 1, body: null }];
        const hash = await desk.stage([order('P1', 'ApiCancelled', 1, gone), { ...bare, writes }]);
        expect(await approve(desk, hash)).toMatchObject({ plan_state: 'applied' });
        const bodies = [(await desk.item('order', 'P1'))?.body, (await desk.item('order', 'P2'))?.body];
        const deleted = { at: '2026-01-05T14:35:00.000Z', by: anna, plan: hash };
        expect(bodies).toEqual(
          force
            ? [undefined, undefined]
            : [
                { status: 'ApiCancelled', deleted },
                { status: 'ApiPending', deleted },
              ],
        );
      }
    });

    it("a cancel is a command with an id of its own, valid for a minute, in the account's trading group", async () => {
      const desk = await open();
      const hash = await desk.stage([cancelOf(17)]);
      expect(await approve(desk, hash)).toMatchObject({ plan_state: 'applied', done: 1 });
      expect(desk.sent).toHaveLength(1);
      const [{ id, group, body }] = desk.sent as [(typeof desk.sent)[0]];
      expect(group).toBe(`trade#${account}`);
      expect(commandSchema.parse(JSON.parse(body))).toMatchObject({
        id,
        type: 'cancel',
        permId: 17,
        clientId: 7,
        orderId: 17,
        validUntil: '2026-01-05T14:36:00.000Z',
      });
      expect(await desk.trail()).toEqual([
        'apply begins',
        'backup made',
        'cancel:P17 sending',
        'cancel:P17',
        'applied',
      ]);
    });

    const orphans = async (desk: PlanDesk) => {
      const ids = [17, 18, 19];
      for (const id of ids) await desk.put({ kind: 'order', id: `P${id}` }, { status: 'Submitted' });
      const rests = ids.map((id) => ({ ref: { kind: 'order', id: `P${id}` } as const, expectedVersion: 1 }));
      return desk.stage(ids.map(cancelOf), { rests });
    };
    /** The broker is faster than the count. */
    const takingEffect = (desk: PlanDesk) => ({
      send: async (command: { id: string; group: string; body: string }) => {
        const { permId } = JSON.parse(command.body) as { permId: number };
        desk.sent.push(command);
        await desk.put({ kind: 'order', id: `P${permId}` }, { status: 'Cancelled' });
      },
    });

    it('cancels that take effect at once do not make their own plan stale', async () => {
      const desk = await open();
      const hash = await orphans(desk);
      const ports = { ...desk.ports, commands: () => takingEffect(desk) };
      const answer = await approvePlan(proofBy(anna, hash, 'first'), ports);
      expect(answer).toMatchObject({ plan_state: 'applied', code: '', done: 3 });
      expect(desk.sent).toHaveLength(3);
    });

    it('a cancel that took effect before it was counted is counted by who goes on', async () => {
      const desk = await open();
      const hash = await orphans(desk);
      const { book } = desk.ports;
      const commit: typeof book.commit = async (change) => {
        if (change.cause.name === 'cancel:P18') throw new Error('stopped');
        return book.commit(change);
      };
      const ports = { ...desk.ports, commands: () => takingEffect(desk) };
      const stopped = { ...ports, book: { ...bookOf(book), commit } };
      await expect(approvePlan(proofBy(anna, hash, 'first'), stopped)).rejects.toThrow('stopped');
      desk.nowMs += 60_000;
      expect(await applyPlan({ account, hash }, ports)).toMatchObject({ plan_state: 'applied', done: 3 });
      expect(desk.sent.map(({ body }) => (JSON.parse(body) as { permId: number }).permId)).toEqual([
        17, 18, 19,
      ]);
    });

    it('the order of a cancel that is still to be sent has moved: it is not sent', async () => {
      const desk = await open();
      const hash = await orphans(desk);
      const send = async (command: { id: string; group: string; body: string }) => {
        desk.sent.push(command);
        await desk.put({ kind: 'order', id: 'P18' }, { status: 'PartiallyFilled' });
      };
      const ports = { ...desk.ports, commands: () => ({ send }) };
      const answer = await approvePlan(proofBy(anna, hash, 'first'), ports);
      expect(answer).toMatchObject({ code: 'PLAN_STALE', plan_state: 'refused', done: 1 });
      expect(desk.sent).toHaveLength(1);
    });

    it('SAFE_MODE comes while a cancel is sent: it is counted, and the next one is not sent', async () => {
      const desk = await open();
      const hash = await orphans(desk);
      const send = async (command: { id: string; group: string; body: string }) => {
        desk.sent.push(command);
        await desk.setFlags({ SAFE_MODE: true });
      };
      const ports = { ...desk.ports, commands: () => ({ send }) };
      const answer = await approvePlan(proofBy(anna, hash, 'first'), ports);
      expect(answer).toMatchObject({ code: 'SAFE_MODE', plan_state: 'refused', done: 1 });
      expect(desk.sent).toHaveLength(1);
    });

    it('stopped for good while a cancel is being sent: the refusal says that it may have reached the broker', async () => {
      const desk = await open();
      const hash = await orphans(desk);
      const lost = { send: () => Promise.reject(new Error('the connection is lost')) };
      const broken = { ...desk.ports, commands: () => lost };
      await expect(approvePlan(proofBy(anna, hash, 'first'), broken)).rejects.toThrow(
        'the connection is lost',
      );
      const none = { ...desk.ports, commands: () => undefined };
      const answer = await applyPlan({ account, hash }, none);
      expect(answer).toMatchObject({ code: 'ACTION_FAILED', plan_state: 'refused', done: 0 });
      expect(answer.message).toContain('The command of cancel:P17 may have reached the broker');
    });

    it('a cancel that was interrupted is sent again under the same id while it is valid, and not after', async () => {
      for (const lateMs of [0, 60_000]) {
        const desk = await open();
        const hash = await desk.stage([cancelOf(17)]);
        const lost = { send: () => Promise.reject(new Error('the connection is lost')) };
        const broken = { ...desk.ports, commands: () => lost };
        await expect(approvePlan(proofBy(anna, hash, 'first'), broken)).rejects.toThrow(
          'the connection is lost',
        );
        desk.nowMs += lateMs;
        expect(await applyPlan({ account, hash }, desk.ports)).toMatchObject({
          plan_state: 'applied',
          done: 1,
        });
        expect(desk.sent).toHaveLength(lateMs === 0 ? 1 : 0);
        expect((await desk.trail()).includes('cancel:P17 interrupted, not sent again')).toBe(lateMs > 0);
        const alerts = desk.events('alert.raised');
        if (lateMs === 0) expect(alerts).toEqual([]);
        else expect(alerts).toMatchObject([{ alert: 'plan_cancel_interrupted', severity: 'HIGH' }]);
      }
    });
  });

  it('what others hear of an applied plan is said again to who asks again, under the same id', async () => {
    const desk = await open();
    const hash = await desk.stage([position(2, '3')]);
    await approve(desk, hash);
    await applyPlan({ account, hash }, desk.ports);
    const ids = desk.said.filter(({ type }) => type === 'plan.applied').map(({ id }) => id);
    expect(ids).toEqual([`plan:${hash}:applied`, `plan:${hash}:applied`]);
    expect(await collect(desk.tables.audit.rows(account, 'plan'))).toHaveLength(4);
  });
});

/** Its methods by name: what a test puts in their place is seen. */
function bookOf(book: PlanDesk['ports']['book']): PlanDesk['ports']['book'] {
  return {
    read: (...args) => book.read(...args),
    commit: (change) => book.commit(change),
    list: (...args) => book.list(...args),
  };
}

function lockBody(state: string) {
  return { state, reason: '', runId: '', token: 4, changedAt: '', changedBy: '' };
}
