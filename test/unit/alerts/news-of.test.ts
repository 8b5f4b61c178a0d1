import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newsOf } from '../../../lib/alerts/news-of.ts';
import { alertType } from '../../../lib/domain/alerts/catalogue.ts';
import { eventAlerts } from '../../../lib/domain/alerts/catalogue-events.ts';
import { heardEvents } from '../../../lib/domain/alerts/heard-events.ts';
import { eventNames } from '../../../lib/events/catalogue.ts';
import { streamerSource } from '../../../lib/events/sources.ts';

function example(name: string, data: object = {}): { source: string; detail: { id: string; data: object } } {
  const file = new URL(`../../../lib/events/examples/${name.replaceAll('.', '-')}.v1.json`, import.meta.url);
  const detail = JSON.parse(readFileSync(file, 'utf8'));
  return {
    source: 'streamer' in detail ? streamerSource : 'evenkeel.reconcile',
    detail: { ...detail, data: { ...detail.data, ...data } },
  };
}

/** `+alert subject` raised, `-alert subject` ended. */
function said(name: string, data: object = {}): string[] {
  return newsOf(example(name, data)).map((input) => {
    if (input.kind === 'raised') return `+${input.news.alert} ${input.news.severity} ${input.news.subject}`;
    return `-${input.end.alerts.join(',')} ${input.end.subject}`;
  });
}

