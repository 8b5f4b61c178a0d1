import { describe, expect, it } from 'vitest';
import { deskBounds } from '../../../lib/domain/alerts/memory.ts';
import { channel, minuteMs, news, rulesOf, startMs, TestDesk } from './desk-harness.ts';

const critical = { alert: 'unprotected_position', severity: 'CRITICAL', subject: 'position 1' } as const;

describe('S142 alert dedup, rate limit, ack, escalation, delivery failure retry, quiet hours, resolved message', () => {
  it('dedup: 1,000 identical alerts in a minute make one message and a count', () => {
    const desk = new TestDesk(rulesOf());
    for (let second = 0; second < 50; second += 1) {
      desk.raise({}, 20);
      desk.later(1_000);
    }
    expect(desk.told()).toEqual(['raised reconcile_failed ×20']);
    expect(desk.records).toMatchObject([{ count: 1_000 }]);
    desk.later(10 * minuteMs);
    expect(desk.told()).toEqual(['raised reconcile_failed ×20', 'again reconcile_failed ×1000']);
    desk.later(30 * minuteMs);
    expect(desk.told()).toHaveLength(2);
  });

  it('dedup: other subjects are other alerts, and an event that is delivered twice counts once', () => {
    const desk = new TestDesk(rulesOf());
    const input = {
      kind: 'raised',
      eventId: 'same',
      atMs: startMs,
      news: news({ ...critical, account: 'A' }),
    } as const;
    desk.take([input, input]);
    desk.take([input]);
    desk.raise({ subject: 'run 2' });
    expect(desk.records.map(({ count }) => count)).toEqual([1, 1]);
  });

  it('dedup: what gets worse is told at once', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise({ severity: 'MEDIUM' });
    desk.acknowledge(desk.records[0]!.id);
    desk.later(2_000);
    desk.raise({ severity: 'CRITICAL' });
    expect(desk.told().at(-1)).toBe('raised reconcile_failed ×2');
    expect(desk.records).toMatchObject([{ severity: 'CRITICAL', ack: null }]);
  });

  it('rate limit: one message a second, what waits meanwhile goes out together, the worst first', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise({ subject: 'first' });
    for (let n = 0; n < 12; n += 1) desk.raise({ subject: `run ${n}`, severity: 'INFO' });
    desk.raise(critical);
    expect(desk.sent).toHaveLength(1);
    desk.later(5_000);
    expect(desk.sent.map(({ atMs }) => atMs - startMs)).toEqual([0, 1_000, 2_000]);
    expect(desk.sent[1]!.message.alerts).toHaveLength(deskBounds.alertsOfMessage);
    expect(desk.sent[1]!.message).toMatchObject({
      severity: 'CRITICAL',
      alerts: [{ alert: 'unprotected_position' }, {}, {}, {}, {}, {}, {}, {}, {}, {}],
    });
    expect(desk.told()).toHaveLength(14);
  });

  it('ack: nobody is told again, and who was told is told who has it', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise(critical);
    desk.acknowledge('a1');
    desk.later(2 * 60 * minuteMs - 1_000);
    expect(desk.told()).toEqual(['raised unprotected_position ×1', 'acknowledged unprotected_position ×1']);
    expect(desk.sent[1]!.message.alerts[0]).toMatchObject({ ackedBy: 'arn:aws:iam::1:user/anna' });
  });

  it('escalation: an unacknowledged CRITICAL is sent again after 15 minutes, to more channels, then after 30', () => {
    const desk = new TestDesk(
      rulesOf({ channels: [channel('desk'), channel('boss', { receives: 'escalations' })] }),
    );
    desk.raise(critical);
    desk.raise({ severity: 'HIGH' });
    desk.later(14 * minuteMs);
    expect(desk.told('boss')).toEqual([]);
    desk.later(2 * minuteMs);
    expect(desk.told('desk').at(-1)).toBe('escalated unprotected_position ×1');
    expect(desk.told('boss')).toEqual(['escalated unprotected_position ×1']);
    desk.later(28 * minuteMs);
    expect(desk.told('boss')).toHaveLength(1);
    desk.later(2 * minuteMs);
    expect(desk.told('boss')).toHaveLength(2);
    desk.end('unprotected_position', 'position 1');
    desk.later(5 * 60 * minuteMs);
    expect(desk.told('boss').at(-1)).toBe('resolved unprotected_position ×1');
    expect(desk.told('boss')).toHaveLength(3);
  });

  it('delivery failure retry: with back-off, as the channel asks, while another channel goes on', () => {
    const desk = new TestDesk(rulesOf({ channels: [channel('slack'), channel('mail')] }));
    desk.broken.set('slack', { why: 'later', retryAfterMs: 0 });
    desk.raise({});
    desk.later(40_000);
    desk.broken.set('slack', { why: 'later', retryAfterMs: 120_000 });
    desk.later(4 * minuteMs);
    const seconds = desk.attempts
      .filter(({ message }) => message.channel === 'slack')
      .map(({ atMs }) => (atMs - startMs) / 1_000);
    // 5 s, 10, 20, 40, then the two minutes that it asks for.
    expect(seconds).toEqual([0, 5, 15, 35, 75, 195]);
    desk.raise({ subject: 'run 2' });
    expect(desk.told('mail')).toEqual([
      'raised reconcile_failed ×1',
      'raised alert_channel_failing ×1',
      'raised reconcile_failed ×1',
    ]);
    desk.broken.clear();
    desk.later(10 * minuteMs);
    expect(desk.told('slack').toSorted()).toEqual([
      'raised reconcile_failed ×1',
      'raised reconcile_failed ×1',
    ]);
    expect(desk.told('mail').at(-1)).toBe('resolved alert_channel_failing ×1');
    expect(
      new Set(
        desk.attempts
          .filter(({ message }) => message.channel === 'slack')
          .slice(0, 6)
          .map(({ message }) => message.no),
      ).size,
    ).toBe(1);
  });

  it('delivery failure: what is refused five times goes to the dead-letter queue, and the next message is tried', () => {
    const desk = new TestDesk(rulesOf({ channels: [channel('slack'), channel('mail')] }));
    desk.broken.set('slack', { why: 'refused', retryAfterMs: 0 });
    desk.raise({});
    desk.later(3 * minuteMs);
    expect(desk.buried).toMatchObject([{ channel: 'slack', alerts: [{ alert: 'reconcile_failed' }] }]);
    desk.broken.clear();
    desk.raise({ subject: 'run 2' });
    desk.later(minuteMs);
    expect(desk.told('slack')).toEqual(['raised reconcile_failed ×1']);
  });

  it('delivery failure: what waits is not forgotten for its age', () => {
    const desk = new TestDesk(rulesOf({ channels: [channel('slack', { rateMs: 60 * minuteMs })] }));
    desk.broken.set('slack', { why: 'later', retryAfterMs: 0 });
    desk.raise({ severity: 'INFO', subject: 'under way' });
    desk.raise({ severity: 'INFO', subject: 'waits' });
    desk.raise({ alert: 'feed_stale', severity: 'INFO', subject: 'is over' });
    desk.end('feed_stale', 'is over');
    desk.later(8 * 60 * minuteMs);
    desk.broken.clear();
    desk.later(3 * 60 * minuteMs);
    expect(desk.told('slack')).toEqual([
      'raised reconcile_failed ×1',
      'raised reconcile_failed ×1',
      'resolved feed_stale ×1',
    ]);
    desk.later(8 * 60 * minuteMs);
    expect(desk.records).toEqual([]);
  });

  it('delivery failure: nobody knows the outcome of a message for a minute, so it is sent again', () => {
    const desk = new TestDesk(rulesOf());
    const lost: number[] = [];
    const first = desk.state;
    desk.raise({});
    const { no } = desk.sent[0]!.message;
    // The process died after the write and before the outcome: what was written then still has it under way.
    desk.state = { rules: first.rules, memory: { ...desk.state.memory } };
    const memory = desk.state.memory.channels.desk!;
    memory.sending = {
      no,
      alerts: [{ id: 'a1', kind: 'raised', isFirst: true }],
      passed: {},
      sinceMs: startMs,
      attempts: 1,
      dueMs: startMs + minuteMs,
      isUnderWay: true,
      isToBeBuried: false,
      problem: '',
    };
    desk.later(minuteMs - 1);
    lost.push(desk.sent.length);
    desk.later(1);
    lost.push(desk.sent.length);
    expect(lost).toEqual([1, 2]);
    expect(desk.sent[1]!.message.no).toBe(no);
  });

  it('quiet hours: below CRITICAL it waits for their end, CRITICAL does not; what came and went is one line', () => {
    const quietHours = {
      name: 'quiet-hours',
      timeZone: 'UTC',
      days: ['mon'],
      from: '14:00',
      to: '16:00',
    } as const;
    const desk = new TestDesk(rulesOf({ channels: [channel('desk', { quietHours }), channel('other')] }));
    desk.raise({ subject: 'stays' });
    desk.raise({ alert: 'feed_stale', subject: 'goes' }, 3);
    desk.raise(critical);
    desk.end('feed_stale', 'goes');
    desk.later(59 * minuteMs);
    expect(desk.told('desk').every((line) => line.includes('unprotected_position'))).toBe(true);
    expect(desk.told('desk')[0]).toBe('raised unprotected_position ×1');
    expect(desk.told('other')).toContain('resolved feed_stale ×3');
    desk.later(2 * minuteMs);
    expect(desk.told('desk')).toContain('raised reconcile_failed ×1');
    expect(desk.told('desk').some((line) => line.includes('feed_stale'))).toBe(false);
    expect(desk.sent.find(({ message }) => Object.keys(message.passed).length > 0)?.message).toMatchObject({
      channel: 'desk',
      passed: { feed_stale: 3 },
    });
  });

  it('quiet hours: inside an announced reset window all channels are muted, below CRITICAL', () => {
    const reset = { name: 'reset', timeZone: 'UTC', days: ['mon'], from: '15:00', to: '15:30' } as const;
    const desk = new TestDesk(rulesOf({ resetWindows: [reset] }));
    desk.raise({ alert: 'circuit_open', subject: 'streamer main' });
    desk.later(10 * minuteMs);
    expect(desk.told()).toEqual([]);
    desk.raise(critical);
    expect(desk.told()).toEqual(['raised unprotected_position ×1']);
    desk.later(21 * minuteMs);
    expect(desk.told()).toContain('raised circuit_open ×1');
  });

  it('resolved message: goes to whoever was told, once, and a later alert is news again', () => {
    const desk = new TestDesk(
      rulesOf({ channels: [channel('desk'), channel('bad', { minSeverity: 'CRITICAL' })] }),
    );
    desk.raise({ alert: 'safe_mode_entered', subject: 'streamer main' });
    desk.later(5_000);
    desk.end('safe_mode_entered', 'streamer main');
    desk.end('safe_mode_entered', 'streamer main');
    desk.later(5_000);
    expect(desk.told('desk')).toEqual(['raised safe_mode_entered ×1', 'resolved safe_mode_entered ×1']);
    expect(desk.told('bad')).toEqual([]);
    desk.later(2 * 60 * minuteMs);
    expect(desk.records).toEqual([]);
    desk.raise({ alert: 'safe_mode_entered', subject: 'streamer main' });
    expect(desk.told('desk').at(-1)).toBe('raised safe_mode_entered ×1');
  });

  it('resolved message: an end that overtook its alert still ends it', () => {
    const desk = new TestDesk(rulesOf());
    desk.end('unprotected_position', 'position 1', startMs + 10);
    desk.raise(critical);
    desk.later(60 * minuteMs);
    expect(desk.told()).toEqual(['resolved unprotected_position ×1']);
    expect(desk.sent[0]!.message.alerts[0]).toMatchObject({ isFirst: true });
  });

  it('resolved message: a CRITICAL that comes back within the time of dedup is told at once', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise(critical);
    desk.later(5_000);
    desk.end('unprotected_position', 'position 1');
    desk.later(5_000);
    desk.raise(critical);
    expect(desk.told()).toEqual([
      'raised unprotected_position ×1',
      'resolved unprotected_position ×1',
      'raised unprotected_position ×2',
    ]);
  });
});

