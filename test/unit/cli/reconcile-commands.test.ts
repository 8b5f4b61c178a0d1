import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { planBody, planRef, readPlanRecord } from '../../../lib/domain/reconcile/records.ts';
import { CallLostError, FunctionFailedError } from '../../../lib/ports/function-caller.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { stage } from '../../helpers/reconcile-desk.ts';
import { minute, account as worldAccount } from '../../helpers/reconcile-world.ts';
import { account, operator, ReconcileCliDesk } from './reconcile-cli-desk.ts';

const functionName = 'evenkeel-sandbox-reconcile';

describe.skipIf(!engineIsHere)(
  `evenkeel reconcile${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let cli: ReconcileCliDesk;
    let count = 0;

    beforeAll(async () => {
      engine = await startDynamoEngine();
    });
    beforeEach(async () => {
      count += 1;
      cli = await ReconcileCliDesk.open(engine, `cli-run-${count}`);
      return () => cli.stop();
    });
    afterAll(() => engine.stop());

    /** An order that both have, and one that the book does not have. */
    const someDifference = async () => {
      cli.desk.world.both(17).open(18);
      await cli.desk.book();
      await cli.desk.flags(stage);
    };
    const bitFlip = (key: string) => {
      const bytes = Uint8Array.from(cli.desk.store.objects.get(key)!);
      bytes[bytes.length - 20]! ^= 1;
      cli.desk.store.objects.set(key, bytes);
    };

    it('a clean run: the line, the lock, and nothing to do', async () => {
      cli.desk.world.both(17);
      await cli.desk.book();
      await cli.desk.flags(stage);
      const { code, out, err } = await cli.run(
        'reconcile',
        '--mode',
        'Strict',
        '--reason',
        ' before the open ',
      );
      expect(code, err).toBe(0);
      expect(cli.asked).toEqual([
        {
          name: functionName,
          payload: { account, trigger: 'operator', by: operator, reason: 'before the open', mode: 'strict' },
        },
      ]);
      expect(out).toMatch(/^COMPLETED {2}run_20260105_\d{6}_[0-9a-f]{6}$/m);
      expect(out).toMatch(/^IB: 1, Book: 1, Discrepancies: 0 \(0 critical\)$/m);
      expect(out).toMatch(/^lock +open for epoch 1$/m);
      expect(out).toMatch(/^plan +none$/m);
      expect(out).not.toContain('next');
      expect(err).toContain(`Asked ${functionName} to compare IB with the book of ${account}`);
    });

    it('a lock of an earlier epoch reads as it does in status, and asks for another run', async () => {
      cli.desk.world.both(17);
      await cli.desk.book();
      await cli.desk.flags(stage);
      cli.leaseToken = 2;
      const { code, out } = await cli.run('reconcile');
      expect(code).toBe(0);
      expect(out).toMatch(
        /^lock +locked: it was opened for epoch 1, and no reconcile has completed in epoch 2$/m,
      );
      expect(out).toContain('next  reconcile: the streamer has begun anew');
    });

    it('a dry run says so in a whole sentence', async () => {
      await someDifference();
      await cli.desk.flags({ ...stage, DRY_RUN: true });
      const { out } = await cli.run('reconcile');
      expect(out).toMatch(/^DRY_RUN {2}run_\S+\n {2}DRY_RUN is on: nothing changes and no order leaves$/m);
    });

    it('what differs, what is pending, the plan, and the next step', async () => {
      cli.desk.world.both(17).open(18).told(33);
      await cli.desk.book();
      await cli.desk.flags(stage);
      const { code, out } = await cli.run('reconcile');
      expect(code).toBe(0);
      expect(out).toMatch(/^AWAITING_DRY_RUN_CONFIRM {2}run_/m);
      expect(out).toMatch(/^severity +type +subject +IB +book$/m);
      expect(out).toMatch(/^HIGH +MISSING_FROM_BOOK +order P18 +ESH6 +Submitted, 0 of 5 filled +nothing$/m);
      expect(out).toMatch(
        /^ {10}The order works at the broker and the book does not have it\. The plan adopts it\.$/m,
      );
      expect(out).toMatch(/^ {2}order P33 +1 run +the book has it Submitted/m);
      expect(out).toMatch(/^lock +locked: a plan of 1 action waits for approval$/m);
      const [, hash] = /^plan +([0-9a-f]{12}) staged, 1 action: 1 insert, until .*, 60 min left$/m.exec(out)!;
      expect(out).toContain(`next  plan show ${hash}: review it\n      plan approve ${hash} --reason "..."`);
    });

    it('under SAFE_MODE no approval is proposed, which would be refused', async () => {
      await someDifference();
      await cli.desk.flags({ ...stage, SAFE_MODE: true });
      const { out } = await cli.run('reconcile');
      expect(out).toMatch(/^AWAITING_DRY_RUN_CONFIRM/);
      expect(out).toMatch(
        /^next {2}plan show .*\n {6}no plan can be approved while SAFE_MODE is on: .*\n {6}flags set SAFE_MODE false --reason "\.\.\.", then reconcile$/m,
      );
      expect(out).not.toContain('plan approve');
      expect((await cli.run('reconcile', 'show', 'latest')).out).not.toContain('plan approve');
    });

    it('a run that is put off compared nothing: exit code 3', async () => {
      await someDifference();
      const { plan_hash: hash } = await cli.json('reconcile');
      const { book } = cli.desk.tables;
      const [item] = await book.read(worldAccount, [planRef(hash)]);
      const body = planBody({ ...readPlanRecord(item?.body)!, state: 'applying' });
      const writes = [{ ref: planRef(hash), expectedVersion: item!.version, body }];
      const cause = { kind: 'reconcile', id: hash, name: 'apply-plan', reason: '' } as const;
      const change = {
        account: worldAccount,
        writer: 'reconcile',
        cause,
        atMs: cli.desk.nowMs,
        orderKey: '',
        writes,
      };
      expect(await book.commit(change)).toBe('committed');
      const { code, out } = await cli.run('reconcile');
      expect(out).toMatch(/^POSTPONED PLAN_APPLYING {2}run_/);
      expect(out).toContain('next  plan show: how far the plan is; a run follows by itself');
      expect(code).toBe(3);
    });

    it('critical is exit code 3, with recommendations and their arithmetic', async () => {
      cli.desk.world.bothPosition('5');
      await cli.desk.book();
      await cli.desk.flags(stage);
      const { code, out } = await cli.run('reconcile');
      expect(code).toBe(3);
      expect(out).toMatch(/^CRITICAL +UNPROTECTED_POSITION +position 495512563 +ESH6 +5, stops for 0/m);
      expect(out).toMatch(/^lock +locked: CRITICAL UNPROTECTED_POSITION of position 495512563$/m);
      expect(out).toMatch(
        /^Recommended, never done by itself\n {2}ESH6 \(future\) 5: no price\n {4}250000 \/ 50 = 5000$/m,
      );
      expect(out).toContain('reconcile ack "UNPROTECTED_POSITION:position 495512563"');
    });

    it('--json is the whole answer with what was found', async () => {
      await someDifference();
      const answer = await cli.json('reconcile');
      expect(answer).toMatchObject({
        status: 'AWAITING_DRY_RUN_CONFIRM',
        summary: 'IB: 2, Book: 1, Discrepancies: 1 (0 critical)',
        discrepancy_count: 1,
        has_critical_issues: false,
        lock: { state: 'locked' },
        discrepancies: [{ id: 'MISSING_FROM_BOOK:order P18', severity: 'HIGH' }],
        pending_items: [],
        ambiguous_matches: [],
        recommendations: [],
      });
      expect(answer.plan_hash).toMatch(/^[0-9a-f]{64}$/);
    });

    it('no snapshot is no verdict: REFUSED, exit code 3; the wait is shown', async () => {
      await someDifference();
      const asking = 'Reconciling: asking the broker for everything it has';
      cli.desk.answer = async () => {
        // Whoever waits reads a line each five seconds; the first may have been drawn up before the run was written down.
        for (let line = 1; line <= 2 && !cli.heard.includes(asking); line += 1) {
          const { heard } = cli;
          cli.desk.passedMs += 5_000;
          await vi.waitUntil(() => cli.heard !== heard, { timeout: 10_000, interval: 1 });
        }
        return undefined;
      };
      const { code, out, err } = await cli.run('reconcile');
      expect(code).toBe(3);
      expect(out).toMatch(/^REFUSED STALE_DATA {2}run_\S+\n {2}no snapshot came within 60 s$/m);
      expect(out).toContain('next  doctor and logs streamer');
      expect(err).toContain(asking);
    });

    it('a plan that waits beside something critical: both are what to do next', async () => {
      cli.desk.world.both(17).open(18).bothPosition('5');
      await cli.desk.book();
      await cli.desk.flags(stage);
      const { code, out } = await cli.run('reconcile');
      expect(code).toBe(3);
      expect(out).toMatch(/^AWAITING_DRY_RUN_CONFIRM/);
      expect(out).toMatch(
        /^next {2}plan show .*\n {6}plan approve .*\n {6}the plan does not settle CRITICAL UNPROTECTED_POSITION:position 495512563: settle it/m,
      );
    });

    it('another run under way: nothing was compared, exit code 3', async () => {
      await someDifference();
      const { nowMs } = cli.desk;
      const held = { runId: 'run_20260105_143000_a1b2c3', nowMs, untilMs: nowMs + 60 * minute };
      await cli.desk.runLocks.take(worldAccount, held);
      const { code, out } = await cli.run('reconcile');
      expect(out).toMatch(/^SKIPPED BUSY {2}run_\S+\n {2}run_20260105_143000_a1b2c3 is under way/m);
      expect(code).toBe(3);
    });

    it('a run that was cut off is lost in the list and alone, once its time at the lock is over', async () => {
      await someDifference();
      // The function ends while it waits for the snapshot: nothing of it ever comes back.
      const begun = new Promise<void>((resolve) => {
        cli.desk.answer = () => {
          resolve();
          return new Promise(() => undefined);
        };
      });
      void cli.desk.run();
      await begun;
      const { runId } = (await cli.desk.state()).last;
      expect((await cli.run('reconcile', 'runs')).out).toMatch(new RegExp(`${runId} +RUNNING +operator`));
      cli.desk.passedMs += 3 * minute;
      expect((await cli.run('reconcile', 'runs')).out).toMatch(new RegExp(`${runId} +LOST +operator`));
      expect((await cli.json('reconcile', 'runs')).runs).toMatchObject([{ status: 'RUNNING', lost: true }]);
      const { out } = await cli.run('reconcile', 'show');
      expect(out).toMatch(/^LOST {2}run_/);
      expect(out).toContain('next  it was cut off, and changed nothing but its record');
    });

    it('a run that failed is exit code 3 and says what holds', async () => {
      await someDifference();
      cli.desk.answer = async () => Promise.reject(new Error('the queue is gone'));
      const { code, out } = await cli.run('reconcile');
      expect(code).toBe(3);
      expect(out).toMatch(/^FAILED .*run_/m);
      expect(out).toContain('the queue is gone');
      expect(out).toContain('flags set SAFE_MODE false --reason "...", then reconcile');
    });

    it('gives the function’s own words, its log, and says when the answer was lost', async () => {
      cli.answer = async (name) => {
        throw new FunctionFailedError(
          name,
          'ReconcileError',
          'RECONCILE_ACCOUNT_UNKNOWN: No streamer of the stage has it. Nothing was changed.',
        );
      };
      const refused = await cli.run('reconcile');
      expect(refused).toMatchObject({ code: 2, out: '' });
      expect(refused.err).toContain('RECONCILE_ACCOUNT_UNKNOWN: No streamer of the stage has it.');
      expect(refused.err).toContain('logs reconcile');
      cli.answer = async (name) => {
        throw new CallLostError(name, 'socket hang up');
      };
      const lost = await cli.run('reconcile');
      expect(lost.code).toBe(1);
      expect(lost.err).toContain(
        'RUN_LOST: The connection ended before evenkeel-sandbox-reconcile answered.',
      );
    });

    it.each<[string[], string]>([
      [
        ['reconcile', '--mode', 'lenient'],
        'MODE_UNKNOWN: There is no mode lenient; valid: strict, warn, auto_sync.',
      ],
      [
        ['reconcile', '--account', 'DU7654321'],
        `There is no account DU7654321 in the stage sandbox; valid: ${account}.`,
      ],
      [['reconcile', '--reason', ' '], 'REASON_NEEDED'],
      [
        ['reconcile', '--reason', 'x'.repeat(501)],
        'REASON_TOO_LONG: The reason has 501 characters; allowed: 500.',
      ],
      [['reconcile', 'shw'], 'Valid commands: runs, show, rejudge, pause, resume, ack. Did you mean show?'],
      [['reconcile', '--mode', 'warn', 'runs'], "unknown option '--mode'"],
      [
        ['reconcile', 'show', 'yesterday'],
        'RUN_UNKNOWN: yesterday is no id of a run: they look like run_20260105_143000_a1b2c3.',
      ],
      [['reconcile', 'show', 'run_20260105_143000_a1b2c3'], 'RUN_UNKNOWN: The audit trail of'],
      [['reconcile', 'rejudge', 'run_1'], 'RUN_UNKNOWN'],
      [['reconcile', 'show'], `RUN_UNKNOWN: Nothing was reconciled in ${account} yet.`],
      [['reconcile', 'runs', '--limit', '0'], 'Allowed: a whole number from 1 to 10000.'],
      [
        ['reconcile', 'pause', '--for', '30', '--reason', 'x'],
        'SPAN_INVALID: 30 is no span of time that can be read. Allowed: 90s, 30m or 2h.',
      ],
      [['reconcile', 'pause', '--for', '25h', '--reason', 'x'], 'PAUSE_INVALID: A pause lasts at most 24h'],
      [['reconcile', 'pause', '--for', '30m'], 'REASON_NEEDED'],
      [['reconcile', 'pause', '--reason', 'x'], "required option '--for <span>' not specified"],
      [['reconcile', 'resume'], 'REASON_NEEDED'],
      [
        ['reconcile', 'ack', 'UNRESOLVED:order P1', '--reason', 'x'],
        'DISCREPANCY_UNKNOWN: There is no discrepancy UNRESOLVED:order P1 open in',
      ],
    ])('%j: exit code 2, and nothing changed', async (argv, words) => {
      const { code, out, err } = await cli.run(...argv);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(words);
      expect(cli.asked).toEqual([]);
      expect(await cli.desk.state()).toBeUndefined();
    });

    describe('runs that are over', () => {
      it('lists the last, newest first, each once, as it ended', async () => {
        expect((await cli.run('reconcile', 'runs')).out).toContain('Nothing was reconciled');
        await someDifference();
        const ids = [];
        for (let run = 0; run < 3; run += 1) ids.unshift((await cli.json('reconcile')).run_id);
        const { runs, more } = await cli.json('reconcile', 'runs', '--limit', '2');
        expect(more).toBe(true);
        expect(runs.map(({ runId }: { runId: string }) => runId)).toEqual(ids.slice(0, 2));
        const { out } = await cli.run('reconcile', 'runs');
        expect(out.trimEnd().split('\n')).toHaveLength(5);
        expect(out).toMatch(new RegExp(`${ids[2]} +AWAITING_DRY_RUN_CONFIRM +operator +2 +1 +1 +0 +1 `));
      });

      it('shows one with everything it found, by id or as the latest', async () => {
        await someDifference();
        const { run_id: id } = await cli.json('reconcile', '--reason', 'first look');
        for (const name of [id, 'latest']) {
          const { code, out } = await cli.run('reconcile', 'show', name);
          expect(code).toBe(0);
          expect(out).toContain('HIGH      MISSING_FROM_BOOK');
          expect(out).toContain(`asked by  operator, ${operator}: first look`);
          expect(out).not.toMatch(/^lock/m);
        }
        expect(await cli.json('reconcile', 'show', id)).toMatchObject({
          run: { runId: id },
          verdict: { discrepancies: [{ type: 'MISSING_FROM_BOOK' }] },
          plan: { state: 'staged' },
        });
      });

      it('judges one again from its evidence: the same to the byte', async () => {
        await someDifference();
        const { run_id: id, plan_hash: hash } = await cli.json('reconcile');
        const { code, out } = await cli.run('reconcile', 'rejudge', id);
        expect(code).toBe(0);
        expect(out).toMatch(/^The same, to the byte\.$/m);
        expect(out).toMatch(new RegExp(`^plan +${hash}$`, 'm'));
        expect(await cli.json('reconcile', 'rejudge', id)).toMatchObject({ same: true, samePlan: true });
      });

      it('names evidence that is corrupted or gone, exit code 3', async () => {
        await someDifference();
        const { run_id: id, evidence } = await cli.json('reconcile');
        bitFlip(evidence);
        const corrupt = await cli.run('reconcile', 'rejudge', id);
        expect(corrupt).toMatchObject({ code: 3, out: '' });
        expect(corrupt.err).toContain(`EVIDENCE_CORRUPT: ${evidence} has the SHA-256`);
        cli.desk.store.objects.delete(evidence);
        expect(await cli.run('reconcile', 'rejudge', id)).toMatchObject({
          code: 3,
          err: expect.stringContaining('EVIDENCE_MISSING'),
        });
        bitFlip(evidence.replace('evidence', 'verdict'));
        expect(await cli.run('reconcile', 'show', id)).toMatchObject({
          code: 3,
          err: expect.stringContaining('EVIDENCE_CORRUPT'),
        });
      });
    });

    describe('what a person says to the runs', () => {
      it('pauses those of the clock and ends it, each with who and why', async () => {
        await someDifference();
        const paused = await cli.run('reconcile', 'pause', '--for', '30m', '--reason', 'roll day');
        expect(paused).toMatchObject({
          code: 0,
          out: expect.stringMatching(/paused until 2026-01-05 \d\d:\d\d:\d\d/),
        });
        expect((await cli.desk.state()).paused).toMatchObject({
          by: operator,
          reason: 'roll day',
          untilMs: cli.desk.nowMs + 30 * minute,
        });
        expect(await cli.json('reconcile', 'resume', '--reason', 'rolled')).toMatchObject({ changed: true });
        expect((await cli.desk.state()).paused).toBeNull();
        expect(await cli.json('reconcile', 'resume', '--reason', 'again')).toMatchObject({ changed: false });
      });

      it('acknowledges what is open, and names it where the id is not', async () => {
        await someDifference();
        await cli.run('reconcile');
        const wrong = await cli.run('reconcile', 'ack', 'MISSING_FROM_BOOK:order P19', '--reason', 'known');
        expect(wrong).toMatchObject({
          code: 2,
          err: expect.stringContaining('Did you mean MISSING_FROM_BOOK:order P18?'),
        });
        const done = await cli.run('reconcile', 'ack', 'missing_from_book:order P18', '--reason', 'known');
        expect(done).toMatchObject({
          code: 0,
          out: expect.stringMatching(/HIGH +MISSING_FROM_BOOK:order P18 +acknowledged/),
        });
        expect((await cli.desk.state()).acknowledged).toMatchObject({
          'MISSING_FROM_BOOK:order P18': { by: operator, reason: 'known' },
        });
      });
    });
  },
);