describe('what events mean to the desk of alerts', () => {
  it.each<[name: string, data: object, says: string[]]>([
    ['circuit-breaker.triggered', {}, ['+circuit_open HIGH streamer main']],
    ['gateway.connected', {}, ['-circuit_open,login_awaited streamer main']],
    ['safe-mode.entered', {}, ['+safe_mode_entered HIGH streamer main']],
    ['safe-mode.left', {}, ['-safe_mode_entered streamer main']],
    ['login.awaited', {}, ['+login_awaited HIGH streamer main']],
    ['gap.abandoned', {}, ['+gap_abandoned MEDIUM gap 98765432:1381242600000 of GCZ3']],
    ['feed.changed', {}, ['+feed_stale MEDIUM feed GCZ3']],
    ['feed.changed', { from: 'lost', to: 'live' }, ['-feed_stale feed GCZ3']],
    ['backpressure.detected', {}, ['+live_data_backpressure MEDIUM streamer main']],
    ['backpressure.detected', { droppedTrades: 1 }, ['+live_data_backpressure_drop MEDIUM streamer main']],
    ['backpressure.detected', { queue: 'outbox' }, ['+outbox_backpressure MEDIUM streamer main']],
    ['discrepancy.opened', {}, ['+discrepancy_opened HIGH MISSING_FILL:order P17']],
    ['discrepancy.opened', { severity: 'CRITICAL' }, ['+discrepancy_opened CRITICAL MISSING_FILL:order P17']],
    ['discrepancy.opened', { severity: 'MEDIUM' }, []],
    ['discrepancy.resolved', {}, ['-discrepancy_opened,discrepancy_escalated MISSING_FILL:order P17']],
    [
      'reconcile.completed',
      { status: 'COMPLETED', types: {} },
      ['-reconcile_failed,ambiguous_matches_found null'],
    ],
    [
      'reconcile.completed',
      { status: 'COMPLETED', types: { AMBIGUOUS_MATCH: 1 } },
      ['-reconcile_failed null'],
    ],
    ['reconcile.completed', { status: 'FAILED' }, []],
    ['backup.completed', {}, ['-backup_failed null']],
    ['drill.completed', { ok: false }, []],
    ['drill.completed', { ok: true }, ['-drill_failed null']],
    ['candle.completed', {}, []],
  ])('%s %j', (name, data, says) => {
    expect(said(name, data)).toEqual(says);
  });

  it('a plan that is staged takes the place of the one before, and ends when it is approved or applied', () => {
    const [replaced, staged] = said('plan.staged');
    expect(replaced).toBe('-plan_staged null');
    expect(staged).toMatch(/^\+plan_staged MEDIUM plan [0-9a-f]{64}$/);
    expect(said('plan.approved')).toEqual([
      expect.stringMatching(/^-plan_staged,plan_refused plan [0-9a-f]{64}$/),
    ]);
    expect(said('plan.applied')).toEqual([
      expect.stringMatching(/^-plan_staged,plan_refused plan [0-9a-f]{64}$/),
    ]);
    expect(said('plan.refused')).toEqual([
      expect.stringMatching(/^\+plan_refused MEDIUM plan [0-9a-f]{64}$/),
    ]);
  });

  it('an alert that says that another one is over ends it, and is told itself where none is open', () => {
    const data = { alert: 'heartbeat_back', severity: 'INFO', subject: 'streamer main', message: 'back' };
    expect(newsOf(example('alert.raised', data))).toMatchObject([
      {
        kind: 'ended',
        end: {
          alerts: ['heartbeat_missing'],
          subject: 'streamer main',
          otherwise: { alert: 'heartbeat_back' },
        },
      },
    ]);
    expect(said('alert.raised', { ...data, alert: 'lease_lost', severity: 'HIGH' })).toEqual([
      '+lease_lost HIGH streamer main',
    ]);
  });

  it('happened when a streamer recorded it, for the time of the market or the broker may be another', () => {
    const event = example('feed.changed');
    const times = { occurredAt: '2013-10-08T14:00:00.000Z', recordedAt: '2013-10-08T14:30:20.001Z' };
    const detail = { ...event.detail, ...times };
    expect(newsOf({ ...event, detail })).toMatchObject([{ atMs: Date.parse(times.recordedAt) }]);
    const notice = example('backup.completed');
    const later = { ...notice.detail, occurredAt: '2026-01-05T15:00:00.000Z' };
    expect(newsOf({ ...notice, detail: later })).toMatchObject([{ atMs: Date.UTC(2026, 0, 5, 15) }]);
  });

  it('a plan that is staged ends those that were staged before it, not itself', () => {
    const [replaced, staged] = newsOf(example('plan.staged'));
    expect(replaced!.atMs).toBe(staged!.atMs - 1);
  });

  it('names its witness: an alert that ends another ends what its own source raised, an event ends it for all', () => {
    const data = { alert: 'position_protected', severity: 'INFO', subject: 'position 1', message: 'm' };
    expect(newsOf({ ...example('alert.raised', data), source: streamerSource })).toMatchObject([
      { end: { witness: streamerSource, otherwise: { witness: streamerSource } } },
    ]);
    expect(newsOf(example('alert.raised', { ...data, alert: 'unprotected_position' }))).toMatchObject([
      { news: { witness: streamerSource } },
    ]);
    expect(newsOf(example('safe-mode.entered'))).toMatchObject([{ news: { witness: streamerSource } }]);
    expect(newsOf(example('safe-mode.left'))).toMatchObject([{ end: { witness: null } }]);
  });

  it.each([
    ['the tick buffer holds 8100 of 10000 (81 %); nothing was dropped yet.', {}],
    ['the tick buffer holds 8100 of 10000 (81 %); 2 quotes and 0 trades were dropped', { droppedQuotes: 2 }],
    ['the outbox holds 8100 of 10000 (81 %) events that the bus has not taken. None', { queue: 'outbox' }],
    // As it was sent before it said which queue.
    ['the tick buffer holds 8100 of 10000 (81 %); nothing', { queue: undefined }],
  ])('backpressure in the words of its queue: %s', (words, data) => {
    const [input] = newsOf(example('backpressure.detected', data));
    expect(input).toMatchObject({ kind: 'raised', news: { message: expect.stringContaining(words) } });
  });

  it('one event has one id however often it is delivered, and another event has another', () => {
    const ids = (name: string) =>
      newsOf(example(name)).map((input) => ('eventId' in input ? input.eventId : ''));
    expect(ids('plan.staged')).toEqual(ids('plan.staged'));
    expect(new Set([...ids('plan.staged'), ...ids('safe-mode.entered'), ...ids('gap.abandoned')]).size).toBe(
      4,
    );
  });

  it('every event of the catalogue is understood or passed over, and every alert of an event is made of one', () => {
    const made = new Set<string>();
    for (const name of eventNames) {
      const inputs = newsOf(example(name, name === 'backpressure.detected' ? { droppedQuotes: 2 } : {}));
      if (!heardEvents.some((heard) => heard === name)) expect(inputs, name).toEqual([]);
      for (const input of inputs) if (input.kind === 'raised') made.add(input.news.alert);
    }
    for (const alert of ['live_data_backpressure', 'outbox_backpressure']) made.add(alert);
    for (const alert of Object.keys(eventAlerts)) {
      if (!made.has(alert)) expect.fail(`no event makes ${alert}`);
      expect(alertType(alert).meaning).toContain('`');
    }
  });

  it('what is no event of this version is refused with its code', () => {
    expect(() => newsOf({ source: streamerSource, detail: { type: 'alert.raised', version: 2 } })).toThrow(
      'EVENT_VERSION_UNKNOWN',
    );
    expect(() => newsOf({ source: 'evenkeel.watchdog', detail: { anything: 1 } })).toThrow('EVENT_MALFORMED');
  });
});
