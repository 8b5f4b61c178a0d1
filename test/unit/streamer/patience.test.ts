import { describe, expect, it } from 'vitest';
import { CANCELS_END_MS, OwnOrders } from '../../../streamer/own-orders.ts';
import { Patience } from '../../../streamer/patience.ts';
import { steadyClock } from '../../../streamer/steady-clock.ts';
import { conId, ReviewDesk } from './order-review-desk.ts';

const HOUR = 3_600_000;
const SETTINGS = [-HOUR, -300_000, 300_000];
const { signal } = new AbortController();

/** A machine on which time passes as a test says, and whose system clock may be set. */
class Machine {
  systemMs = Date.parse('2026-01-05T15:00:00Z');
  #monotonicMs = 5_000;
  readonly steadyMs = steadyClock(
    () => this.systemMs,
    () => this.#monotonicMs,
  );

  pass(ms: number): void {
    this.#monotonicMs += ms;
    this.systemMs += ms;
  }
}

/** Whether it became so, and how often that was looked at, with so much time from look to look. */
async function look(setMs: number, soAtLook: number): Promise<[boolean, number]> {
  const machine = new Machine();
  const own = new OwnOrders({ systemMs: () => machine.systemMs, steadyMs: machine.steadyMs } as never);
  let looks = 0;
  const isSo = await own.until(() => {
    looks += 1;
    if (looks === 2) machine.systemMs += setMs;
    machine.pass(CANCELS_END_MS / 4);
    return looks === soAtLook;
  }, signal);
  return [isSo, looks];
}

describe('a system clock that is set', () => {
  it.each(SETTINGS)("changes nothing of how long the broker's word is waited for (%i ms)", async (setMs) => {
    expect(await look(setMs, 4)).toEqual([true, 4]);
    const [isSo, looks] = await look(setMs, 10);
    expect(isSo).toBe(false);
    expect(looks).toBeGreaterThanOrEqual(4);
    expect(looks).toBeLessThanOrEqual(6);
  });

  it.each(SETTINGS)('changes nothing of how long a command waits for lists (%i ms)', async (setMs) => {
    const machine = new Machine();
    let looks = 0;
    const session = () => {
      looks += 1;
      if (looks === 2) machine.systemMs += setMs;
      machine.pass(10_000);
      return { ready: looks === 9 };
    };
    const own = new OwnOrders({
      systemMs: () => machine.systemMs,
      steadyMs: machine.steadyMs,
      view: { session },
    } as never);
    const validUntil = new Date(machine.systemMs + 30_000).toISOString();
    await own.ready({ validUntil } as never, signal);
    expect(looks).toBeGreaterThanOrEqual(3);
    expect(looks).toBeLessThanOrEqual(4);
  });

  it.each(SETTINGS)('changes nothing of how long the book or the gateway is waited for (%i ms)', (setMs) => {
    const machine = new Machine();
    const patience = new Patience(60_000, machine.steadyMs);
    machine.systemMs += setMs;
    machine.pass(50_000);
    expect([patience.isOver, patience.lasts]).toEqual([false, true]);
    machine.pass(20_000);
    expect([patience.isOver, patience.lasts]).toEqual([true, false]);
  });

  it('back by an hour does not keep a command that waits for the gateway, nor what waits behind it', async () => {
    const machine = new Machine();
    const desk = new ReviewDesk({}, machine.steadyMs);
    desk.isReady = false;
    const command = desk.command('flatten', { key: 'flat', conId });
    desk.position = '5';
    const read = desk.memory.read.bind(desk.memory);
    desk.memory.read = async (...of) => {
      desk.nowMs -= HOUR;
      machine.pass(40_000);
      return read(...of);
    };
    const waits = desk.perform(command);
    machine.pass(31_000);
    await waits;
    expect(desk.answers).toMatchObject([{ answer: 'denied', code: 'NOT_CONNECTED' }]);
    expect(desk.placed).toEqual([]);
  });
});
