import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, expect, it, vi } from 'vitest';
import { BookTable } from '../../lib/aws/book-table.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { onceFree } from '../helpers/free-run.ts';
import { forgetOrder, tradeByHand } from '../helpers/hand-trades.ts';
import { evenkeelHere } from '../helpers/operator.ts';
import type { Ended } from '../helpers/programs.ts';
import { commandsOf } from '../helpers/shell-commands.ts';

const guide = readFileSync(new URL('../../docs/operator-guide.md', import.meta.url), 'utf8');
const account = 'DU1234567';

let client: DynamoDBClient | undefined;

afterAll(() => {
  client?.destroy();
  cleanFolders();
});

it('the operator guide, command by command, from an empty folder to the rollback', async () => {
  const dataDir = scratchFolder();
  const config = quickConfig(dataDir);
  appendFileSync(
    join(config.EVENKEEL_CONFIG_DIR!, 'sandbox.yml'),
    'reconcile: { quietMs: 0, everyMinutes: 60 }\n',
  );
  await withDesk({ speed: '60', minutes: 120, dataDir, streamerEnv: config }, async (desk) => {
    const { endpoint, region } = desk.cloud;
    const credentials = { accessKeyId: 'operator', secretAccessKey: 'local' };
    client = new DynamoDBClient({ endpoint, region, credentials });
    const book = new BookTable({
      client,
      bookTable: 'evenkeel-sandbox-book',
      auditTable: 'evenkeel-sandbox-audit',
    });
    const orders = async () => {
      const found = [];
      for await (const { ref } of book.list(account, 'order')) found.push(ref.id);
      return found;
    };
    await vi.waitFor(async () => expect(await desk.streamerStats()).toMatchObject({ ready: true }), {
      timeout: 60_000,
      interval: 100,
    });
    // Somebody trades in TWS, and the book has it.
    await tradeByHand(desk);
    const [order] = await vi.waitFor(
      async () => {
        const found = await orders();
        expect(found).toHaveLength(1);
        return found;
      },
      { timeout: 60_000, interval: 100 },
    );

    let hash = '';
    let backup = '';
    const evenkeel = async (words: readonly string[]): Promise<Ended> => {
      const args = words.map((word) => (word === 'HASH' ? hash : word === 'BACKUP' ? backup : word));
      // What a person would type at the question.
      const asked = args[1] === 'approve' || args.includes('--execute') ? ['--yes'] : [];
      return onceFree(() => evenkeelHere(['--data', dataDir, ...args, ...asked], config));
    };
    /** What must be seen beside the exit code 0, by the command as the guide has it. */
    const seen: Readonly<Record<string, RegExp>> = {
      'reconcile --reason what would it do?': /^DRY_RUN {2}run_/m,
      'reconcile --reason stage it': /^AWAITING_DRY_RUN_CONFIRM {2}run_/m,
      'plan show': new RegExp(`insert order ${order}$`, 'm'),
      'reconcile runs': /AWAITING_DRY_RUN_CONFIRM/,
      backups: /db_backup_\d{8}_\d{6}/,
      // The backup is from before the plan: what the plan had brought is gone again, and found again.
      'orders --all': /has no order/,
      'reconcile --reason after the rollback': new RegExp(`UNKNOWN_ORDER +order ${order} `),
    };
    const matched = new Set<string>();
    for (const words of commandsOf(guide, 'npm run ops --')) {
      const command = words.join(' ');
      // The book loses the order behind everybody's back before the guide stages what cures it.
      if (command === 'flags preset stage --reason staging') await forgetOrder(book, account, order!);
      const ended = await evenkeel(words);
      // The doctor of a sandbox on a busy machine may have something to say; it must not fail.
      const codes = words[0] === 'doctor' ? [0, 3] : [0];
      expect(codes, `${command}\n${ended.stdout}${ended.stderr}`).toContain(ended.code);
      if (seen[command]) {
        expect(ended.stdout, command).toMatch(seen[command]);
        matched.add(command);
      }
      hash = /^Plan ([0-9a-f]{8})[0-9a-f]{56}$/m.exec(ended.stdout)?.[1] ?? hash;
      backup = /^Backed up first: (db_backup_\d{8}_\d{6})$/m.exec(ended.stderr)?.[1] ?? backup;
      if (command === 'plan approve HASH --reason compared with TWS') expect(await orders()).toEqual([order]);
    }
    expect([...matched]).toEqual(Object.keys(seen));
  });
});
