import { describe, expect, it } from 'vitest';
import { dataFlows } from '../../streamer/session-machine.ts';
import { answersTime, refuses, SessionDriver } from '../helpers/session-driver.ts';

/** Wednesday 2026-01-07 15:00 UTC: 10:00 in New York, far from any reset window. */
const WEDNESDAY = Date.UTC(2026, 0, 7, 15);
const MINUTE = 60_000;

const lost = 'Connectivity between IBKR and Trader Workstation has been lost.';

describe('C7 connection and gateway: the session supervisor', () => {
  it('S116 1100 then 1101: coverage is lost, the socket is kept, and every subscription is asked for again', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();

    session.feed({ kind: 'notice', code: 1100, message: lost });
    expect(session.state.phase).toBe('degraded');
    expect(dataFlows(session.state)).toBe(false);
    session.advance(15_000, answersTime);
    session.feed({ kind: 'notice', code: 1101, message: 'restored, data lost' });

    expect(session.state.phase).toBe('ready');
    expect(session.all('coverage-lost')[0]?.effect.reason).toBe('connectivity-lost');
    expect(session.all('subscribe')).toHaveLength(1);
    expect(session.all('close')).toHaveLength(0);
  });

  it('S116 1100 then 1102: the subscriptions are kept, and coverage is proven anew', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();

    session.feed({ kind: 'notice', code: 1100, message: lost });
    session.feed({ kind: 'notice', code: 1102, message: 'restored, data maintained' });

    expect(session.state.phase).toBe('ready');
    expect(session.all('subscribe')).toHaveLength(0);
    expect(session.all('resume')).toHaveLength(1);
    expect(session.all('close')).toHaveLength(0);
  });

  it('S116 1101 without a 1100 before it still asks for every subscription again', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();
    session.feed({ kind: 'notice', code: 1101, message: 'restored, data lost' });
    expect(session.all('subscribe')).toHaveLength(1);
    expect(session.all('coverage-lost')).toHaveLength(1);
  });

  it('S116 1100 with no restore for five minutes enters safe mode, and the restore leaves it', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.feed({ kind: 'notice', code: 1100, message: lost });

    session.advance(5 * MINUTE - 1, answersTime);
    expect(session.all('safe-mode-entered')).toHaveLength(0);
    session.advance(1, answersTime);
    expect(session.all('safe-mode-entered')[0]?.effect.reason).toContain('300 s');
    expect(session.state.phase).toBe('safe-mode');

    session.feed({ kind: 'notice', code: 1102, message: 'restored' });
    expect(session.all('safe-mode-left')).toHaveLength(1);
    expect(session.state.phase).toBe('ready');
  });

  it('S117 2103 then 2104: the farm comes back and every subscription is asked for again', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();

    session.feed({ kind: 'notice', code: 2103, message: 'Market data farm connection is broken:usfarm' });
    session.feed({ kind: 'notice', code: 2103, message: 'Market data farm connection is broken:usfuture' });
    expect(session.state.phase).toBe('degraded');
    session.feed({ kind: 'notice', code: 2104, message: 'Market data farm connection is OK:usfarm' });
    expect(dataFlows(session.state)).toBe(false);
    session.feed({ kind: 'notice', code: 2104, message: 'Market data farm connection is OK:usfuture' });

    expect(session.all('coverage-lost').map((entry) => entry.effect.reason)).toEqual(['farm-down']);
    expect(session.all('subscribe')).toHaveLength(1);
    expect(session.state.phase).toBe('ready');
  });

  it('S117 the OK notices of a fresh connection change nothing', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();
    for (const code of [2104, 2106, 2158]) session.feed({ kind: 'notice', code, message: 'is OK:usfarm' });
    expect(session.log).toHaveLength(0);
  });

  it('S117 2105 then 2106: history waits, live data does not', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();
    session.feed({ kind: 'notice', code: 2105, message: 'HMDS data farm connection is broken:ushmds' });
    expect(session.state.phase).toBe('degraded');
    expect(dataFlows(session.state)).toBe(true);
    session.feed({ kind: 'notice', code: 2106, message: 'HMDS data farm connection is OK:ushmds' });
    expect(session.all('history').map((entry) => entry.effect.available)).toEqual([false, true]);
    expect(session.all('coverage-lost')).toHaveLength(0);
  });

  it('S117 2110 is a lost connection to the servers, which a farm that comes back ends', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();
    session.feed({ kind: 'notice', code: 2110, message: 'Connectivity between TWS and server is broken.' });
    expect(session.state.phase).toBe('degraded');
    session.feed({ kind: 'notice', code: 2104, message: 'Market data farm connection is OK:usfarm' });
    expect(session.state.phase).toBe('ready');
    expect(session.all('subscribe')).toHaveLength(1);
  });

  it('S118 the gateway restarts: the socket dies, the port is closed for three minutes, then a connection is not ready at once', () => {
    // 23:45 in New York: a restart outside the reset window.
    const session = new SessionDriver(Date.UTC(2026, 0, 8, 4, 45));
    session.connect();
    session.clear();

    session.feed({ kind: 'disconnected', code: null, message: 'the gateway closed the connection' });
    expect(session.state.phase).toBe('lost');
    session.advance(3 * MINUTE, refuses);
    expect(session.all('open').length).toBeGreaterThan(3);

    // The port is back, but nextValidId does not come: that attempt ends after ten seconds, and the next is ready.
    let accepted = 0;
    session.advance(4 * MINUTE, (effect) => {
      if (effect.kind === 'open') accepted += 1;
      if (effect.kind === 'open' && accepted === 2)
        return { kind: 'ready', serverVersion: 193, accounts: ['DU1234567'] };
      return answersTime(effect);
    });
    expect(accepted).toBe(2);
    expect(session.state.phase).toBe('ready');
    expect(session.all('subscribe')).toHaveLength(1);
    expect(session.all('coverage-lost')).toHaveLength(1);
  });

  it('S119 Sunday 01:00 New York: the session waits for the login, reminds, does not trip the breaker, and comes back', () => {
    // Saturday 2026-01-10 22:00 in New York.
    const session = new SessionDriver(Date.UTC(2026, 0, 11, 3));
    session.connect();
    session.clear();
    session.advance(3.5 * 60 * MINUTE, answersTime); // 01:30 on Sunday
    session.feed({ kind: 'disconnected', code: null, message: 'the gateway closed the connection' });
    expect(session.state.phase).toBe('waiting-for-login');

    session.advance(6 * 60 * MINUTE, refuses); // the first request for the second factor is missed
    expect(session.state.phase).toBe('waiting-for-login');
    expect(session.all('breaker')).toHaveLength(0);
    const reminders = session.all('login-awaited');
    expect(reminders).toHaveLength(25); // at once, then every 15 minutes
    expect(new Date(reminders[0]!.effect.sinceMs).toISOString()).toBe('2026-01-11T06:00:00.000Z');

    session.advance(MINUTE, (effect) =>
      effect.kind === 'open'
        ? { kind: 'ready', serverVersion: 193, accounts: ['DU1234567'] }
        : answersTime(effect),
    );
    expect(session.state.phase).toBe('ready');
  });

  it('S120 a competing session: coverage is lost, data that comes back by itself ends it', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();
    session.feed({ kind: 'notice', code: 10197, message: 'No market data during competing live session' });
    session.feed({ kind: 'notice', code: 10197, message: 'No market data during competing live session' });
    expect(session.state.phase).toBe('competing');
    expect(session.all('coverage-lost').map((entry) => entry.effect.reason)).toEqual(['competing-session']);

    session.advance(90_000, answersTime);
    expect(session.all('subscribe')).toHaveLength(1); // asked again once a minute
    session.feed({ kind: 'data' });
    expect(session.state.phase).toBe('ready');
    expect(session.all('resume')).toHaveLength(1);
  });

  it('S121 back-off doubles from one second to sixty with jitter, the breaker opens after ten failures, and it never gives up', () => {
    const session = new SessionDriver(WEDNESDAY, { resetWindows: [] });
    session.feed({ kind: 'start' });
    session.feed({ kind: 'disconnected', code: 502, message: 'connect ECONNREFUSED' });
    session.advance(60 * MINUTE, refuses);

    const opens = session.all('open').map((entry) => entry.atMs);
    const pauses = opens.slice(1).map((atMs, index) => (atMs - opens[index]!) / 1000);
    expect(pauses.slice(0, 10)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    expect(new Set(pauses.slice(10))).toEqual(new Set([60]));
    expect(opens.length).toBeGreaterThan(55); // an hour of trying, once a minute in the end
    expect(session.all('breaker')).toHaveLength(1);
    expect(session.all('breaker')[0]?.effect.failures).toBe(10);
    expect(session.all('safe-mode-entered')).toHaveLength(1);
    expect(session.state.phase).toBe('safe-mode');

    session.advance(MINUTE, (effect) =>
      effect.kind === 'open' ? { kind: 'ready', serverVersion: 193, accounts: [] } : answersTime(effect),
    );
    expect(session.state.phase).toBe('ready');
    expect(session.all('safe-mode-left')).toHaveLength(1);
  });

  it('S121 the jitter spreads the pause by a fifth to both sides', () => {
    const pauseAt = (random: number): number => {
      const session = new SessionDriver(WEDNESDAY);
      session.random = random;
      session.feed({ kind: 'start' });
      session.feed({ kind: 'disconnected', code: 502, message: 'refused' });
      return session.state.retryAtMs - WEDNESDAY;
    };
    expect([pauseAt(0), pauseAt(0.5), pauseAt(0.999_999)]).toEqual([800, 1_000, 1_200]);
  });

  it('S121 failures inside a reset window do not count towards the breaker', () => {
    // Wednesday 00:20 in New York, inside 00:15 to 01:45.
    const session = new SessionDriver(Date.UTC(2026, 0, 7, 5, 20));
    session.connect();
    session.feed({ kind: 'disconnected', code: null, message: 'reset' });
    session.advance(80 * MINUTE, refuses);
    expect(session.all('breaker')).toHaveLength(0);
    expect(session.state.failures).toBe(0);
    expect(session.all('open').length).toBeGreaterThan(60);
  });

  it('S122 a connected but dead socket: the probe finds it, the link is thrown away and opened again', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.connect();
    session.clear();
    session.advance(30_000);
    expect(session.all('ask-time')).toHaveLength(1);
    session.advance(10_000);

    expect(session.all('close')).toHaveLength(1);
    expect(session.all('coverage-lost')[0]?.effect.reason).toBe('disconnected');
    expect(session.all('disconnected')[0]?.effect.message).toContain('reqCurrentTime');
    session.advance(1_000);
    expect(session.all('open')).toHaveLength(1);
  });

  it('S122 a hung handshake ends at its deadline', () => {
    const session = new SessionDriver(WEDNESDAY);
    session.feed({ kind: 'start' });
    session.advance(9_999);
    expect(session.all('close')).toHaveLength(0);
    session.advance(1);
    expect(session.all('close')).toHaveLength(1);
    expect(session.state.lastError).toContain('nextValidId');
  });

  it('a stop at any moment ends everything and wakes no more', () => {
    for (const before of ['start', 'ready', 'lost'] as const) {
      const session = new SessionDriver(WEDNESDAY);
      session.feed({ kind: 'start' });
      if (before !== 'start') session.ready();
      if (before === 'lost') session.feed({ kind: 'disconnected', code: null, message: 'x' });
      session.feed({ kind: 'stop' });
      session.clear();
      session.advance(24 * 60 * MINUTE, refuses);
      expect(session.log, before).toHaveLength(0);
      expect(session.state.phase).toBe('idle');
    }
  });
});