describe('what comes late, or in another order', () => {
  it('an old end does not close a newer CRITICAL', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise(critical, 1, startMs - 60_000);
    desk.raise(critical, 1, startMs);
    desk.end('unprotected_position', 'position 1', startMs - 30_000);
    expect(desk.records).toMatchObject([{ resolved: null }]);
    desk.end('unprotected_position', 'position 1', startMs);
    expect(desk.records).toMatchObject([{ resolved: { message: 'It is over.' } }]);
  });

  it('a raise that its end has overtaken does not open it again, and what it says is not the newest word', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise({ ...critical, message: 'The newest.' }, 1, startMs);
    desk.end('unprotected_position', 'position 1', startMs + 20);
    desk.later(20 * minuteMs);
    desk.raise({ ...critical, message: 'An older one.' }, 1, startMs + 20);
    expect(desk.told()).toEqual(['raised unprotected_position ×1', 'resolved unprotected_position ×1']);
    desk.raise(critical, 1, startMs + 21);
    desk.raise({ ...critical, message: 'An older one.' }, 1, startMs + 10);
    expect(desk.told().at(-1)).toBe('raised unprotected_position ×3');
    expect(desk.records).toMatchObject([{ resolved: null, message: 'A run failed.' }]);
  });

  it('an end of every subject overtakes, too, and what was late and worse is told with its end', () => {
    const desk = new TestDesk(rulesOf({ channels: [channel('desk', { minSeverity: 'CRITICAL' })] }));
    desk.end('reconcile_failed', null, startMs);
    desk.raise({ subject: 'run 1' }, 1, startMs - 10);
    desk.raise({ subject: 'run 1', severity: 'CRITICAL' }, 1, startMs - 5);
    desk.raise({ subject: 'run 2', severity: 'CRITICAL' }, 1, startMs + 5);
    desk.later(minuteMs);
    expect(desk.told()).toEqual(['resolved reconcile_failed ×2', 'raised reconcile_failed ×1']);
  });

  it('an end that comes when it is over already is remembered by the alert, however many ends come after', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise(critical);
    desk.end('unprotected_position', 'position 1', startMs + 10);
    desk.end('unprotected_position', 'position 1', startMs + 30);
    for (let n = 0; n < deskBounds.ends; n += 1) desk.end('feed_stale', `feed ${n}`);
    desk.raise(critical, 1, startMs + 20);
    expect(desk.records).toMatchObject([{ resolved: { message: 'It is over.' }, count: 2 }]);
  });

  it('the end of a thing that is open but newer is not told beside it', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise(critical);
    const otherwise = news({ alert: 'position_protected', severity: 'INFO', subject: 'position 1' });
    const { account, subject, witness } = otherwise;
    const end = { alerts: ['unprotected_position'], account, subject, witness, message: 'm', otherwise };
    desk.take([{ kind: 'ended', eventId: 'old', atMs: startMs - 1, end }]);
    desk.later(minuteMs);
    expect(desk.told()).toEqual(['raised unprotected_position ×1']);
  });
});

