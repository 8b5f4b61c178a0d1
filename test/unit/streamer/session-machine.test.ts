import { describe, expect, it } from 'vitest';
import { dataFlows, type SessionEffect, type SessionInput } from '../../../streamer/session-machine.ts';
import { answersTime, refuses, SessionDriver } from '../../helpers/session-driver.ts';

/** Wednesday 2026-01-07 15:00 UTC. */
const WEDNESDAY = Date.UTC(2026, 0, 7, 15);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A gateway that lets everybody in and throws them out at once. */
function cutsOff(effect: SessionEffect): SessionInput | undefined {
  if (effect.kind === 'open') return { kind: 'ready', serverVersion: 193, accounts: [] };
  if (effect.kind === 'connected') return { kind: 'disconnected', code: null, message: 'closed' };
  return undefined;
}

describe('session machine: reconnecting', () => {
  it('S121 a gateway that accepts and cuts off at once is a failed attempt: no storm of a connection a second', () => {
    const session = new SessionDriver(WEDNESDAY, { resetWindows: [] });
    session.connect();
    session.feed({ kind: 'disconnected', code: null, message: 'closed' });
    session.clear();
    session.advance(20 * MINUTE, cutsOff);
    expect(session.all('open').length).toBeLessThan(30);
    expect(session.all('breaker').length).toBeGreaterThan(0);
  });

  it('found by the soak: a gateway that is away for a whole reset window is not knocked at once a second', () => {
    // 00:15 to 01:45 in New York.
    const session = new SessionDriver(Date.UTC(2026, 0, 7, 5, 15));
    session.connect();
    session.feed({ kind: 'disconnected', code: null, message: 'closed' });
    session.clear();
    session.advance(89 * MINUTE, refuses);
    expect(session.all('open').length).toBeLessThan(100);
    expect(session.all('breaker')).toHaveLength(0);
    // What fails after the window counts from its beginning, with its own pauses: the breaker is not late.
    session.advance(9 * MINUTE, refuses);
    expect(session.all('breaker')).toHaveLength(1);
  });

  it('found by the soak: while the weekly login is missing the pauses grow too, and it is asked for all the same', () => {
    // Sunday in New York: the login ends at 01:00, and so does the session.
    const session = new SessionDriver(Date.UTC(2026, 0, 11, 5, 50), { resetWindows: [] });
    session.connect();
    session.advance(10 * MINUTE + 1, answersTime);
    session.feed({ kind: 'disconnected', code: null, message: 'closed' });
    session.clear();
    // The gateway takes connections and says nothing.
    session.advance(16 * HOUR);
    expect(session.state.phase).toBe('waiting-for-login');
    expect(session.all('open').length).toBeLessThan(1_000);
    expect(session.all('login-awaited').length).toBeGreaterThanOrEqual(63);
  });

  it('in a reset window, too, a gateway that cuts off at once causes no storm', () => {
    const session = new SessionDriver(Date.UTC(2026, 0, 7, 5, 15));
    session.connect();
    session.feed({ kind: 'disconnected', code: null, message: 'closed' });
    session.clear();
    session.advance(80 * MINUTE, cutsOff);
    expect(session.all('open').length).toBeLessThan(100);
  });

  it('a session that has lasted makes good for the failures before it', () => {
    const session = new SessionDriver(WEDNESDAY, { resetWindows: [] });
    session.feed({ kind: 'start' });
    session.advance(2 * MINUTE, (effect) =>
      effect.kind === 'open' ? { kind: 'disconnected', code: 502, message: 'refused' } : undefined,
    );
    session.feed({ kind: 'disconnected', code: 502, message: 'refused' });
    session.advance(2 * MINUTE, (effect) =>
      effect.kind === 'open' ? { kind: 'ready', serverVersion: 193, accounts: [] } : answersTime(effect),
    );
    session.clear();
    session.feed({ kind: 'disconnected', code: null, message: 'closed' });
    expect(session.state.failures).toBe(1);
    session.advance(1_000);
    expect(session.all('open')).toHaveLength(1);
  });

  it('asks for the time before anything else: which month is the front one depends on it', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    const kinds = session.log.map(({ effect }) => effect.kind);
    expect(kinds.indexOf('ask-time')).toBeGreaterThan(0);
    expect(kinds.indexOf('ask-time')).toBeLessThan(kinds.indexOf('subscribe'));
  });
});

