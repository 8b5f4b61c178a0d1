import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CallLostError } from '../../../lib/ports/function-caller.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { execute, stage } from '../../helpers/reconcile-desk.ts';
import { minute } from '../../helpers/reconcile-world.ts';
import { account, operator, ReconcileCliDesk } from './reconcile-cli-desk.ts';

describe.skipIf(!engineIsHere)(`evenkeel plan${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`, () => {
  let engine: DynamoEngine;
  let cli: ReconcileCliDesk;
  let count = 0;

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  beforeEach(async () => {
    count += 1;
    cli = await ReconcileCliDesk.open(engine, `cli-plan-${count}`);
    return () => cli.stop();
  });
  afterAll(() => engine.stop());

  /** The hash of a plan that adopts an order and books two fills. */
  const staged = async (): Promise<string> => {
    cli.desk.world
      .both(17)
      .told(20)
      .execution(20, 'e.1.01', '2')
      .execution(20, 'e.2.01', '3')
      .completed(20, 'Filled Size: 5')
      .open(18);
    await cli.desk.book();
    await cli.desk.flags(execute);
    const { plan_hash: hash } = await cli.json('reconcile');
    cli.asked.length = 0;
    return hash;
  };
  const approve = (hash: string, ...more: string[]) =>
    cli.run('plan', 'approve', hash, '--reason', 'compared with TWS', ...more);

  it('none waits, and the last ones', async () => {
    expect(await cli.run('plan')).toMatchObject({ code: 0, out: `No plan of ${account} waits.\n` });
    const hash = await staged();
    await approve(hash, '--yes');
    await cli.run('reconcile');
    const { out } = await cli.run('plan', 'show');
    expect(out).toMatch(
      new RegExp(
        `^${hash.slice(0, 12)} +applied +2 actions: 1 insert, 1 update +5 min ago +assumed-role/DeskOperator/anna$`,
        'm',
      ),
    );
  });

  it('what to do with a plan of a dry run, and in SAFE_MODE: not to approve it', async () => {
    const hash = await staged();
    const next = async () => /next {2}.*/s.exec((await cli.run('plan', 'show', hash)).out)![0];
    expect(await next()).toMatch(/^next {2}plan approve /);
    await cli.desk.flags({ DRY_RUN: true });
    expect(await next()).toBe(
      'next  no plan can be approved while DRY_RUN is on\n      flags preset stage --reason "...", then reconcile: stages what it finds then, to be approved\n',
    );
    expect(await approve(hash, '--yes')).toMatchObject({
      code: 3,
      err: expect.stringContaining('DRY_RUN_ON'),
    });
    await cli.desk.flags({ DRY_RUN: false, SAFE_MODE: true });
    expect(await next()).toContain('flags set SAFE_MODE false');
  });

  it('an approved plan names the flag that it waits for', async () => {
    const hash = await staged();
    await cli.desk.flags({ DRY_RUN_CONFIRM: false });
    expect(await approve(hash, '--yes')).toMatchObject({
      code: 3,
      err: expect.stringContaining('CONFIRM_OFF'),
    });
    expect((await cli.run('plan', 'show', hash)).out).toMatch(
      /^next {2}flags set DRY_RUN_CONFIRM true .*\n {6}plan approve .*: goes on with applying it$/m,
    );
  });

  it('what a reviewer needs: before and after, why, evidence, expiry, who has approved', async () => {
    const hash = await staged();
    for (const argv of [
      ['plan'],
      ['plan', 'show'],
      ['plan', 'show', hash],
      ['plan', 'show', hash.slice(0, 8).toUpperCase()],
    ]) {
      const { code, out } = await cli.run(...argv);
      expect(code).toBe(0);
      expect(out).toContain(`Plan ${hash}`);
      expect(out).toMatch(/^changes +2 actions: 1 insert, 1 update$/m);
      expect(out).toMatch(/^valid +until .*, 60 min left$/m);
      expect(out).toMatch(/^approved +by nobody$/m);
      expect(out).toMatch(/^ +1 insert order P18$/m);
      expect(out).toMatch(/^ +2 update order P20$/m);
      expect(out).toMatch(/^ +status +Submitted +-> +Filled$/m);
      expect(out).toMatch(
        /^ +HIGH MISSING_FILL: IB Filled, 5 of 5 filled; book Submitted, 0 of 5 filled\.$/m,
      );
      expect(out).toMatch(/^ +evidence: e\.1\.01, e\.2\.01$/m);
      expect(out).toMatch(/^ +items: .*order P20 \(version \d+\)/m);
      expect(out).toContain(`plan approve ${hash.slice(0, 12)} --reason`);
    }
    expect(await cli.json('plan')).toMatchObject({
      record: { hash, state: 'staged' },
      plan: { actions: [{ id: expect.any(String) }, {}] },
    });
  });

  it('compares with the plan before it', async () => {
    const first = await staged();
    expect(await cli.run('plan', 'diff', first)).toMatchObject({
      code: 2,
      err: expect.stringContaining('PLAN_FIRST'),
    });
    cli.desk.world.open(19);
    const { plan_hash: second } = await cli.json('reconcile');
    const { code, out } = await cli.run('plan', 'diff', second);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^- plan ${first.slice(0, 12)}, superseded`, 'm'));
    expect(out).toMatch(/^\+ insert order P19: Submitted, 0 of 5$/m);
    expect(out).toContain('2 actions the same in both');
    expect(await cli.json('plan', 'diff', second)).toMatchObject({
      before: first,
      plan: second,
      added: [{ subject: 'order P19' }],
      removed: [],
      same: 2,
    });
  });

  it.each<[string[], string]>([
    [['show', 'zz'], 'HASH_INVALID: zz is no hash of a plan: give the first 8 or more'],
    [['show', 'abcdef1'], 'HASH_INVALID'],
    [['show', 'abcdef12'], 'PLAN_UNKNOWN: No plan has the hash abcdef12. Valid: '],
    [['approve', 'abcdef12', '--reason', 'x', '--yes'], 'PLAN_UNKNOWN'],
    [['reject', 'abcdef12', '--reason', 'x'], 'PLAN_UNKNOWN'],
    [['approve', 'abcdef12'], "required option '--reason <text>' not specified"],
    [['approve', 'abcdef12', '--reason', ' '], 'REASON_NEEDED'],
    [['aprove', 'abcdef12'], 'Valid commands: show, diff, approve, reject. Did you mean approve?'],
  ])('plan %j: exit code 2, and nothing changed', async (argv, words) => {
    await staged();
    const { code, out, err } = await cli.run('plan', ...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(words);
    expect(cli.asked).toEqual([]);
  });

  it('a plan whose text was changed is named, exit code 3', async () => {
    const hash = await staged();
    const { key } = (await cli.desk.plan(hash))!;
    const text = new TextDecoder().decode(cli.desk.store.objects.get(key));
    cli.desk.store.objects.set(key, new TextEncoder().encode(text.replace('Filled', 'Failed')));
    for (const argv of [['plan'], ['plan', 'approve', hash, '--reason', 'x', '--yes']]) {
      expect(await cli.run(...argv)).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringContaining(`PLAN_CORRUPT: ${key}`),
      });
    }
    expect(cli.asked).toEqual([]);
  });

  describe('approve', () => {
    it('shows it, has its first digits typed, proves who, and tells each action', async () => {
      const hash = await staged();
      const questions: string[] = [];
      cli.ask = async (question) => {
        questions.push(question);
        return hash.slice(0, 8);
      };
      const { code, out, err } = await approve(hash.slice(0, 10));
      expect(code, err).toBe(0);
      expect(questions).toEqual([
        `This applies 2 actions to ${account} in the stage sandbox, after a backup. Type ${hash.slice(0, 8)} to go on: `,
      ]);
      expect(cli.asked).toMatchObject([
        {
          name: 'evenkeel-sandbox-apply-plan',
          payload: {
            action: 'approve',
            account,
            hash,
            reason: 'compared with TWS',
            proof: { headers: { 'x-evenkeel-plan': hash } },
          },
        },
      ]);
      expect(err).toMatch(/^ +2 update order P20$/m);
      expect(err).toMatch(/^Backed up first: db_backup_20260105_143500$/m);
      expect(err).toMatch(/^done {2}1 of 2 {2}order P18: Submitted, 0 of 5$/m);
      expect(err).toMatch(/^done {2}2 of 2 {2}order P20: Submitted -> Filled, 5 of 5 at 5000$/m);
      expect(out).toContain('Applied: 2 of 2 actions, each with its audit row.');
      expect(out).toContain(`Approved by ${operator}.`);
      expect(await cli.desk.plan(hash)).toMatchObject({
        state: 'applied',
        done: 2,
        approval: { by: operator },
      });
      expect(await cli.json('reconcile')).toMatchObject({
        discrepancy_count: 0,
        plan_hash: '',
        lock: { state: 'open' },
      });
    });

    it('with --json the answer alone', async () => {
      const hash = await staged();
      expect(await cli.json('plan', 'approve', hash, '--reason', 'x', '--yes')).toMatchObject({
        plan_hash: hash,
        plan_state: 'applied',
        code: '',
        done: 2,
      });
    });

    it.each([
      ['somebody who does not type it', async () => 'yes', 'NOT_CONFIRMED'],
      ['nobody at the terminal', undefined, 'CONFIRMATION_NEEDED'],
    ])('%s approves nothing', async (_, ask, code) => {
      const hash = await staged();
      cli.ask = ask;
      expect(await approve(hash)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(code) });
      expect(cli.asked).toEqual([]);
      expect(await cli.desk.plan(hash)).toMatchObject({ state: 'staged' });
    });

    it('what is refused is exit code 3, with what to do', async () => {
      const hash = await staged();
      cli.approvers = ['*/somebody-else'];
      expect(await approve(hash, '--yes')).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringContaining(`APPROVAL_FORBIDDEN: ${operator} may not`),
      });
      cli.approvers = ['*'];
      await cli.desk.flags({ DRY_RUN: true });
      expect(await approve(hash, '--yes')).toMatchObject({
        code: 3,
        err: expect.stringContaining('DRY_RUN_ON'),
      });
      await cli.desk.flags(stage);
      const waits = await approve(hash, '--yes');
      expect(waits).toMatchObject({
        code: 3,
        err: expect.stringContaining(
          'CONFIRM_OFF: The approval is written, and the plan waits. DRY_RUN_CONFIRM is false.',
        ),
      });
      await cli.desk.flags(execute);
      expect(await approve(hash, '--yes')).toMatchObject({ code: 0 });
      expect(await approve(hash, '--yes')).toMatchObject({
        code: 3,
        err: expect.stringContaining('PLAN_ALREADY_APPLIED'),
      });
    });

    it('one that is over is not even put before anybody', async () => {
      const hash = await staged();
      cli.desk.passedMs += 61 * minute;
      const { code, err } = await approve(hash, '--yes');
      expect({ code, asked: cli.asked }).toEqual({ code: 3, asked: [] });
      expect(err).toMatch(/^PLAN_EXPIRED: The plan [0-9a-f]{64} was valid until/);
    });

    it('a backup that fails stops it before the first action', async () => {
      const hash = await staged();
      cli.backup = async () => Promise.reject(new Error('BACKUP_X: no room'));
      const { code, err } = await approve(hash, '--yes');
      expect(code).toBe(3);
      expect(err).toMatch(/^BACKUP_FAILED: .*no room/m);
      expect(err).not.toContain('done  1');
      expect((await cli.run('plan', 'show', hash)).out).toMatch(/^state +refused BACKUP_FAILED$/m);
    });

    it('says how to look for it when the connection is lost', async () => {
      const hash = await staged();
      cli.answer = async (name) => {
        throw new CallLostError(name, 'socket hang up');
      };
      expect(await approve(hash, '--yes')).toMatchObject({
        code: 1,
        err: expect.stringContaining(
          `PLAN_LOST: The connection ended before evenkeel-sandbox-apply-plan answered. It may still be at work: plan show ${hash.slice(0, 12)}`,
        ),
      });
    });

    it('Ctrl-C ends the watching, not the plan', async () => {
      const hash = await staged();
      cli.answer = () => {
        cli.interrupt();
        return new Promise(() => undefined);
      };
      const { code, err } = await approve(hash, '--yes');
      expect(code).toBe(130);
      expect(err).toContain('WATCHING_INTERRUPTED: You no longer watch; the function goes on');
    });
  });

  it('--except-ambiguous stages the rest under a hash of its own', async () => {
    const intent = { orderId: 0, orderRef: '' };
    cli.desk.world.told(0, { ...intent, key: 'intent-1' }).told(0, { ...intent, key: 'intent-2' });
    cli.desk.world.open(9, { orderRef: '' }).open(18, { quantity: '2' });
    await cli.desk.book();
    await cli.desk.flags(execute);
    const run = await cli.run('reconcile');
    expect(run.code).toBe(3);
    expect(run.out).toMatch(/^REFUSED AMBIGUOUS {2}run_/m);
    const { hash } = (await cli.json('plan')).record;
    expect(await approve(hash, '--yes')).toMatchObject({
      code: 3,
      err: expect.stringContaining('PLAN_AMBIGUOUS'),
    });
    const { code, out, err } = await approve(hash, '--yes', '--except-ambiguous');
    expect(code, err).toBe(0);
    expect(out).toContain('The rest is a plan of its own; nothing was changed yet.');
    expect(out).toMatch(new RegExp(`^made from +${hash.slice(0, 12)}, without what is ambiguous$`, 'm'));
    const { record } = await cli.json('plan');
    expect(record).toMatchObject({ madeFrom: hash, state: 'staged', ambiguous: 0 });
    expect((await cli.run('plan', 'diff', record.hash)).out).toMatch(/ambiguous: \d+ before, 0 now/);
    expect(await approve(record.hash, '--yes')).toMatchObject({ code: 0 });
  });

  it('reject: it is never applied', async () => {
    const hash = await staged();
    const { code, out } = await cli.run('plan', 'reject', hash.slice(0, 8), '--reason', 'TWS is wrong');
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringContaining(`Rejected: the plan ${hash.slice(0, 12)}`),
    });
    expect(await cli.desk.plan(hash)).toMatchObject({ state: 'rejected', refusedReason: 'TWS is wrong' });
    expect(await approve(hash, '--yes')).toMatchObject({
      code: 3,
      err: expect.stringContaining('PLAN_REJECTED'),
    });
  });
});
