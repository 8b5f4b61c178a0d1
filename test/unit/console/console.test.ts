import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Verified } from '../../../bin/evenkeel/audit-verify.ts';
import type { ListedRow } from '../../../bin/evenkeel/backups-show.ts';
import { openConsole } from '../../../bin/evenkeel/console.ts';
import type { RunProgram } from '../../../bin/evenkeel/console-runner.ts';
import type { Diagnosis } from '../../../bin/evenkeel/doctor.ts';
import type { FillRow } from '../../../bin/evenkeel/fills.ts';
import type { Io } from '../../../bin/evenkeel/io.ts';
import type { OrderRow } from '../../../bin/evenkeel/order-rows.ts';
import type { PlanRead } from '../../../bin/evenkeel/plan-read.ts';
import type { PositionRow } from '../../../bin/evenkeel/positions.ts';
import { runEvenkeel } from '../../../bin/evenkeel/program.ts';
import type * as Commands from '../../../bin/evenkeel/reconcile-runs.ts';
import { openSession } from '../../../bin/evenkeel/session.ts';
import type { statusJson } from '../../../bin/evenkeel/status.ts';
import type { ConsoleServer } from '../../../console/server/server.ts';
import type {
  AuditVerified,
  BackupShown,
  Diagnosed,
  FillShown,
  OrderShown,
  PlanShown,
  PositionShown,
  RunRead,
  StatusShown,
} from '../../../console/wire/shapes.ts';
import { Follower, post } from '../../helpers/console-client.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { execute } from '../../helpers/reconcile-desk.ts';
import { account, operator, ReconcileCliDesk } from '../cli/reconcile-cli-desk.ts';

/** What the page expects of a command is what the command answers: the compiler holds the two together. */
const as = {
  plan: (answer: PlanRead): PlanShown => answer,
  run: (answer: Commands.RunRead): RunRead => answer,
  orders: (rows: readonly OrderRow[]): readonly OrderShown[] => rows,
  fills: (rows: readonly FillRow[]): readonly FillShown[] => rows,
  positions: (rows: readonly PositionRow[]): readonly PositionShown[] => rows,
  status: (answer: ReturnType<typeof statusJson>): StatusShown => answer,
  backups: (rows: readonly ListedRow[]): readonly BackupShown[] => rows,
  verified: (answer: Verified): Omit<AuditVerified, 'checkedAt'> => answer,
  diagnosed: (answer: Diagnosis): Diagnosed => answer,
};

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const quiet = { write: () => undefined, isTTY: false, columns: 100 };