describe('two witnesses of one alert', () => {
  const [streamer, watchdog] = ['evenkeel.streamer', 'evenkeel.watchdog'];

  it('it is over when each that raised it has said so, and an end that is meant for all ends it', () => {
    const desk = new TestDesk(rulesOf());
    const end = (witness: string | null, atMs = desk.nowMs) =>
      desk.end('unprotected_position', 'position 1', atMs, witness);
    desk.raise({ ...critical, witness: streamer });
    end(watchdog);
    desk.raise({ ...critical, witness: watchdog }, 1, startMs + 1);
    end(watchdog, startMs + 2);
    expect(desk.records).toMatchObject([{ resolved: null }]);
    end(streamer, startMs + 3);
    expect(desk.records).toMatchObject([{ resolved: { message: 'It is over.' } }]);
    desk.later(minuteMs);
    desk.raise({ ...critical, witness: streamer });
    desk.raise({ ...critical, witness: watchdog });
    end(null);
    expect(desk.records).toMatchObject([{ resolved: { message: 'It is over.' } }]);
  });

  it('more witnesses than it holds are one, which only an end for all ends', () => {
    const desk = new TestDesk(rulesOf());
    const many = Array.from({ length: deskBounds.witnesses + 3 }, (_, n) => `evenkeel.w${n}`);
    for (const witness of many) desk.raise({ ...critical, witness });
    desk.later(1_000);
    for (const witness of many) desk.end('unprotected_position', 'position 1', desk.nowMs, witness);
    expect(desk.records).toMatchObject([{ resolved: null }]);
    expect(Object.keys(desk.records[0]!.witnesses)).toHaveLength(deskBounds.witnesses + 1);
    desk.end('unprotected_position', 'position 1');
    expect(desk.records).toMatchObject([{ resolved: { message: 'It is over.' } }]);
  });
});