describe('session machine: farms', () => {
  const broken = 'Market data farm connection is broken:usfarm.nj';
  const historyBroken = 'HMDS data farm connection is broken:ushmds';

  it('2105 then 2107: a history farm that is inactive is available; its name comes after a full stop', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.feed({ kind: 'notice', code: 2105, message: historyBroken });
    const message = 'HMDS data farm connection is inactive but should be available upon demand.ushmds';
    expect(session.feed({ kind: 'notice', code: 2107, message })).toContainEqual({
      kind: 'history',
      available: true,
    });
    expect(session.state.phase).toBe('ready');
  });

  it('2103 then 2108: a market data farm that is inactive is woken by the subscriptions', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.feed({ kind: 'notice', code: 2103, message: broken });
    const message = 'Market data farm connection is inactive but should be available upon demand.usfarm.nj';
    expect(session.feed({ kind: 'notice', code: 2108, message })).toContainEqual({ kind: 'subscribe' });
    expect(session.state.phase).toBe('ready');
    // Where nothing was broken it is no news.
    session.clear();
    session.feed({ kind: 'notice', code: 2108, message });
    expect(session.log).toHaveLength(0);
  });

  it('2103 then 2119: a farm that is connecting is not back yet, no data flows', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.feed({ kind: 'notice', code: 2103, message: broken });
    session.feed({ kind: 'notice', code: 2119, message: 'Market data farm is connecting:usfarm.nj' });
    expect(dataFlows(session.state)).toBe(false);
    session.feed({ kind: 'notice', code: 2104, message: 'Market data farm connection is OK:usfarm.nj' });
    expect(dataFlows(session.state)).toBe(true);
  });

  it('what is broken before nextValidId is broken after it: IB Gateway tells its farms first', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.feed({ kind: 'start' });
    session.feed({ kind: 'notice', code: 2103, message: broken });
    session.feed({ kind: 'notice', code: 2105, message: historyBroken });
    session.ready();
    expect(session.state.phase).toBe('degraded');
    expect(dataFlows(session.state)).toBe(false);
    expect(session.all('history').map(({ effect }) => effect.available)).toEqual([false]);
    session.clear();
    session.feed({ kind: 'notice', code: 2104, message: 'Market data farm connection is OK:usfarm.nj' });
    session.feed({ kind: 'notice', code: 2106, message: 'HMDS data farm connection is OK:ushmds' });
    expect(session.state.phase).toBe('ready');
    expect(session.all('subscribe')).toHaveLength(1);
    expect(session.all('history').map(({ effect }) => effect.available)).toEqual([true]);
  });

  it('1100 before nextValidId: no data flows until 1102', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.feed({ kind: 'start' });
    session.feed({ kind: 'notice', code: 1100, message: 'lost' });
    session.ready();
    expect(dataFlows(session.state)).toBe(false);
    expect(session.all('coverage-lost')).toHaveLength(0);
    session.feed({ kind: 'notice', code: 1102, message: 'restored' });
    expect(dataFlows(session.state)).toBe(true);
    // A new link knows nothing of the old one's troubles.
    session.feed({ kind: 'notice', code: 2110, message: 'broken' });
    session.feed({ kind: 'disconnected', code: null, message: 'closed' });
    session.advance(1_000);
    session.ready();
    expect(session.state.phase).toBe('ready');
  });
});

describe('session machine: the weekly login', () => {
  it('a session that was up all week and is lost on Wednesday does not wait for a login that it has had', () => {
    const session = new SessionDriver(WEDNESDAY - 6 * 24 * HOUR);
    session.connect();
    session.advance(6 * 24 * HOUR, answersTime);
    session.feed({ kind: 'disconnected', code: null, message: 'the gateway closed the connection' });
    expect(session.state.phase).toBe('lost');
    expect(session.state.failures).toBe(1);
    expect(session.all('login-awaited')).toHaveLength(0);
  });

  it('one that ends within a day after Sunday 01:00 New York does: no restart of the gateway has proven the login', () => {
    // Thursday 15:00 UTC to Sunday 23:45 New York.
    const session = new SessionDriver(WEDNESDAY + 24 * HOUR);
    session.connect();
    session.advance(Date.UTC(2026, 0, 12, 4, 45) - session.nowMs, answersTime);
    session.feed({ kind: 'disconnected', code: null, message: 'the gateway closed the connection' });
    expect(session.state.phase).toBe('waiting-for-login');
  });
});
