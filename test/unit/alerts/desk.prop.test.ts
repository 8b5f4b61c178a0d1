import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { step } from '../../../lib/domain/alerts/desk.ts';
import { type DeskMemory, deskBounds } from '../../../lib/domain/alerts/memory.ts';
import { alertSeverities, type DeskRules, isAtLeast } from '../../../lib/domain/alerts/types.ts';
import { channel, minuteMs, news, rulesOf, startMs, TestDesk } from './desk-harness.ts';

/** The last one is ended by nothing. */
const kinds = [
  'reconcile_failed',
  'feed_stale',
  'unprotected_position',
  'plan_staged',
  'liquidation_fill',
] as const;
const witnesses = ['evenkeel.streamer', 'evenkeel.watchdog'] as const;
const window = { name: 'night', timeZone: 'UTC', days: ['mon'], from: '15:05', to: '15:40' } as const;

/** A third of them in the suite, five times as many in the proof. */
const runs = (number: number): number =>
  process.env.EVENKEEL_PROOF === '1' ? number * 5 : Math.ceil(number / 3);

const rules = fc.record({
  muted: fc.boolean(),
  quiet: fc.boolean(),
  least: fc.constantFrom(...alertSeverities),
  rateMs: fc.constantFrom(100, 1_000, 60_000),
});
/** What is said now may have happened before. */
const lagMs = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 6 * minuteMs }));
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('raise' as const),
      alert: fc.constantFrom(...kinds),
      severity: fc.constantFrom(...alertSeverities),
      subject: fc.nat({ max: 60 }).map(String),
      times: fc.integer({ min: 1, max: 3 }),
      witness: fc.constantFrom(...witnesses),
      lagMs,
    }),
  },
  // So many at once that not each has a place.
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('flood' as const),
      severity: fc.constantFrom(...alertSeverities),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      alert: fc.constantFrom(...kinds),
      subject: fc.option(fc.nat({ max: 60 }).map(String)),
      witness: fc.option(fc.constantFrom(...witnesses)),
      lagMs,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('ack' as const), id: fc.integer({ min: 1, max: 80 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('later' as const),
      ms: fc.integer({ min: 1, max: 10 * minuteMs }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('break' as const),
      channel: fc.constantFrom('one', 'two'),
      why: fc.constantFrom('later', 'refused', 'unheard'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('mend' as const), channel: fc.constantFrom('one', 'two') }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

function deskRules({
  muted,
  quiet,
  least,
  rateMs,
}: typeof rules extends fc.Arbitrary<infer T> ? T : never): DeskRules {
  return rulesOf({
    channels: [
      channel('one', { minSeverity: least, rateMs, quietHours: quiet ? window : null }),
      channel('two'),
    ],
    resetWindows: muted ? [window] : [],
  });
}

/** What was raised, by kind and subject: the worst severity. */
type Raised = Map<string, (typeof alertSeverities)[number]>;

function perform(desk: TestDesk, one: Act, raised: Raised): void {
  switch (one.kind) {
    case 'raise': {
      const { alert, severity, subject, times, witness } = one;
      note(raised, `${alert} ${subject}`, severity);
      desk.raise({ alert, severity, subject, witness }, times, desk.nowMs - one.lagMs);
      return;
    }
    case 'flood':
      for (let n = 0; n < deskBounds.records; n += 1) {
        note(raised, `flooded f${n}`, one.severity);
        desk.raise({ alert: 'flooded', severity: one.severity, subject: `f${n}` });
      }
      return;
    case 'end':
      desk.end(one.alert, one.subject, desk.nowMs - one.lagMs, one.witness);
      return;
    case 'ack':
      desk.acknowledge(`a${one.id}`);
      return;
    case 'later':
      desk.later(one.ms);
      return;
    case 'break':
      if (one.why === 'unheard') desk.unheard.add(one.channel);
      else desk.broken.set(one.channel, { why: one.why as 'later' | 'refused', retryAfterMs: 0 });
      return;
    case 'mend':
      desk.broken.delete(one.channel);
      desk.unheard.delete(one.channel);
  }
}

function note(raised: Raised, key: string, severity: (typeof alertSeverities)[number]): void {
  const known = raised.get(key);
  if (known === undefined || isAtLeast(severity, known)) raised.set(key, severity);
}

/** Everything that a channel was sent, or that lies in the dead-letter queue for it. */
function reached(desk: TestDesk, name: string): { keys: Set<string>; counted: Set<string> } {
  const messages = [...desk.sent.map(({ message }) => message), ...desk.buried].filter(
    (one) => one.channel === name,
  );
  const alerts = messages.flatMap((message) => message.alerts);
  const folded = alerts
    .filter(({ alert }) => alert === 'alert_bound_reached')
    .flatMap(({ message }) => [...message.matchAll(/(\w+) ×/g)].map(([, kind]) => kind!));
  return {
    keys: new Set(alerts.map(({ alert, subject }) => `${alert} ${subject}`)),
    counted: new Set([...folded, ...messages.flatMap(({ passed }) => Object.keys(passed))]),
  };
}

describe('the desk of alerts, whatever happens', () => {
  it('nothing is lost: each alert was sent, lies in the dead-letter queue, or is counted in one that was', () => {
    fc.assert(
      fc.property(rules, fc.array(act, { maxLength: 40 }), (some, acts) => {
        const desk = new TestDesk(deskRules(some));
        const raised: Raised = new Map();
        for (const one of acts) perform(desk, one, raised);
        desk.broken.clear();
        desk.unheard.clear();
        desk.later(2 * 60 * minuteMs);
        for (const { name, minSeverity } of desk.state.rules.channels) {
          const { keys, counted } = reached(desk, name);
          for (const [key, severity] of raised) {
            if (!isAtLeast(severity, minSeverity)) continue;
            const isThere = keys.has(key) || counted.has(key.split(' ')[0]!);
            if (!isThere) expect.fail(`${name} was never told of ${key} (${severity})`);
          }
          expect(Object.keys(desk.state.memory.channels[name]!.lines)).toEqual([]);
        }
      }),
      { numRuns: runs(40) },
    );
  });

  it('nothing CRITICAL is held back by a mute, or by lesser alerts before it', () => {
    fc.assert(
      fc.property(rules, fc.array(act, { maxLength: 40 }), (some, acts) => {
        const desk = new TestDesk(deskRules({ ...some, muted: true, quiet: true }));
        for (const one of acts) {
          const before = desk.attempts.length;
          perform(desk, one, new Map());
          for (const [name, { lines, sending, nextMs }] of Object.entries(desk.state.memory.channels)) {
            const waiting = Object.keys(lines).filter(
              (id) => desk.state.memory.records[id]?.severity === 'CRITICAL',
            );
            // Only the time between two messages, or a channel that does not answer, lets it wait.
            if (sending === null && desk.nowMs >= nextMs) expect(waiting, name).toEqual([]);
          }
          for (const { message } of desk.attempts.slice(before)) {
            const severities = message.alerts.map(({ severity }) => alertSeverities.indexOf(severity));
            if (message.attempt === 1) expect(severities).toEqual(severities.toSorted((a, b) => b - a));
          }
        }
      }),
      { numRuns: runs(50) },
    );
  });

  it('what is remembered is bounded, and every line has its alert', () => {
    fc.assert(
      fc.property(rules, fc.array(act, { maxLength: 40 }), (some, acts) => {
        const desk = new TestDesk(deskRules(some));
        for (const one of acts) {
          perform(desk, one, new Map());
          expectBounded(desk.state.memory);
        }
      }),
      { numRuns: runs(60) },
    );
  });

  it('two new messages of a channel are never closer than its rate', () => {
    fc.assert(
      fc.property(rules, fc.array(act, { maxLength: 40 }), (some, acts) => {
        const desk = new TestDesk(deskRules(some));
        for (const one of acts) perform(desk, one, new Map());
        for (const { name, rateMs } of desk.state.rules.channels) {
          const times = desk.attempts
            .filter(({ message }) => message.channel === name && message.attempt === 1)
            .map(({ atMs }) => atMs);
          for (const [index, atMs] of times.slice(1).entries())
            expect(atMs - times[index]!).toBeGreaterThanOrEqual(rateMs);
        }
      }),
      { numRuns: runs(60) },
    );
  });

  it('an alert counts as often as it was raised', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 9 }), fc.integer({ min: 1, max: 50 }), fc.nat({ max: 5_000 })), {
          maxLength: 40,
        }),
        (raises) => {
          const desk = new TestDesk(rulesOf());
          const counts: Record<string, number> = {};
          for (const [subject, times, afterMs] of raises) {
            desk.raise({ subject: `run ${subject}` }, times);
            counts[`run ${subject}`] = (counts[`run ${subject}`] ?? 0) + times;
            desk.later(afterMs);
          }
          desk.later(30 * minuteMs);
          expect(Object.fromEntries(desk.records.map(({ subject, count }) => [subject, count]))).toEqual(
            counts,
          );
          const last: Record<string, number> = {};
          for (const { message } of desk.sent)
            for (const { subject, count } of message.alerts) last[subject] = count;
          expect(last).toEqual(counts);
        },
      ),
      { numRuns: runs(60) },
    );
  });

  it('is open where one that raised it has not ended it since, in whatever order and batches this is heard', () => {
    const said = fc.record({
      isEnd: fc.boolean(),
      subject: fc.constantFrom('1', '2', null),
      witness: fc.constantFrom(...witnesses, null),
      atMs: fc.integer({ min: 1, max: 12 }),
      heard: fc.nat(),
      afterMs: fc.constantFrom(0, 0, 1_000, minuteMs),
    });
    fc.assert(
      fc.property(fc.array(said, { minLength: 2, maxLength: 25 }), (all) => {
        const alert = 'unprotected_position';
        const desk = new TestDesk(rulesOf());
        const hear = all.toSorted((a, b) => a.heard - b.heard);
        for (const [n, { isEnd, subject, witness, atMs: at, afterMs }] of hear.entries()) {
          const [eventId, atMs] = [`e${n}`, startMs + at];
          const thing = news({ alert, severity: 'CRITICAL', subject: subject ?? '1' });
          if (isEnd) {
            const end = { ...thing, alerts: [alert], subject, witness, otherwise: null };
            desk.take([{ kind: 'ended', eventId, atMs, end }]);
          } else {
            desk.take([{ kind: 'raised', eventId, atMs, news: { ...thing, witness: witness ?? 'w' } }]);
          }
          desk.later(afterMs);
        }
        for (const of of ['1', '2']) {
          const isHeld = all.some(
            (raise) =>
              !raise.isEnd &&
              (raise.subject ?? '1') === of &&
              !all.some(
                (end) =>
                  end.isEnd &&
                  (end.subject ?? of) === of &&
                  (end.witness ?? raise.witness) === raise.witness &&
                  end.atMs >= raise.atMs,
              ),
          );
          const open = desk.records.filter(({ subject, resolved }) => subject === of && resolved === null);
          expect(open.length, of).toBe(Number(isHeld));
        }
      }),
      { numRuns: runs(400) },
    );
  });

  it('an acknowledgement silences what lasts, and no other time of what nothing ends', () => {
    const dedupMs = 10 * minuteMs;
    const alerts = fc.constantFrom('liquidation_fill', 'reconcile_failed');
    const some = fc.oneof(
      fc.record({ kind: fc.constant('raise' as const), alert: alerts }),
      fc.record({ kind: fc.constant('ack' as const), alert: alerts }),
      fc.record({ kind: fc.constant('later' as const), ms: fc.integer({ min: 1, max: dedupMs }) }),
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 40 }), (acts) => {
        const desk = new TestDesk(rulesOf({ dedupMs }));
        /** Of what lasts: when it was first acknowledged, by its id. */
        const ackedMs = new Map<string, number>();
        const raised: { readonly atMs: number; ackedMs: number }[] = [];
        for (const one of acts) {
          if (one.kind === 'later') desk.later(one.ms);
          else if (one.kind === 'raise') {
            desk.raise({ alert: one.alert });
            if (one.alert === 'liquidation_fill')
              raised.push({ atMs: desk.nowMs, ackedMs: Number.POSITIVE_INFINITY });
          } else {
            const record = desk.records.find(({ alert }) => alert === one.alert);
            if (record === undefined) continue;
            desk.acknowledge(record.id);
            if (one.alert === 'liquidation_fill')
              for (const each of raised) each.ackedMs = Math.min(each.ackedMs, desk.nowMs);
            else ackedMs.set(record.id, Math.min(desk.nowMs, ackedMs.get(record.id) ?? desk.nowMs));
          }
        }
        desk.later(dedupMs + minuteMs);
        const tellings = (name: string) =>
          desk.sent.flatMap(({ atMs, message }) =>
            message.alerts.flatMap(({ alert, kind, id }) =>
              alert === name && kind !== 'acknowledged' ? [{ atMs, id }] : [],
            ),
          );
        const killed = tellings('liquidation_fill');
        for (const { atMs, ackedMs: knownMs } of raised) {
          // It waits at most for the time of dedup, and for the second between two messages.
          const dueMs = atMs + dedupMs + 2_000;
          const isTold = killed.some((one) => one.atMs >= atMs && one.atMs <= dueMs);
          if (!isTold && knownMs > dueMs) expect.fail(`what was raised at ${atMs - startMs} was never told`);
        }
        for (const [index, { atMs, id }] of killed.slice(1).entries())
          if (killed[index]!.id === id) expect(atMs - killed[index]!.atMs).toBeGreaterThan(dedupMs - 2_000);
        for (const { atMs, id } of tellings('reconcile_failed'))
          expect(atMs).toBeLessThanOrEqual((ackedMs.get(id) ?? Number.POSITIVE_INFINITY) + 2_000);
        for (const { alert, ack, lastMs, untold } of desk.records) {
          expect(untold, alert).toBe(0);
          if (alert === 'liquidation_fill' && ack !== null) expect(lastMs).toBeLessThanOrEqual(ack.atMs);
        }
      }),
      { numRuns: runs(450) },
    );
  });

  it('a CRITICAL that has no place of its own is told at once, whoever has acknowledged what', () => {
    const some = fc.record({
      acks: fc.array(fc.integer({ min: 1, max: deskBounds.records + 2 }), { maxLength: 3 }),
      isOfBound: fc.boolean(),
      isCritical: fc.boolean(),
      afterMs: fc.integer({ min: 0, max: minuteMs }),
    });
    const desk = new TestDesk(rulesOf());
    for (let n = 0; n <= deskBounds.records; n += 1)
      desk.raise({ alert: 'unprotected_position', severity: 'CRITICAL', subject: `position ${n}` });
    desk.later(minuteMs);
    const full = { state: desk.state, nowMs: desk.nowMs };
    fc.assert(
      fc.property(fc.array(some, { maxLength: 6 }), (acts) => {
        Object.assign(desk, full);
        for (const [n, { acks, isOfBound, isCritical, afterMs }] of acts.entries()) {
          for (const id of acks) if (!isOfBound) desk.acknowledge(`a${id}`);
          const bound = desk.records.find(({ alert }) => alert === 'alert_bound_reached')!;
          if (isOfBound) desk.acknowledge(bound.id);
          desk.later(afterMs);
          const before = desk.sent.length;
          const severity = isCritical ? 'CRITICAL' : 'MEDIUM';
          desk.raise({ alert: 'liquidation_fill', severity, subject: `new ${n}` });
          desk.later(3_000);
          if (!isCritical) continue;
          const told = desk.sent.slice(before).flatMap(({ message }) => message.alerts);
          const isTold = told.some(
            ({ subject, alert, ackedBy }) =>
              subject === `new ${n}` || (alert === 'alert_bound_reached' && ackedBy === null),
          );
          expect(isTold, `new ${n}`).toBe(true);
        }
      }),
      { numRuns: runs(30) },
    );
  });

  it('is pure: the same gives the same, and the state that was given stays as it was', () => {
    fc.assert(
      fc.property(rules, fc.array(act, { maxLength: 20 }), (some, acts) => {
        const desk = new TestDesk(deskRules(some));
        for (const one of acts) perform(desk, one, new Map());
        const before = JSON.stringify(desk.state);
        const input = {
          kind: 'raised',
          eventId: 'new',
          atMs: desk.nowMs,
          news: news({ alert: 'a', subject: 's' }),
        } as const;
        const one = step(desk.state, [input, { kind: 'tick' }], desk.nowMs + 1_000);
        const two = step(desk.state, [input, { kind: 'tick' }], desk.nowMs + 1_000);
        expect(one).toEqual(two);
        expect(JSON.stringify(desk.state)).toBe(before);
      }),
      { numRuns: runs(50) },
    );
  });
});

function expectBounded({ records, channels, eventIds, ends, folded }: DeskMemory): void {
  const ids = Object.keys(records);
  expect(ids.length).toBeLessThanOrEqual(deskBounds.records + 1);
  expect(eventIds.length).toBeLessThanOrEqual(deskBounds.eventIds);
  expect(ends.length).toBeLessThanOrEqual(deskBounds.ends);
  expect(Object.keys(folded).length).toBeLessThanOrEqual(deskBounds.kindsCounted + 1);
  for (const record of Object.values(records))
    expect(Object.keys(record.witnesses).length).toBeLessThanOrEqual(deskBounds.witnesses + 1);
  for (const { lines, sending, passed } of Object.values(channels)) {
    expect(Object.keys(lines).filter((id) => !ids.includes(id))).toEqual([]);
    expect((sending?.alerts ?? []).filter(({ id }) => !ids.includes(id))).toEqual([]);
    expect(sending?.alerts.length ?? 0).toBeLessThanOrEqual(deskBounds.alertsOfMessage);
    expect(Object.keys(passed).length).toBeLessThanOrEqual(deskBounds.kindsCounted + 1);
  }
}