describe('an acknowledgement', () => {
  const killed = { alert: 'liquidation_fill', severity: 'CRITICAL', subject: 'kill switch' } as const;

  it('of an alert that nothing ends does not silence the next one: it is told, and escalates anew', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise(killed);
    desk.acknowledge('a1');
    desk.later(60 * minuteMs - 1);
    desk.raise(killed);
    expect(desk.told().at(-1)).toBe('raised liquidation_fill ×2');
    expect(desk.records).toMatchObject([{ ack: null, escalations: 0 }]);
    expect(desk.sent.at(-1)!.message.alerts[0]).toMatchObject({ ackedBy: null });
    desk.later(16 * minuteMs);
    expect(desk.told().at(-1)).toBe('escalated liquidation_fill ×2');
  });

  it('of such an alert holds for the rest of the time of dedup, and what came meanwhile is told at its end', () => {
    const desk = new TestDesk(rulesOf({ dedupMs: 90 * minuteMs }));
    desk.raise({ alert: 'lease_lost', subject: 'streamer main' });
    desk.acknowledge('a1');
    desk.later(minuteMs);
    for (let n = 0; n < 5; n += 1) desk.raise({ alert: 'lease_lost', subject: 'streamer main' });
    expect(desk.told()).toHaveLength(2);
    desk.later(88 * minuteMs);
    expect(desk.told()).toHaveLength(2);
    desk.later(minuteMs);
    expect(desk.told().slice(2)).toEqual(['raised lease_lost ×6']);
  });

  it('of an alert that something ends holds until then', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise(critical);
    desk.acknowledge('a1');
    for (let n = 0; n < 10; n += 1) {
      desk.later(20 * minuteMs);
      desk.raise(critical);
    }
    expect(desk.told()).toEqual(['raised unprotected_position ×1', 'acknowledged unprotected_position ×1']);
    desk.later(1_000);
    desk.end('unprotected_position', 'position 1');
    desk.later(1_000);
    desk.raise(critical);
    desk.later(1_000);
    expect(desk.told().at(-1)).toBe('raised unprotected_position ×12');
    expect(desk.records).toMatchObject([{ ack: null }]);
  });

  it('that waits to be told when the alert comes again is not told as one', () => {
    const desk = new TestDesk(rulesOf());
    desk.raise(killed);
    desk.broken.set('desk', { why: 'later', retryAfterMs: 0 });
    desk.later(2_000);
    desk.acknowledge('a1');
    desk.later(11 * minuteMs);
    desk.raise(killed);
    desk.broken.clear();
    desk.later(10 * minuteMs);
    expect(desk.told().some((line) => line.startsWith('acknowledged'))).toBe(false);
    expect(desk.told().at(-1)).toBe('raised liquidation_fill ×2');
  });

  it('of the alert that there are too many mutes no later CRITICAL that has no place of its own', () => {
    const desk = new TestDesk(rulesOf());
    for (let n = 0; n < deskBounds.records; n += 1) desk.raise({ ...critical, subject: `position ${n}` });
    desk.raise({ ...critical, subject: 'one too many' });
    desk.later(minuteMs);
    const bound = () => desk.records.find(({ alert }) => alert === 'alert_bound_reached')!;
    desk.acknowledge(bound().id);
    desk.later(2_000);
    const before = desk.told().length;
    desk.raise({ ...critical, subject: 'the next one' });
    expect(desk.told().slice(before)).toEqual(['raised alert_bound_reached ×2']);
    expect(bound()).toMatchObject({ ack: null, escalations: 0 });
    expect(bound().escalateMs).toBe(desk.nowMs + desk.state.rules.escalateMs);
    desk.later(5 * minuteMs);
    desk.raise({ ...critical, subject: 'and another' });
    // A stream of them does not put off the escalation for ever.
    expect(bound().escalateMs).toBe(desk.nowMs + desk.state.rules.escalateMs - 5 * minuteMs);
    expect(desk.told().at(-1)).toBe('raised alert_bound_reached ×3');
  });
});