describe.skipIf(!engineIsHere)(`the console over real runs and plans${skipped}`, () => {
  let engine: DynamoEngine;
  let cli: ReconcileCliDesk;
  let console: ConsoleServer;
  let followers: Follower[] = [];
  let desks = 0;

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  beforeEach(async () => {
    desks += 1;
    cli = await ReconcileCliDesk.open(engine, `console-${desks}`);
    console = await open(0);
  });
  afterEach(async () => {
    for (const follower of followers) follower.stop();
    followers = [];
    await console.close();
    cli.stop();
  });
  afterAll(() => engine.stop());

  function open(port: number): Promise<ConsoleServer> {
    const io: Io = {
      out: quiet,
      err: quiet,
      env: { EVENKEEL_CONFIG_DIR: cli.folder },
      signal: new AbortController().signal,
      nowMs: () => cli.desk.nowMs,
      ask: undefined,
      sleep: () => new Promise((resolve) => void setTimeout(resolve, 1)),
    };
    const ports = () => cli.ports();
    const session = openSession(
      { stage: 'sandbox', data: cli.folder, color: false },
      { io, open: ports, version: '0.0.0', uncut: (work) => work() },
    );
    const run: RunProgram = (argv, inner, through) => runEvenkeel(argv, inner, through, '0.0.0');
    return openConsole(session, { run, open: ports }, port);
  }

  function follow(...topics: string[]): Follower {
    const follower = new Follower(console, topics);
    followers.push(follower);
    return follower;
  }

  /** The hash of a plan that adopts an order and books two fills. */
  async function staged(): Promise<string> {
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
  }

  const once = async () => {
    const { body } = await post(console, '/api/once', {});
    if (!body.ok) throw new Error(body.message);
    return body.result;
  };
  const approval = async (hash: string, changes: object = {}) => ({
    action: 'approve',
    hash,
    typed: hash.slice(0, 8),
    reason: 'compared with TWS',
    once: await once(),
    ...changes,
  });
  const approve = async (hash: string, changes: object = {}) =>
    post(console, '/api/do', await approval(hash, changes));

  it('shows what the commands write with --json, and nothing else', async () => {
    await staged();
    const page = follow('plan', 'runs', 'run', 'orders', 'fills', 'positions', 'balances');
    await vi.waitFor(() => expect(page.heads.size).toBe(7), { timeout: 20_000 });
    expect(page.heads.get('plan')).toEqual(as.plan(await cli.json('plan', 'show')));
    expect(page.heads.get('run')).toEqual(as.run(await cli.json('reconcile', 'show', 'latest')));
    const rows = (topic: string) => [...page.rows.get(topic)!.values()];
    expect(rows('runs')).toEqual((await cli.json('reconcile', 'runs', '--limit', '200')).runs);
    expect(rows('orders')).toEqual(as.orders((await cli.json('orders', '--all')).orders));
    expect(rows('fills')).toEqual(as.fills((await cli.json('fills')).fills));
    expect(rows('positions')).toEqual(as.positions((await cli.json('positions', '--all')).positions));
    expect(rows('balances')).toEqual((await cli.json('balances')).balances);
    expect(rows('orders').length).toBeGreaterThan(1);
  });

  it('looks further back in the audit trail, without the images of the items', async () => {
    await staged();
    const { body } = await post(console, '/api/ask', { ask: 'audit', days: 30 });
    const { rows } = await cli.json('audit', '--since', '30d', '--limit', '10000');
    expect(body).toMatchObject({ ok: true, result: { more: false, rows: { length: rows.length } } });
    expect(rows.length).toBeGreaterThan(2);
    expect(JSON.stringify(body)).not.toContain('"image"');
    expect(JSON.stringify(body)).toContain(rows.at(-1).hash);
  });

  it('has no --json, and says which commands have', async () => {
    const { code, err } = await cli.run('console', '--json');
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('OPTION_MISPLACED') });
  });

  it('shows IB’s side as the last run that judged saw it', async () => {
    await staged();
    const page = follow('broker');
    await vi.waitFor(() => expect(page.heads.has('broker')).toBe(true), { timeout: 20_000 });
    const { run } = await cli.json('reconcile', 'show', 'latest');
    expect(page.heads.get('broker')).toMatchObject({ runId: run.runId, positionsOutcome: 'ok' });
  });

  it('tells what has changed without being asked, and no more than that', async () => {
    await staged();
    const page = follow('runs', 'audit');
    await vi.waitFor(() => expect(page.rows.get('runs')?.size).toBe(1), { timeout: 20_000 });
    const before = page.rows.get('runs')!;
    await cli.json('reconcile');
    await vi.waitFor(() => expect(page.rows.get('runs')?.size).toBe(2), { timeout: 20_000 });
    expect(page.told.filter((each) => each.endsWith(' runs'))).toEqual(['whole runs', 'change runs']);
    for (const [key, row] of before) expect(page.rows.get('runs')!.get(key)).toBe(row);
  });

  it('names in the command’s own words what cannot be read', async () => {
    const page = follow('status');
    await vi.waitFor(() => expect(page.faults.has('status')).toBe(true), { timeout: 20_000 });
  });

  describe('an approval', () => {
    it('goes the way of plan approve, with the same proof of who asks', async () => {
      const hash = await staged();
      const { status, body } = await approve(hash);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { ok: true, result: { plan_state: 'applied', done: 2, approved_by: operator } },
      });
      expect(cli.asked).toMatchObject([
        {
          name: 'evenkeel-sandbox-apply-plan',
          payload: {
            action: 'approve',
            account,
            hash,
            reason: 'compared with TWS',
            proof: { url: expect.any(String) },
          },
        },
      ]);
    });

    it('is not given by other digits than those of the plan, and nothing is asked', async () => {
      const hash = await staged();
      for (const typed of ['', '00000000', hash.slice(0, 7)])
        expect(await approve(hash, { typed })).toMatchObject({ body: { ok: false, code: 'NOT_CONFIRMED' } });
      expect(cli.asked).toEqual([]);
    });

    it('that is sent a second time to the letter is refused', async () => {
      const hash = await staged();
      const sent = await approval(hash);
      expect(await post(console, '/api/do', sent)).toMatchObject({ status: 200, body: { ok: true } });
      expect(await post(console, '/api/do', sent)).toMatchObject({ status: 409, body: { code: 'REPLAYED' } });
      expect(cli.asked).toHaveLength(1);
    });

    it('without a number, or with one that was made up, is refused', async () => {
      const hash = await staged();
      for (const number of [undefined, '', 'bWFkZSB1cA'])
        expect(await approve(hash, { once: number })).toMatchObject({
          status: 409,
          body: { code: 'REPLAYED' },
        });
      expect(cli.asked).toEqual([]);
    });

    it('of a plan that was approved before is refused', async () => {
      const hash = await staged();
      expect(await approve(hash)).toMatchObject({ body: { ok: true } });
      expect(await approve(hash)).toMatchObject({ body: { ok: false, code: 'PLAN_ALREADY_APPLIED' } });
      expect(cli.asked).toHaveLength(1);
    });

    it('while another of the same plan is under way is refused', async () => {
      const hash = await staged();
      const [first, second] = [await approval(hash), await approval(hash)];
      const answers = await Promise.all([post(console, '/api/do', first), post(console, '/api/do', second)]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'UNDER_WAY' });
      expect(cli.asked).toHaveLength(1);
    });

    it('from another origin, under another host name or without the token is refused', async () => {
      const hash = await staged();
      const sent = await approval(hash);
      const foreign = [
        [{ origin: 'http://evil.example' }, 403, 'ORIGIN_FOREIGN'],
        [{ origin: undefined }, 403, 'ORIGIN_FOREIGN'],
        [{ host: `evil.example:${console.port}` }, 421, 'HOST_FOREIGN'],
        [{ authorization: undefined }, 401, 'TOKEN_MISSING'],
        [{ authorization: 'Bearer of-another-start' }, 401, 'TOKEN_MISSING'],
      ] as const;
      for (const [headers, status, code] of foreign)
        for (const path of ['/api/do', '/api/stream', '/api/ask', '/api/once'])
          expect(await post(console, path, sent, headers)).toMatchObject({ status, body: { code } });
      expect(cli.asked).toEqual([]);
      expect(await post(console, '/api/do', sent)).toMatchObject({ body: { ok: true } });
    });
  });

  it.each([
    [{ action: 'approve', hash: '--yes', typed: 'x', reason: 'x' }],
    [{ action: 'flag', name: 'PATH', value: true, reason: 'x' }],
    [{ action: 'flag', name: 'SAFE_MODE', value: false, reason: '  ' }],
    [{ action: 'acknowledge', id: '--data', reason: 'x' }],
    [{ action: 'restore', id: 'latest', reason: 'x' }],
  ])('does nothing else than its list says: %j', async (wanted) => {
    expect(await post(console, '/api/do', { ...wanted, once: await once() })).toMatchObject({
      status: 400,
      body: { code: 'BODY_INVALID' },
    });
  });

  it('takes a reason as it is, whatever it begins with', async () => {
    const reason = '--stage live; "quoted"';
    const wanted = { action: 'flag', name: 'SAFE_MODE', value: true, reason, once: await once() };
    expect(await post(console, '/api/do', wanted)).toMatchObject({ body: { ok: true, result: { reason } } });
    const { flags, reason: kept } = await cli.json('flags');
    expect({ flags, kept }).toMatchObject({ flags: { SAFE_MODE: true }, kept: reason });
  });

  it('says what to do where its port is taken', async () => {
    await expect(open(console.port)).rejects.toMatchObject({
      code: 'CONSOLE_PORT_TAKEN',
      message: expect.stringMatching(
        /^Another program listens on 127\.0\.0\.1:\d+: .*console --port 5000\.$/,
      ),
    });
  });
});
