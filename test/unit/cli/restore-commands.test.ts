import { DeleteItemCommand, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../lib/aws/audit-hash.ts';
import { fillEvent, orderEvent, positionEvent } from '../../helpers/book-events.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { account, createDesk, nowMs, type TestDesk } from './desk.ts';

const at = (seq: number) => ({ account, epoch: 7, seq });
const placed = { status: 'PreSubmitted', brokerStatus: 'PreSubmitted' } as const;

describe.skipIf(!engineIsHere)(
  `restore and drill${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let desk: TestDesk;
    let id: string;

    beforeAll(async () => {
      engine = await startDynamoEngine();
    });
    beforeEach(async () => {
      desk = await createDesk(engine);
      await desk.tell(
        orderEvent('order.placed', 17, { ...placed, orderRef: 'breakout-17' }, at(1)),
        orderEvent('order.placed', 18, { ...placed, orderRef: 'breakout-18' }, at(2)),
        fillEvent(
          17,
          {
            orderRef: 'breakout-17',
            execBase: 'e.1',
            revision: 1,
            price: '1323.4',
            quantity: '2',
            timeMs: nowMs - 60_000,
          },
          at(3),
        ),
        positionEvent(98765432, '2', at(4)),
      );
      ({ id } = JSON.parse((await desk.run('backup', '--reason', 'noon', '--json')).out));
      return () => desk.stop();
    });
    afterAll(async () => {
      await engine.stop();
    });

    const reason = ['--reason', 'the table was deleted'];
    const execute = (...more: string[]) => desk.run('restore', id, '--execute', ...reason, ...more);
    /** Items of the book as canonical JSON, without what a restore may change. */
    const book = async () => {
      const kept: string[] = [];
      for await (const { ref, version, body } of desk.book.all(account)) {
        if (!['flags', 'lock', 'audit-head'].includes(ref.kind))
          kept.push(canonicalJson({ ref: { ...ref }, version, body }));
      }
      return kept.sort();
    };
    const wipe = async (...tables: string[]) => {
      for (const TableName of tables) {
        const { Items: items = [] } = await engine.client.send(new ScanCommand({ TableName }));
        for (const { pk, sk } of items)
          await engine.client.send(new DeleteItemCommand({ TableName, Key: { pk: pk!, sk: sk! } }));
      }
    };
    const wipeAll = () => wipe(desk.bookTable, desk.auditTable);

    describe('a dry run', () => {
      it('says what would change, and changes nothing', async () => {
        await desk.tell(orderEvent('order.placed', 19, { ...placed, orderRef: 'later' }, at(5)));
        const before = await book();
        const { code, out } = await desk.run('restore', 'latest');
        expect(code, out).toBe(0);
        expect(out).toContain(`${id}, number 1, as of 2026-01-05 16:00:00.000 (`);
        expect(out).toContain('DU1234567: the book is in use; the backup has');
        expect(out).toMatch(/^order +0 +0 +1 +orders, ORDER#…$/m);
        expect(out).toMatch(/^ {2}- ORDER#P19$/m);
        expect(out).toContain('By their keys (+ comes back, ~ becomes what it was, - is taken away):');
        expect(out).toContain('The trading state: nobody has set one.');
        expect(out).toContain('The broker is told nothing: working orders go on working there');
        expect(out).toContain('This was a dry run: nothing was changed.');
        expect(out).toContain(`restore ${id} --execute --in-place --reason "..."`);
        expect(await book()).toEqual(before);
        expect(JSON.parse((await desk.run('restore', '1', '--json')).out)).toMatchObject({
          executed: false,
          backup: { id, number: 1 },
          accounts: [{ account, state: 'in-use', needsInPlace: true }],
        });
      });

      it('of an empty book adds everything', async () => {
        await wipeAll();
        const { code, out } = await desk.run('restore', id);
        expect(code).toBe(0);
        expect(out).toContain('DU1234567: the book is empty');
        expect(out).toMatch(/^order +2 +0 +0 +orders, ORDER#…$/m);
        expect(out).not.toContain('--in-place');
      });
    });

    it.each([
      [['restore', 'latest', '--execute'], 'REASON_NEEDED'],
      [['restore', 'latest', '--yes'], '--yes confirms --execute'],
      [['restore'], "missing required argument 'backup'"],
      [['restore', 'noon'], 'noon names no backup'],
      [['restore', '7'], 'There is no backup number 7'],
      [
        ['restore', 'latest', '--execute', ...reason, '--yes'],
        'RESTORE_BOOK_NOT_EMPTY: The book of DU1234567',
      ],
      [['restore', 'latest', '--execute', '--in-place', ...reason], 'CONFIRMATION_NEEDED'],
      [['--account', account, 'drill'], 'Leave --account out'],
    ])('%j is refused, and nothing changes', async (argv, words) => {
      const before = await book();
      const { code, out, err } = await desk.run(...argv);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(words);
      expect(await book()).toEqual(before);
      expect(desk.world.backups.asked).toHaveLength(1);
    });

    describe('into an empty book', () => {
      it('asks for the id, and ends with the counts and what to do next', async () => {
        const before = await book();
        await wipeAll();
        const asked: string[] = [];
        desk.world.ask = async (question) => {
          asked.push(question);
          return ` ${id}\n`;
        };
        const { code, out, err } = await execute();
        expect(code, out + err).toBe(0);
        expect(asked).toEqual([
          expect.stringContaining(`(9 changes) in the stage sandbox and locks trading. Type ${id} to go on`),
        ]);
        expect(out).toMatch(/^DU1234567 +orders +2 +2 +same$/m);
        expect(out).toMatch(/^ +order events +3 +3 +same$/m);
        expect(out).toMatch(/^ +executions +1 +1 +same$/m);
        expect(out).toContain('DRY_RUN true, SAFE_MODE true, DRY_RUN_CONFIRM false, FORCE_SYNC_DELETE false');
        expect(out).toContain('Trading is locked until a reconcile has been completed.');
        expect(out).toContain('What came after 2026-01-05 16:00:00.000 is not known here: a halt,');
        expect(out).not.toContain('4. resume');
        expect(out).toContain('audit verify --against-book');
        expect(await book()).toEqual(before);
        expect((await desk.run('audit', 'verify', '--against-book')).code).toBe(0);
        expect((await desk.run('audit')).out).toContain('the table was deleted');
      });

      it('does nothing when something else is typed', async () => {
        await wipeAll();
        desk.world.ask = async () => 'yes';
        const { code, err } = await execute();
        expect(code).toBe(2);
        expect(err).toContain('NOT_CONFIRMED');
        expect(await book()).toEqual([]);
      });

      it('replays what the surviving trail has, and says so', async () => {
        await desk.tell(orderEvent('order.placed', 19, { ...placed, orderRef: 'later' }, at(5)));
        const before = await book();
        await wipe(desk.bookTable);
        const { code, out } = await execute('--yes');
        expect(code, out).toBe(0);
        expect(out).toMatch(/^DU1234567 +orders +2 +3 +differs$/m);
        expect(out).toContain('1 row of the surviving trail replayed on top, up to 2026-01-05 16:');
        expect(await book()).toEqual(before);
      });

      it('needs no question where it is restored already', async () => {
        await wipeAll();
        await execute('--yes');
        const { code, out } = await execute();
        expect(code, out).toBe(0);
        expect(out).toContain('it was restored from this backup before');
      });

      it('Ctrl-C while it reads changes nothing; while it writes the same command goes on', async () => {
        const before = await book();
        await wipeAll();
        const { store } = desk.world.backups;
        const read = store.get.bind(store);
        /** Ctrl-C at the n-th part that is read once the person has confirmed: two to verify, then two to write. */
        const interruptAt = (part: number) => {
          let parts = 0;
          desk.world.ask = async () => {
            store.get = (key) => {
              if (key.startsWith('parts/')) parts += 1;
              if (parts === part) desk.world.interrupt();
              return read(key);
            };
            return id;
          };
        };
        interruptAt(1);
        expect(await execute()).toMatchObject({
          code: 130,
          out: '',
          err: expect.stringContaining('RESTORE_INTERRUPTED: Nothing was changed.'),
        });
        store.get = read;
        interruptAt(3);
        const { code, out, err } = await execute();
        expect({ code, out }).toEqual({ code: 130, out: '' });
        expect(err).toContain(
          `The restore of ${id} into the stage sandbox is half done; nothing else can write`,
        );
        store.get = read;
        expect((await desk.run('restore', id)).out).toContain('a restore of this backup is half done');
        const ended = await execute('--yes');
        expect(ended.code, ended.err).toBe(0);
        expect(ended.out).toContain('the restore that was begun went on');
        expect(await book()).toEqual(before);
      });
    });

    it('in place: makes a backup first, then changes what differs', async () => {
      await desk.tell(orderEvent('order.placed', 19, { ...placed, orderRef: 'later' }, at(5)));
      const { code, out, err } = await execute('--in-place', '--yes');
      expect(code, out + err).toBe(0);
      expect(desk.world.backups.asked.at(-1)).toMatchObject({
        trigger: 'restore',
        by: desk.world.identity.arn,
        reason: `before the restore of ${id}`,
      });
      const { backups } = JSON.parse((await desk.run('backups', '--json')).out);
      expect(backups).toHaveLength(2);
      expect(out).toContain(`What was there before is in ${backups[0].id}.`);
      expect(JSON.parse((await desk.run('orders', '--all', '--json')).out).orders).toHaveLength(2);
      expect((await desk.run('audit', 'verify', '--against-book')).code).toBe(0);
    });

    it('in place: a halt that was given after the backup holds on, and is said before and after', async () => {
      expect((await desk.run('halt', '--reason', 'prints are nonsense')).code).toBe(0);
      const { code, out, err } = await execute('--in-place', '--yes');
      expect(code, out + err).toBe(0);
      const said = (text: string, before: string) =>
        new RegExp(
          `${before}: (halted since 2026-01-05 16:00:\\d\\d\\.\\d+ by .+: prints are nonsense)\\.$`,
          'm',
        ).exec(text)?.[1];
      expect(said(err, 'The trading state')).toBeDefined();
      expect(said(out, 'Trading state of DU1234567, as it stood before the restore')).toBe(
        said(err, 'The trading state'),
      );
      expect(out).toContain('working orders go on working there, positions are what they are');
      expect(out).toContain('4. resume, once');
      expect((await desk.run('status')).out).toMatch(/halted/);
    });

    describe('a drill', () => {
      it('measures, and takes its tables away again', async () => {
        const before = await book();
        const { code, out, err } = await desk.run('drill');
        expect(code, out + err).toBe(0);
        expect(out).toContain(
          `The backup ${id} restores: counts and audit chains are those of its manifest.`,
        );
        expect(out).toMatch(/^recovery time +\S+ m?s for 9 items and 4 audit rows$/m);
        expect(out).toMatch(/^recovery point +2026-01-05 16:00:00\.000, \d+ s before the drill$/m);
        expect(out).toMatch(/^DU1234567 +orders +2 +2 +same$/m);
        expect(out).toContain('no usable snapshot of IB to compare with');
        expect(await book()).toEqual(before);
        const { TableNames = [] } = await engine.client.send(new ListTablesCommand({ Limit: 100 }));
        expect(TableNames.filter((name) => name.includes('drill'))).toEqual([]);
        expect(
          [...desk.world.backups.store.objects.keys()].filter((key) => key.startsWith('drills/')),
        ).toHaveLength(1);
      });

      it('says how much has been written since', async () => {
        await desk.tell(orderEvent('order.placed', 19, { ...placed, orderRef: 'later' }, at(5)));
        const { ok, accounts } = JSON.parse((await desk.run('drill', id, '--json')).out);
        expect({ ok, rowsSince: accounts[0].rowsSince }).toEqual({ ok: true, rowsSince: 1 });
      });

      it('finds a bad part, exit code 3', async () => {
        const { objects } = desk.world.backups.store;
        const [part] = [...objects.keys()].filter((key) => key.includes('/audit-'));
        objects.delete(part!);
        const { code, out, err } = await desk.run('drill');
        expect(code, out + err).toBe(3);
        expect(out + err).toContain(`BACKUP_PART_MISSING`);
        expect(out + err).toContain(part);
      });
    });

    it('a bad part is named, exit code 3, and nothing is written', async () => {
      await wipeAll();
      const { objects } = desk.world.backups.store;
      const [part] = [...objects.keys()].filter((key) => key.includes('/book-'));
      objects.set(part!, [objects.get(part!)![0]!.subarray(0, 40)]);
      const { code, out, err } = await execute('--yes');
      expect({ code, out }).toEqual({ code: 3, out: '' });
      expect(err).toContain(`BACKUP_PART_TRUNCATED: The part ${part}`);
      expect(await book()).toEqual([]);
    });
  },
);
