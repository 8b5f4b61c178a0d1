import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Candle } from '../../../lib/domain/market/candle.ts';
import { commandSchema } from '../../../lib/events/command.ts';
import { snapshotKey } from '../../../lib/events/command-names.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { account, createDesk, heartbeatOf, nowMs, type TestDesk } from './desk.ts';

const barMs = Date.UTC(2026, 0, 5, 14, 30);

function candle(minute: number, changes: Partial<Candle> = {}): Candle {
  return {
    conId: 98765432,
    symbol: 'GCZ3',
    intervalMs: 60_000,
    startMs: barMs + minute * 60_000,
    sessionDate: '2026-01-05',
    open: '1323.4',
    high: '1324.1',
    low: '1323.2',
    close: '1323.9',
    volume: '187.5',
    tickCount: 63,
    source: 'live',
    volumeSource: 'rtvolume',
    partial: false,
    noTrades: false,
    epoch: 7,
    revision: 0,
    ...changes,
  };
}

describe.skipIf(!engineIsHere)(
  `commands of a stage${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let desk: TestDesk;

    beforeAll(async () => {
      engine = await startDynamoEngine();
    });
    beforeEach(async () => {
      desk = await createDesk(engine);
      return () => desk.stop();
    });
    afterAll(async () => {
      await engine.stop();
    });

    describe('flags', () => {
      it('hold from the start: DRY_RUN and SAFE_MODE', async () => {
        const { code, out } = await desk.run('flags');
        expect(code).toBe(0);
        expect(out).toMatch(/DRY_RUN\s+true/);
        expect(out).toMatch(/SAFE_MODE\s+true/);
        expect(out).toContain('Nobody has set a flag yet');
      });

      it('set changes one, and the audit trail has who and why', async () => {
        const { code, out } = await desk.run(
          'flags',
          'set',
          'safe_mode',
          'false',
          '--reason',
          'markets are calm',
        );
        expect(code).toBe(0);
        expect(out).toContain('SAFE_MODE: true -> false');
        const flags = JSON.parse((await desk.run('flags', '--json')).out);
        expect(flags).toMatchObject({ version: 1, source: 'stored', reason: 'markets are calm' });
        expect(flags.flags).toEqual({
          DRY_RUN: true,
          SAFE_MODE: false,
          DRY_RUN_CONFIRM: false,
          FORCE_SYNC_DELETE: false,
        });
        const { rows } = JSON.parse((await desk.run('audit', '--json')).out);
        expect(rows).toMatchObject([
          {
            writer: 'operator',
            cause: { kind: 'operator', id: desk.world.identity.arn, reason: 'markets are calm' },
          },
        ]);
        const again = await desk.run('flags', 'set', 'SAFE_MODE', 'false', '--reason', 'twice');
        expect(again.out).toContain('Nothing to change');
        expect((await desk.run('audit', 'verify', '--against-book')).code).toBe(0);
      });

      it('preset sets the steps of the operator guide', async () => {
        expect((await desk.run('flags', 'preset', 'execute', '--reason', 'reviewed')).code).toBe(0);
        const { flags } = JSON.parse((await desk.run('flags', '--json')).out);
        expect(flags).toMatchObject({ DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true });
        await desk.run('flags', 'preset', 'rollback', '--reason', 'something is off');
        expect(JSON.parse((await desk.run('flags', '--json')).out).flags).toMatchObject({ SAFE_MODE: true });
      });

      it('that cannot be read count as SAFE_MODE, with exit code 3', async () => {
        await desk.book.commit({
          account,
          writer: 'operator',
          cause: { kind: 'operator', id: 'somebody', name: 'by hand', reason: '' },
          atMs: nowMs,
          orderKey: '',
          writes: [{ ref: { kind: 'flags', id: '' }, expectedVersion: 0, body: { DRY_RUN: 'perhaps' } }],
        });
        const { code, out } = await desk.run('flags');
        expect(code).toBe(3);
        expect(out).toContain('Unreadable, so SAFE_MODE holds');
      });

      it.each([
        [
          ['set', 'SAVE_MODE', 'true', '--reason', 'x'],
          'There is no flag SAVE_MODE; valid: DRY_RUN, SAFE_MODE, DRY_RUN_CONFIRM, FORCE_SYNC_DELETE. Did you mean SAFE_MODE?',
        ],
        [['set', 'SAFE_MODE', 'yes', '--reason', 'x'], 'There is no flag value yes; valid: true, false.'],
        [['set', 'SAFE_MODE', 'true'], "required option '--reason <text>' not specified"],
        [['set', 'SAFE_MODE', 'true', '--reason', ' '], 'Say why'],
        [
          ['preset', 'stagee', '--reason', 'x'],
          'There is no preset stagee; valid: dry-run, stage, execute, rollback. Did you mean stage?',
        ],
        [['sett'], 'Valid commands: set, preset. Did you mean set?'],
      ])('%j is refused, and nothing changes', async (argv, words) => {
        const { code, out, err } = await desk.run('flags', ...argv);
        expect({ code, out }).toEqual({ code: 2, out: '' });
        expect(err).toContain(words);
        expect(JSON.parse((await desk.run('flags', '--json')).out).version).toBe(0);
      });
    });

    describe('status', () => {
      it('says how it stands', async () => {
        const { code, out } = await desk.run('status', '--verbose');
        expect(code).toBe(0);
        expect(out).toContain('ready, heard 3 s ago, epoch 7');
        expect(out).toContain('held, token 7');
        expect(out).toContain('locked: no reconcile has been completed yet');
        expect(out).toContain('conId 98765432, live, 100 trades');
      });

      it('does not take an old heartbeat for life', async () => {
        desk.world.heartbeat = heartbeatOf({ atMs: nowMs - 60_000 });
        expect((await desk.run('status')).out).toContain('no sign of life, heard 60 s ago (then: ready)');
        expect(JSON.parse((await desk.run('status', '--json')).out)).toMatchObject({
          alive: false,
          at: '2026-01-05T15:00:00.000Z',
        });
        desk.world.heartbeat = undefined;
        expect((await desk.run('status')).out).toContain('no sign of life yet');
      });
    });

    describe('candles', () => {
      beforeEach(async () => {
        for (let minute = 0; minute < 25; minute++) await desk.candles.put(candle(minute));
        await desk.candles.put(candle(25, { source: 'flat', noTrades: true, volume: '0' }));
        await desk.candles.put(candle(26, { partial: true, high: '1330', revision: 2 }));
      });

      it.each(['GCZ3', 'gc', '98765432'])('of %s: the latest ones without a range', async (symbol) => {
        const { candles, conId } = JSON.parse((await desk.run('candles', symbol, '--json')).out);
        expect(conId).toBe(98765432);
        expect(candles).toHaveLength(20);
        expect(candles.at(-1)).toMatchObject({
          start: '2026-01-05T14:56:00.000Z',
          high: '1330',
          partial: true,
        });
      });

      it('show prices with the same decimals', async () => {
        expect((await desk.run('candles', 'GC', '--latest', '1')).out).toMatch(
          /1,323\.4 +1,330\.0 +1,323\.2/,
        );
      });

      it('of a range, and the latest of a range', async () => {
        const range = ['candles', 'GC', '--from', '2026-01-05T15:32', '--to', '2026-01-05T14:35Z', '--json'];
        expect(JSON.parse((await desk.run(...range)).out).candles).toHaveLength(3);
        const latest = JSON.parse((await desk.run(...range, '--latest', '1')).out).candles;
        expect(latest.map(({ start }: { start: string }) => start)).toEqual(['2026-01-05T14:34:00.000Z']);
      });

      it('of a tape of another year, long before this clock', async () => {
        await desk.candles.put(candle(0, { conId: 5, startMs: Date.UTC(2013, 9, 8, 14, 30) }));
        expect(
          JSON.parse((await desk.run('candles', '5', '--latest', '3', '--json')).out).candles,
        ).toHaveLength(1);
      });

      it('--plot: drawn for a person, the same JSON for a script', async () => {
        const { code, out } = await desk.run('candles', 'GC', '--plot');
        expect(code).toBe(0);
        expect(out).toContain('GCZ3, 2026-01-05 15:30 to 2026-01-05 15:56, each column 1 min');
        expect(out).toMatch(/^ +partial │ +•$/m);
        const drawn = await desk.run('candles', 'GC', '--plot', '--latest', '3', '--json');
        expect(drawn.out).toBe((await desk.run('candles', 'GC', '--latest', '3', '--json')).out);
        expect(await desk.run('candles', 'GC', '--plot', '--from', '2m')).toMatchObject({
          code: 0,
          out: 'No candle of GCZ3 (conId 98765432) in that time.\n',
        });
        expect(await desk.run('candles', 'GC', '--plot', '--stats')).toMatchObject({ code: 2, out: '' });
      });

      it('--stats: total candles and the rest', async () => {
        expect(JSON.parse((await desk.run('candles', 'GC', '--stats', '--json')).out)).toMatchObject({
          total: 27,
          first: '2026-01-05T14:30:00.000Z',
          last: '2026-01-05T14:56:00.000Z',
          sources: { live: 26, flat: 1, backfill: 0 },
          partial: 1,
          corrected: 1,
          withoutTrades: 1,
          volume: '4875',
          high: '1330',
          low: '1323.2',
        });
        expect((await desk.run('candles', 'GC', '--stats')).out).toMatch(/total candles\s+27/);
      });

      it.each([
        [
          ['GCZ4'],
          'There is no symbol GCZ4 that this stage knows (a conId works too); valid: GCZ3. Did you mean GCZ3?',
        ],
        [['GC', '--from', '1h', '--to', '2h'], '--to 2h is not after --from 1h'],
        [['GC', '--from', 'yesterdy'], 'yesterdy is no time that can be read'],
        [['GC', '--latest', '0'], 'Allowed: a whole number from 1'],
      ])('%j is named', async (argv, words) => {
        const { code, err } = await desk.run('candles', ...argv);
        expect(code).toBe(2);
        expect(err).toContain(words);
      });
    });

    describe('logs', () => {
      const entry = (second: number, message: string, stream = 'streamer/streamer/1') => ({
        atMs: nowMs - 60_000 + second * 1000,
        stream,
        id: `e${second}`,
        message,
      });

      it('leaves figures for CloudWatch out, unless they are asked for', async () => {
        desk.world.logs['/evenkeel-sandbox/streamer-main'] = [
          entry(1, '{"_aws":{"Timestamp":1,"CloudWatchMetrics":[]},"ticks":7}'),
          entry(2, '{"level":30,"msg":"ready"}'),
        ];
        expect((await desk.run('logs')).out).toMatch(/^.* info {2}ready\n$/);
        expect((await desk.run('logs', '--json')).out.trim().split('\n')).toHaveLength(1);
        expect((await desk.run('logs', '--metrics')).out).toContain('ticks=7');
      });

      it('of a part, since a time; an entry that is JSON as a line', async () => {
        desk.world.logs['/evenkeel-sandbox/streamer-main'] = [
          entry(1, '{"level":40,"time":"x","msg":"the session is lost","phase":"lost"}'),
          entry(2, 'from the gateway', 'gateway/gateway/1'),
          entry(3, 'tricks \u001B[2J here'),
        ];
        const { code, out } = await desk.run('logs', 'streamer');
        expect(code).toBe(0);
        expect(out).toMatch(/^2026-01-05 15:59:01 warn {2}the session is lost phase=lost\n/);
        expect(out).not.toContain('from the gateway');
        expect(out).not.toContain('\u001B');
        expect((await desk.run('logs', 'gateway')).out).toContain('from the gateway');
        const json = (await desk.run('logs', '--since', '58s', '--json')).out.trim().split('\n');
        expect(json.map((line) => JSON.parse(line).at)).toEqual(['2026-01-05T14:59:03.000Z']);
      });

      it('names a part that does not exist, and a group that is not there', async () => {
        expect(await desk.run('logs', 'bookkeeper')).toMatchObject({
          code: 2,
          err: expect.stringContaining('Did you mean book-keeper?'),
        });
        expect(await desk.run('logs', 'book-keeper')).toMatchObject({
          code: 4,
          err: expect.stringContaining('/evenkeel-sandbox/book-keeper'),
        });
      });
    });

    describe('snapshot', () => {
      const none = { outcome: 'ok', rows: [] };
      const cash = {
        kind: 'account-value',
        account,
        key: 'TotalCashBalance',
        value: '1000000',
        currency: 'USD',
      };
      const parts = {
        positions: none,
        openOrders: none,
        completedOrders: none,
        executions: none,
        accountValues: { outcome: 'ok', rows: [cash, { ...cash, currency: 'EUR' }] },
      };
      const documentOf = (commandId: string, changes: object) => ({
        kind: 'evenkeel.snapshot',
        version: 1,
        commandId,
        stage: 'sandbox',
        streamer: 'main',
        account,
        epoch: 7,
        serverVersion: 193,
        startedAt: '2026-01-05T15:00:00.000Z',
        completedAt: '2026-01-05T15:00:01.000Z',
        brokerTimeMs: nowMs,
        parts,
        ...changes,
      });
      /** Answers as the streamer does, at the next look. */
      const answer = (changes: object = {}) => {
        desk.world.onSleep = () => {
          const [command] = desk.world.sent;
          const bytes = Buffer.from(JSON.stringify(documentOf(command!.id, changes)));
          desk.world.objects.set(snapshotKey(account, command!.id), bytes);
        };
      };

      it('asks by the command queue and shows what came', async () => {
        answer();
        const { code, out } = await desk.run('snapshot', '--json');
        const [sent] = desk.world.sent;
        expect(sent?.group).toBe(`query#${account}`);
        expect(commandSchema.parse(JSON.parse(sent!.body))).toMatchObject({
          type: 'snapshot',
          account,
          issuedBy: desk.world.identity.arn,
        });
        expect(code).toBe(0);
        expect(JSON.parse(out)).toMatchObject({
          commandId: sent!.id,
          sha256: createHash('sha256')
            .update(JSON.stringify(documentOf(sent!.id, {})))
            .digest('hex'),
          parts: [{ name: 'positions', outcome: 'ok', rows: 0 }, {}, {}, {}, { rows: 2 }],
        });
      });

      it('ends with 3 where a part is not ok', async () => {
        answer({ parts: { ...parts, executions: { outcome: 'partial', rows: [] } } });
        const { code, out } = await desk.run('snapshot');
        expect(code).toBe(3);
        expect(out).toMatch(/executions\s+partial\s+0/);
      });

      it('does not take something else for the snapshot', async () => {
        answer({ commandId: 'another' });
        const { code, err } = await desk.run('snapshot');
        expect(code).toBe(1);
        expect(err).toContain('SNAPSHOT_UNUSABLE');
      });

      it('gives up in time, and says what to look at', async () => {
        const { code, err } = await desk.run('snapshot', '--wait', '5');
        expect(code).toBe(1);
        expect(err).toContain('No snapshot came within 5 s');
        const waited = (await desk.run('snapshot', '--wait', '12')).err;
        expect(waited.match(/^Waiting for the snapshot: at most 12 s$/gm)).toHaveLength(2);
        expect(err).toContain('status');
      });
    });

    describe('doctor', () => {
      it('prints connected, subscription active, receiving ticks', async () => {
        desk.world.onSleep = () => {
          desk.world.heartbeat = heartbeatOf({
            feeds: [{ symbol: 'GCZ3', conId: 98765432, feed: 'live', trades: 107 }],
          });
        };
        const { code, out } = await desk.run('doctor');
        expect(code, out).toBe(0);
        for (const check of [
          'configuration',
          'credentials',
          'clock',
          'tables',
          'queues',
          'dead letters',
          'streamer',
        ]) {
          expect(out).toMatch(new RegExp(`^ok +${check} `, 'm'));
        }
        expect(out).toMatch(/^ok {7}connected {12}to IB Gateway/m);
        expect(out).toMatch(/^ok {7}subscription active {2}GCZ3 \(live\)/m);
        expect(out).toMatch(/^ok {7}receiving ticks {6}GCZ3: 7 trades/m);
      });

      it('says that no tick came, after the seconds that were given', async () => {
        const { code, out } = await desk.run('doctor', '--seconds', '5', '--json');
        expect(code).toBe(3);
        const { ok, findings } = JSON.parse(out);
        expect(ok).toBe(false);
        expect(findings.at(-1)).toMatchObject({
          check: 'receiving ticks',
          state: 'problem',
          message: 'no trade in 5 s',
        });
      });

      it('does not wait for ticks of a tape that has ended, and says how it begins anew', async () => {
        const control = createServer((_, response) => response.end('{"ended":true}'));
        await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
        const { port: gatewayControlPort } = control.address() as { port: number };
        const file = join(desk.dataDir, 'endpoint.json');
        writeFileSync(
          file,
          JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), gatewayControlPort }),
        );
        let looks = 0;
        desk.world.onSleep = () => {
          looks += 1;
        };
        try {
          const { code, out } = await desk.run('doctor');
          expect(code, out).toBe(0);
          expect(out).toMatch(/^warning {2}receiving ticks {6}the tape of the sandbox has ended/m);
          expect(out).toContain(
            `begin the day anew, with an empty book: npm run sandbox -- --data ${desk.dataDir} --fresh`,
          );
          expect(looks).toBe(0);
        } finally {
          control.close();
        }
      });

      it('gives no verdict on ticks before the streamer has spoken again, however few seconds are asked for', async () => {
        let sleptMs = 0;
        desk.world.onSleep = (ms) => {
          sleptMs += ms;
          // Heartbeats are eight seconds apart.
          if (sleptMs < 8_000) return;
          desk.world.heartbeat = heartbeatOf({
            atMs: nowMs + sleptMs,
            feeds: [{ symbol: 'GCZ3', conId: 98765432, feed: 'live', trades: 107 }],
          });
        };
        const { code, out } = await desk.run('doctor', '--seconds', '3');
        expect(code, out).toBe(0);
        expect(out).toMatch(/^ok {7}receiving ticks {6}GCZ3: 7 trades/m);
      });

      it.each<[string, (world: TestDesk['world']) => void, string]>([
        [
          'a missing table',
          (world) => {
            world.tableStates = { 'evenkeel-sandbox-audit': undefined };
          },
          'tables',
        ],
        [
          'a missing queue',
          (world) => {
            world.depths = { 'evenkeel-sandbox-book.fifo': undefined };
          },
          'queues',
        ],
        [
          'dead letters',
          (world) => {
            world.depths = { 'evenkeel-sandbox-book-dlq.fifo': { waiting: 2, inFlight: 0 } };
          },
          'dead letters',
        ],
        [
          'a clock that is off',
          (world) => {
            world.identity = { ...world.identity, clockSkewMs: -90_000 };
          },
          'clock',
        ],
        [
          'no heartbeat',
          (world) => {
            world.heartbeat = undefined;
          },
          'streamer',
        ],
        [
          'an old heartbeat',
          (world) => {
            world.heartbeat = heartbeatOf({ atMs: nowMs - 60_000 });
          },
          'streamer',
        ],
        [
          'a session that waits',
          (world) => {
            world.heartbeat = heartbeatOf({ phase: 'waiting-for-login', ready: false });
          },
          'connected',
        ],
        [
          'a line that is not subscribed',
          (world) => {
            world.heartbeat = heartbeatOf({
              feeds: [{ symbol: 'GC', conId: 0, feed: 'unknown', trades: 0 }],
            });
          },
          'subscription active',
        ],
        [
          'orders that are not followed',
          (world) => {
            world.heartbeat = heartbeatOf({ orders: { synced: false, syncedAtMs: 0 } });
          },
          'orders followed',
        ],
      ])('finds %s, and says what to do', async (_, harm, check) => {
        harm(desk.world);
        const { code, out } = await desk.run('doctor', '--seconds', '1', '--json');
        expect(code).toBe(3);
        const [found] = JSON.parse(out).findings.filter(
          ({ state }: { state: string }) => state === 'problem',
        );
        expect(found.check).toBe(check);
        expect(found.advice).not.toBe('');
      });

      it('skips the rest when credentials do not work', async () => {
        desk.world.failure = Object.assign(
          new Error('The security token included in the request is expired'),
          {
            name: 'ExpiredTokenException',
          },
        );
        const { code, out } = await desk.run('doctor');
        expect(code).toBe(3);
        expect(out).toMatch(/^problem {2}credentials {10}CREDENTIALS_EXPIRED: .*Log in again/m);
        expect(out).toMatch(/^skipped {2}receiving ticks/m);
      });
    });
  },
);
