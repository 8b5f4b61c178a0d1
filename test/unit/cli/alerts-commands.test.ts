import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDesk as createAlertDesk, step } from '../../../lib/domain/alerts/desk.ts';
import type { AlertNews, DeskInput } from '../../../lib/domain/alerts/types.ts';
import type { Json } from '../../../lib/domain/book/item.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../../helpers/dynamo-engine.ts';
import { channel, news, rulesOf } from '../alerts/desk-harness.ts';
import { createDesk, nowMs, type TestDesk } from './desk.ts';

const minuteMs = 60_000;

describe.skipIf(!engineIsHere)('evenkeel alerts', () => {
  let engine: DynamoEngine;
  let desk: TestDesk;
  /** Payloads of the calls of the function. */
  let calls: Json[];
  let answer: Json;

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(async () => engine.stop());
  beforeEach(async () => {
    desk = await createDesk(engine);
    answer = { code: '', message: '200: ok', by: 'arn:aws:iam::000000000000:user/operator' };
    calls = desk.world.backups.asked;
    desk.world.backups.answer = async () => answer;
  });
  afterEach(() => desk.stop());

  /** What the function has written: each alert a minute after the one before, the last of them now. */
  function raise(...all: readonly Partial<AlertNews>[]): void {
    let state = createAlertDesk(rulesOf({ channels: [channel('email')] }));
    for (const [index, changes] of all.entries()) {
      const atMs = nowMs - (all.length - 1 - index) * minuteMs;
      const input: DeskInput = { kind: 'raised', eventId: `e${index}`, atMs, news: news(changes) };
      ({ state } = step(state, [input], atMs));
    }
    desk.world.alerts = { version: 1, memory: state.memory };
  }

  it('says so when none is open', async () => {
    expect(await desk.run('alerts')).toMatchObject({ code: 0, out: 'No alert is open.\n' });
    expect(JSON.parse((await desk.run('alerts', '--json')).out)).toEqual({ alerts: [], channels: [] });
  });

  it('shows the worst first, with count, times, what to do and the command', async () => {
    raise(
      {},
      { alert: 'unprotected_position', severity: 'CRITICAL', subject: 'position 7', message: 'No stop.' },
      {},
    );
    const { code, out } = await desk.run('alerts');
    expect(code).toBe(0);
    expect(out.indexOf('CRITICAL')).toBeLessThan(out.indexOf('HIGH'));
    expect(out).toContain('a2  CRITICAL  unprotected_position  position 7');
    expect(out).toContain('evenkeel positions --account DU1234567');
    expect(out).toContain('not acknowledged: alerts ack a2 --reason');
    expect(out).toMatch(/×2, first .*, last .* ago/);
    // Nobody has said yet that the first message was taken.
    expect(out).toContain('channel email:');
  });

  it('of a discrepancy that no plan settles it says what does, and sends nobody to a plan', async () => {
    raise({
      alert: 'discrepancy_opened',
      severity: 'HIGH',
      subject: 'UNRESOLVED:order P17',
      message: 'Gone.',
    });
    const { out } = await desk.run('alerts');
    expect(out.replaceAll(/\s+/g, ' ')).toContain(
      'Look for it in TWS or in the statement: no plan is staged',
    );
    expect(out).toContain('evenkeel orders show P17 --account DU1234567');
    raise({
      alert: 'discrepancy_opened',
      severity: 'HIGH',
      subject: 'MISSING_FILL:order P9',
      message: 'Less.',
    });
    const both = await desk.run('alerts');
    expect(both.out).toContain('Review the plan that reconcile has staged');
  });

  it('--json has times in UTC, and who has it', async () => {
    raise({});
    const memory = desk.world.alerts.memory!;
    memory.records.a1!.ack = { by: 'anna', reason: 'on it', atMs: nowMs };
    const { alerts } = JSON.parse((await desk.run('alerts', 'list', '--json')).out);
    expect(alerts).toEqual([
      expect.objectContaining({
        id: 'a1',
        alert: 'reconcile_failed',
        count: 1,
        firstAt: '2026-01-05T15:00:00.000Z',
        acknowledged: { by: 'anna', reason: 'on it', at: '2026-01-05T15:00:00.000Z' },
        command: 'evenkeel reconcile show latest --account DU1234567',
      }),
    ]);
  });

  it('resolved ones only with --all', async () => {
    raise({});
    desk.world.alerts.memory!.records.a1!.resolved = { atMs: nowMs, message: 'A reconcile has completed.' };
    expect((await desk.run('alerts')).out).toContain('No alert is open.');
    expect((await desk.run('alerts', 'list', '--all')).out).toContain('A reconcile has completed.');
  });

  it('ack proves who it is for this alert alone, and says why', async () => {
    raise({});
    const { code, out } = await desk.run('alerts', 'ack', 'A1', '--reason', ' on it ');
    expect(code).toBe(0);
    expect(out).toContain(
      'Acknowledged by arn:aws:iam::000000000000:user/operator: reconcile_failed, run 1.',
    );
    expect(calls).toMatchObject([
      {
        action: 'acknowledge',
        id: 'a1',
        reason: 'on it',
        proof: { headers: { 'x-evenkeel-plan': 'acknowledge-alert a1' } },
      },
    ]);
  });

  it('ack: an unknown alert, no reason, and what is refused', async () => {
    raise({});
    expect(await desk.run('alerts', 'ack', 'a9', '--reason', 'x')).toMatchObject({
      code: 2,
      err: expect.stringContaining('ALERT_UNKNOWN'),
    });
    expect(await desk.run('alerts', 'ack', 'a1', '--reason', ' ')).toMatchObject({
      code: 2,
      err: expect.stringContaining('REASON_NEEDED'),
    });
    expect(calls).toEqual([]);
    answer = { code: 'APPROVAL_EXPIRED', message: 'it was signed too long ago. Nothing was changed.' };
    expect(await desk.run('alerts', 'ack', 'a1', '--reason', 'x')).toMatchObject({
      code: 3,
      err: expect.stringContaining('APPROVAL_EXPIRED'),
    });
  });

  it('test says what the channel answered, and knows the channels', async () => {
    expect(await desk.run('alerts', 'test', 'email')).toMatchObject({
      code: 0,
      out: 'The channel email took the test; it answered: 200: ok.\n',
    });
    expect(calls).toMatchObject([{ action: 'test', channel: 'email' }]);
    expect(await desk.run('alerts', 'test', 'emial')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Did you mean email?'),
    });
    answer = {
      code: 'ALERT_CHANNEL_FAILED',
      message: 'The channel email did not take the test: it answered 404: no_service.',
    };
    expect(await desk.run('alerts', 'test', 'email')).toMatchObject({
      code: 3,
      err: expect.stringContaining('no_service'),
    });
  });
});
