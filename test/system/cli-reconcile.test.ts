import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, expect, it, vi } from 'vitest';
import { BookTable } from '../../lib/aws/book-table.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { onceFree } from '../helpers/free-run.ts';
import { forgetOrder, tradeByHand } from '../helpers/hand-trades.ts';
import { evenkeelHere } from '../helpers/operator.ts';
import type { Ended } from '../helpers/programs.ts';

const account = 'DU1234567';
const operator = 'arn:aws:iam::000000000000:user/operator';

let client: DynamoDBClient | undefined;

afterAll(() => {
  client?.destroy();
  cleanFolders();
});

it('reconciles, reviews, approves and applies against a running sandbox, as a person does it', async () => {
  const dataDir = scratchFolder();
  const config = quickConfig(dataDir);
  appendFileSync(
    join(config.EVENKEEL_CONFIG_DIR!, 'sandbox.yml'),
    'reconcile: { quietMs: 0, everyMinutes: 60 }\n',
  );
  const evenkeel = (...args: string[]): Promise<Ended> =>
    onceFree(() => evenkeelHere(['--data', dataDir, ...args], config));
  const json = async (...args: string[]) => JSON.parse((await evenkeel(...args, '--json')).stdout);

  await withDesk({ speed: '60', minutes: 120, dataDir, streamerEnv: config }, async (desk) => {
    const book = openBook(desk);
    await vi.waitFor(async () => expect(await desk.streamerStats()).toMatchObject({ ready: true }), {
      timeout: 60_000,
      interval: 100,
    });
    await tradeByHand(desk);
    const orderKey = await vi.waitFor(() => onlyOrder(book), { timeout: 60_000, interval: 100 });

    // The first steps of the operator guide: a dry run, then staging. Both sides agree.
    const dry = await evenkeel('reconcile', '--reason', 'first look');
    expect(dry.code, dry.stdout + dry.stderr).toBe(0);
    expect(dry.stdout).toMatch(/^DRY_RUN {2}run_\d{8}_\d{6}_[0-9a-f]{6}$/m);
    expect((await evenkeel('flags', 'preset', 'execute', '--reason', 'the test says so')).code).toBe(0);
    const clean = await json('reconcile');
    expect(clean).toMatchObject({ status: 'COMPLETED', discrepancy_count: 0, lock: { state: 'open' } });

    // The book forgets the order: reconcile finds it at the broker and stages that it is adopted again.
    await forgetOrder(book, account, orderKey);
    const staged = await evenkeel('reconcile');
    expect(staged.code, staged.stdout + staged.stderr).toBe(0);
    expect(staged.stdout).toMatch(new RegExp(`^MEDIUM +UNKNOWN_ORDER +order ${orderKey} `, 'm'));
    const shown = await evenkeel('plan');
    const [, hash = ''] = /^Plan ([0-9a-f]{64})$/m.exec(shown.stdout)!;
    expect(shown.stdout).toMatch(new RegExp(`^ +1 insert order ${orderKey}$`, 'm'));
    await expect(onlyOrder(book)).rejects.toThrow();

    const approved = await evenkeel(
      'plan',
      'approve',
      hash.slice(0, 8),
      '--reason',
      'compared with TWS',
      '--yes',
    );
    expect(approved.code, approved.stdout + approved.stderr).toBe(0);
    expect(approved.stderr).toMatch(/^Backed up first: db_backup_\d{8}_\d{6}$/m);
    expect(approved.stderr).toMatch(new RegExp(`^done {2}1 of 1 {2}order ${orderKey}: `, 'm'));
    expect(approved.stdout).toContain(`Approved by ${operator}.`);
    expect(await onlyOrder(book)).toBe(orderKey);

    // A run follows by itself, and opens the lock.
    const followed = () => book.read(account, [{ kind: 'run', id: 'STATE' }]);
    await vi.waitFor(
      async () =>
        expect(await followed()).toMatchObject([
          { body: { last: { trigger: 'plan', status: 'COMPLETED' } } },
        ]),
      { timeout: 60_000, interval: 100 },
    );
    const [{ runs }, status, again] = await Promise.all([
      json('reconcile', 'runs'),
      evenkeel('status'),
      evenkeel('plan', 'approve', hash.slice(0, 8), '--reason', 'again', '--yes'),
    ]);
    expect(status.stdout).toMatch(/^lock +open for epoch \d+$/m);
    expect(again).toMatchObject({ code: 3, stderr: expect.stringContaining('PLAN_ALREADY_APPLIED') });
    const before = runs.find((one: { readonly status: string }) => one.status === 'AWAITING_DRY_RUN_CONFIRM');
    const [rejudged, audited] = await Promise.all([
      json('reconcile', 'rejudge', before.runId),
      evenkeel('audit', 'verify', '--against-book'),
    ]);
    expect(rejudged).toMatchObject({ same: true, samePlan: true, planHashNow: hash });
    expect(audited.code, audited.stdout + audited.stderr).toBe(0);
  });
});

function openBook({ cloud: { endpoint, region } }: Desk): BookTable {
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'local' };
  client = new DynamoDBClient({ endpoint, region, credentials });
  return new BookTable({ client, bookTable: 'evenkeel-sandbox-book', auditTable: 'evenkeel-sandbox-audit' });
}

/** Key of the one order, once the broker works on it. */
async function onlyOrder(book: BookTable): Promise<string> {
  const found = [];
  for await (const { ref, body } of book.list(account, 'order'))
    found.push({ key: ref.id, status: body.status });
  expect(found).toMatchObject([{ status: 'Submitted' }]);
  return found[0]!.key;
}