describe('a message whose outcome nobody ever knows', () => {
  it('is a failure each time: the others are told, it is sent ever more seldom, and given up after a day', () => {
    const desk = new TestDesk(rulesOf({ channels: [channel('mute'), channel('mail')] }));
    desk.unheard.add('mute');
    desk.raise({});
    desk.later(10 * minuteMs);
    expect(desk.told('mail')).toContain('raised alert_channel_failing ×1');
    desk.later(23 * 60 * minuteMs);
    expect(desk.buried).toEqual([]);
    desk.later(2 * 60 * minuteMs);
    expect(desk.buried).toMatchObject([{ channel: 'mute', alerts: [{ alert: 'reconcile_failed' }] }]);
    const attempts = desk.attempts.filter(({ message: { channel: of, no } }) => of === 'mute' && no === 1);
    expect(attempts.length).toBeGreaterThan(200);
    expect(attempts.length).toBeLessThan(400);
  });
});

describe('the bounds of the desk', () => {
  it('everything filled to its bound fits into one item of DynamoDB', () => {
    const broken = { why: 'later', retryAfterMs: 0 } as const;
    const channels = Array.from({ length: deskBounds.channels }, (_, n) =>
      channel(`${'c'.repeat(28)}${n}`.padEnd(30, 'x')),
    );
    const desk = new TestDesk(rulesOf({ channels }));
    for (const { name } of channels) desk.broken.set(name, broken);
    const long = '"\u0001\ud800日本'.repeat(1_000);
    for (let n = 0; n < 400; n += 1) {
      desk.raise({
        alert: `${n}${long}`,
        severity: n % 2 === 0 ? 'CRITICAL' : 'HIGH',
        account: `${n}${long}`,
        subject: `${n}${long}`,
        message: long,
      });
      const seen = { alert: `${n}${long}`, account: `${n}${long}`, subject: `${n}${long}` };
      desk.take(
        ['1', '2', '3', '4'].map((one) => ({
          kind: 'raised',
          eventId: `${n} ${one}`,
          atMs: desk.nowMs,
          news: news({ ...seen, witness: `${one}${long}` }),
        })),
      );
      const id = `a${n + 1}`;
      desk.take([{ kind: 'acknowledged', id, by: long, reason: long }]);
      desk.end(`nothing${n}${long}`, `${n}${long}`, desk.nowMs, long);
    }
    for (let n = 0; n < 60; n += 1)
      for (const memory of Object.values(desk.state.memory.channels))
        memory.passed[`${n}`.padEnd(60, 'x')] = 1_000;
    const bytes = Buffer.byteLength(JSON.stringify(desk.state.memory));
    expect(desk.records.length).toBeLessThanOrEqual(deskBounds.records + 1);
    expect(bytes).toBeLessThan(390_000);
    // It is a hard test: the memory is nearly as large as it may become.
    expect(bytes).toBeGreaterThan(150_000);
  });

  it('more alerts than it holds are counted by kind in one, which is as bad as the worst of them', () => {
    const desk = new TestDesk(rulesOf());
    desk.broken.set('desk', { why: 'later', retryAfterMs: 0 });
    for (let n = 0; n < deskBounds.records + 30; n += 1) desk.raise({ subject: `run ${n}` });
    desk.raise({ ...critical });
    const folded = desk.records.find(({ alert }) => alert === 'alert_bound_reached');
    expect(folded).toMatchObject({
      severity: 'HIGH',
      message: expect.stringContaining('reconcile_failed ×31'),
    });
    expect(desk.records.some(({ alert }) => alert === 'unprotected_position')).toBe(true);
    desk.broken.clear();
    desk.later(60 * minuteMs);
    const counts = desk.sent
      .flatMap(({ message }) => message.alerts)
      .filter(({ alert }) => alert === 'reconcile_failed');
    expect(new Set(counts.map(({ subject }) => subject)).size).toBe(deskBounds.records - 1);
    expect(desk.told()).toContain('raised unprotected_position ×1');
  });
});
