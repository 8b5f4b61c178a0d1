import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteItemCommand, DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bookEvent } from '../../functions/book-keeper/book-event.ts';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { synth } from '../../sandbox/cloud/synth.ts';
import { fillEvent, orderEvent, positionEvent } from '../helpers/book-events.ts';
import { cleanFolders, quickConfig, scratchFolder } from '../helpers/desk-runs.ts';
import { evenkeelHere } from '../helpers/operator.ts';
import type { Ended } from '../helpers/programs.ts';

const account = 'DU1234567';
const tables = { bookTable: 'evenkeel-sandbox-book', auditTable: 'evenkeel-sandbox-audit' };

let cloud: LocalCloud;
let client: DynamoDBClient;
let book: BookTable;
let evenkeel: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  const dataDir = scratchFolder();
  const { assembly, stack } = await synth({ stage: 'sandbox', progress: () => undefined });
  cloud = await startCloud({ assembly, stack, dataDir: join(dataDir, 'cloud'), schedules: false });
  const { endpoint, region } = cloud;
  writeFileSync(join(dataDir, 'endpoint.json'), JSON.stringify({ endpoint, region }));
  client = new DynamoDBClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
  });
  book = new BookTable({ client, ...tables });
  const config = quickConfig(dataDir);
  evenkeel = (...args) => evenkeelHere(['--data', dataDir, ...args], config);
});

afterAll(async () => {
  client?.destroy();
  await cloud?.stop();
  cleanFolders();
});

it('backs up, drills, and brings back a book that was wiped, as a person does it', async () => {
  await tell(0, 20);
  const before = await bytesOfBook();

  const made = await evenkeel('backup', '--reason', 'before the accident');
  expect(made.code, made.stdout + made.stderr).toBe(0);
  const [, id = ''] = /^Backup made: (db_backup_\d{8}_\d{6}), number 1\.$/m.exec(made.stdout) ?? [];
  const [{ backups }, shown] = await Promise.all([json('backups'), evenkeel('backups', 'show', id)]);
  const trigger = 'operator arn:aws:iam::000000000000:user/operator: before the accident';
  const expected = { number: 1, id, orders: 20, fills: 20, auditRows: 60, trigger, finding: null };
  expect(backups).toMatchObject([expected]);
  expect(shown.stdout).toMatch(/^DU1234567 .* order +20$/m);

  const drill = await evenkeel('drill');
  expect(drill.code, drill.stdout + drill.stderr).toBe(0);
  expect(drill.stdout).toMatch(/^recovery time +\S+ m?s for \d+ items and 60 audit rows$/m);
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  expect(TableNames.filter((name) => name.includes('drill'))).toEqual([]);

  await Promise.all([wipe(tables.bookTable), wipe(tables.auditTable)]);
  expect(await bytesOfBook()).toEqual([]);
  const restored = await evenkeel('restore', id, '--execute', '--yes', '--reason', 'the tables were emptied');
  expect(restored.code, restored.stdout + restored.stderr).toBe(0);
  for (const what of ['orders +20 +20', 'order events +40 +40', 'executions +20 +20'])
    expect(restored.stdout).toMatch(new RegExp(`${what} +same$`, 'm'));
  expect(await bytesOfBook()).toEqual(before);
  const audited = await evenkeel('audit', 'verify', '--against-book');
  expect(audited.code, audited.stdout + audited.stderr).toBe(0);

  await tell(20, 21);
  const inPlace = await evenkeel('restore', id, '--execute', '--in-place', '--yes', '--reason', 'again');
  expect(inPlace.code, inPlace.stdout + inPlace.stderr).toBe(0);
  expect(inPlace.stdout).toContain('What was there before is in db_backup_');
  const [{ orders }, verified] = await Promise.all([json('orders', '--all'), json('verify', '--all')]);
  expect(orders).toHaveLength(20);
  expect(verified).toMatchObject({ ok: true, backups: [{ number: 2 }, { number: 1 }] });
});

async function json(...args: string[]) {
  return JSON.parse((await evenkeel(...args, '--json')).stdout);
}

/** An order, its fill and a position for each number. */
async function tell(from: number, to: number): Promise<void> {
  for (let number = from; number < to; number += 1) {
    const at = (seq: number) => ({ account, epoch: 1, seq: number * 3 + seq });
    const orderRef = `ref-${number}`;
    const events = [
      orderEvent(
        'order.placed',
        100 + number,
        { status: 'Submitted', brokerStatus: 'Submitted', orderRef },
        at(1),
      ),
      fillEvent(
        100 + number,
        { orderRef, execBase: `e.${number}`, revision: 1, quantity: '1', price: '10', timeMs: Date.now() },
        at(2),
      ),
      positionEvent(1_000 + number, '1', at(3)),
    ];
    for (const event of events)
      await bookEvent(event, { book, nowMs: Date.now, sleep: async () => undefined, random: () => 0 });
  }
}

/** Every item but the ones that a restore may change. */
async function bytesOfBook(): Promise<string[]> {
  const lines: string[] = [];
  for await (const { ref, version, body } of book.all(account)) {
    if (!['flags', 'lock', 'audit-head'].includes(ref.kind))
      lines.push(canonicalJson({ ref: { ...ref }, version, body }));
  }
  return lines.sort();
}

async function wipe(TableName: string): Promise<void> {
  const { Items: items = [] } = await client.send(new ScanCommand({ TableName }));
  await Promise.all(
    items.map(({ pk, sk }) => client.send(new DeleteItemCommand({ TableName, Key: { pk: pk!, sk: sk! } }))),
  );
}
