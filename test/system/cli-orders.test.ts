import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Desk, startDesk } from '../../sandbox/desk/desk.ts';
import { cleanFolders, quickConfig, scratchFolder } from '../helpers/desk-runs.ts';
import { evenkeelHere } from '../helpers/operator.ts';
import { type Ended, run } from '../helpers/programs.ts';

const program = fileURLToPath(new URL('../../bin/evenkeel.ts', import.meta.url));
const operator = 'arn:aws:iam::000000000000:user/operator';

const dataDir = scratchFolder();
const config = quickConfig(dataDir);
let desk: Desk;
let symbol = '';

const evenkeel = (...args: string[]): Promise<Ended> => evenkeelHere(['--data', dataDir, ...args], config);
const json = async (...args: string[]) => JSON.parse((await evenkeel(...args, '--json')).stdout);
const until = { timeout: 60_000, interval: 400 };

/** A price so far below the market, and still within the collar, that nothing fills. */
async function farBelow(): Promise<number> {
  const [candle] = (await json('candles', symbol, '--latest', '1')).candles;
  return Math.floor(Number(candle.close) * 0.97);
}

/** What a person types into TWS. */
async function typeIntoTws(command: object): Promise<{ permId: number }> {
  const response = await fetch(`http://127.0.0.1:${desk.gateway?.controlPort}/trade`, {
    method: 'POST',
    body: JSON.stringify({ action: 'place', symbol, quantity: '1', ...command }),
  });
  expect(response.ok).toBe(true);
  return (await response.json()) as { permId: number };
}

beforeAll(async () => {
  appendFileSync(
    join(config.EVENKEEL_CONFIG_DIR!, 'sandbox.yml'),
    'reconcile: { quietMs: 0, everyMinutes: 60 }\nheartbeat: { everyMs: 1000 }\n',
  );
  desk = await startDesk({ schedules: false, speed: '20', minutes: 240, dataDir, streamerEnv: config });
  // Asked in this process for as long as it takes; the command line then sees the same, a heartbeat later.
  await vi.waitFor(
    async () => expect(await desk.streamerStats()).toMatchObject({ ready: true, orders: { synced: true } }),
    until,
  );
  await vi.waitFor(
    async () =>
      expect(await json('status')).toMatchObject({
        alive: true,
        heartbeat: { ready: true, orders: { synced: true } },
      }),
    until,
  );
  const stats = await desk.streamerStats();
  symbol = stats?.marketData.lines[0]?.localSymbol ?? '';
  // Candles say the price, and the book has the contract.
  await vi.waitFor(
    async () => expect((await json('candles', symbol, '--latest', '1')).candles).toHaveLength(1),
    until,
  );
});
afterAll(async () => {
  await desk?.stop();
  cleanFolders();
});

describe('orders of the command line, up to the queue', () => {
  it('shows what would happen, and sends nothing without a confirmation', async () => {
    const market = ['place', '--symbol', 'GC', '--side', 'buy', '--quantity', '1', '--type', 'mkt'];
    await vi.waitFor(async () => {
      const { code, stderr } = await evenkeel('order', ...market);
      expect(stderr).toMatch(new RegExp(`^contract +${symbol}, FUT GC `, 'm'));
      expect(stderr).toMatch(/^notional +[\d,.]+ USD = 1 x [\d,.]+ \(the last candle\) x 100$/m);
      expect(stderr).toMatch(/^expected +it would be denied: SAFE_MODE/m);
      expect(stderr).toContain('CONFIRMATION_NEEDED');
      expect(code).toBe(2);
    }, until);
    const { queues } = await json('status');
    expect(queues.find(({ what }: { what: string }) => what === 'commands').depth).toMatchObject({
      waiting: 0,
    });
  });

  it('halt, status and resume, with who and why in the audit trail', async () => {
    const halted = await evenkeel('halt', '--reason', 'the system test says so');
    expect(halted).toMatchObject({ code: 0, stderr: '' });
    expect(halted.stdout).toContain(`by ${operator}: the system test says so`);
    expect((await json('status')).trading).toMatchObject({ mode: 'halted', by: operator });
    expect((await evenkeel('reduce-only', '--reason', 'next')).stdout).toContain('-> reduce-only since');
    expect((await evenkeel('resume', '--reason', 'over')).stdout).toContain('-> active');
    expect((await evenkeel('audit', 'verify', '--against-book')).code).toBe(0);
  });

  it("another's order is shown and refused", async () => {
    const { permId } = await typeIntoTws({
      side: 'BUY',
      orderType: 'LMT',
      limitPrice: String(await farBelow()),
      timeInForce: 'GTC',
    });
    await vi.waitFor(async () => {
      const { code, stderr } = await evenkeel('order', 'cancel', String(permId), '--yes');
      expect(stderr).toContain('ORDER_FOREIGN');
      expect(stderr).toContain('Cancel it in TWS');
      expect(code).toBe(2);
    }, until);
  });
});

describe("orders of the command line, with the streamer's order desk", () => {
  const stateOf = async (...args: string[]) => {
    const { code, stdout, stderr } = await evenkeel('order', ...args, '--yes', '--json');
    if (stdout === '') throw new Error(stderr);
    const { state, code: reason, ...rest } = JSON.parse(stdout);
    return { exitCode: code, state, reason, ...rest };
  };
  const buy = (...args: string[]) => [
    'place',
    '--symbol',
    symbol,
    '--side',
    'buy',
    '--quantity',
    '1',
    ...args,
  ];

  it('SAFE_MODE denies, DRY_RUN would send, and each is an end of its key', async () => {
    const limit = ['--type', 'lmt', '--limit', String(await farBelow())];
    expect(await stateOf(...buy(...limit, '--key', 'safe'))).toMatchObject({
      exitCode: 1,
      state: 'denied',
      reason: 'SAFE_MODE',
    });
    await evenkeel('flags', 'preset', 'execute', '--reason', 'test');
    expect(await json('reconcile')).toMatchObject({ lock: { state: 'open' } });
    await evenkeel('flags', 'set', 'DRY_RUN', 'true', '--reason', 'test');
    expect(await stateOf(...buy(...limit, '--key', 'dry'))).toMatchObject({
      exitCode: 0,
      state: 'would-send',
    });
    await evenkeel('flags', 'set', 'DRY_RUN', 'false', '--reason', 'test');
    expect(await stateOf(...buy(...limit, '--key', 'dry'))).toMatchObject({
      state: 'would-send',
      repeated: true,
    });
  });

  it('a market order is filled; sent again with its key it is the same order', async () => {
    const first = await stateOf(...buy('--type', 'mkt', '--key', 'once'));
    expect(first).toMatchObject({ exitCode: 0, state: 'sent', repeated: false });
    // As a person starts it, in a process of its own.
    const again = await run(
      program,
      ['--data', dataDir, 'order', ...buy('--type', 'mkt', '--key', 'once'), '--yes', '--json'],
      config,
    );
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      state: 'sent',
      repeated: true,
      commandId: first.commandId,
    });
    await vi.waitFor(async () => {
      const { order: shown } = await json('orders', 'show', first.legs[0].orderRef);
      expect(shown).toMatchObject({ status: 'Filled', filled: '1' });
      expect((await json('positions')).positions).toMatchObject([{ position: '1' }]);
    }, until);
    const { fills } = await json('fills');
    expect(fills).toHaveLength(1);
    await tracesEveryStep(fills[0].execId);
  });

  it('what is off the tick is denied, and says what would be allowed', async () => {
    const answer = await stateOf(
      ...buy('--type', 'lmt', '--limit', `${await farBelow()}.03`, '--key', 'tick'),
    );
    expect(answer).toMatchObject({ exitCode: 1, state: 'denied', reason: 'TICK_SIZE' });
    expect(answer.allowed).not.toBe('');
  });

  it('a bracket works, is changed, and its key cancels every leg of it', async () => {
    const price = await farBelow();
    const bracket = ['bracket', ...buy('--type', 'lmt', '--limit', String(price)).slice(1)];
    const ends = ['--take-profit', String(price + 20), '--stop-loss', String(price - 10)];
    expect(await stateOf(...bracket, ...ends, '--key', 'three')).toMatchObject({ state: 'sent' });
    await vi.waitFor(async () => expect(await ours()).toHaveLength(3), until);
    expect(await stateOf('modify', 'three', '--limit', String(price - 1))).toMatchObject({
      exitCode: 0,
      state: 'sent',
    });
    const cancelled = await stateOf('cancel', 'three', '--wait', '30');
    expect(cancelled).toMatchObject({ exitCode: 0, state: 'cancelled' });
    expect(await ours()).toEqual([]);
  });

  it('halted, an order is denied and a cancel goes', async () => {
    const limit = ['--type', 'lmt', '--limit', String(await farBelow())];
    expect(await stateOf(...buy(...limit, '--key', 'before'))).toMatchObject({ state: 'sent' });
    await vi.waitFor(async () => expect(await ours()).toHaveLength(1), until);
    await evenkeel('halt', '--reason', 'test');
    expect(await stateOf(...buy(...limit, '--key', 'after'))).toMatchObject({
      exitCode: 1,
      reason: 'HALTED',
    });
    expect(await stateOf('cancel-all', '--wait', '30')).toMatchObject({ exitCode: 0, state: 'cancelled' });
    await evenkeel('resume', '--reason', 'test');
  });

  it('flatten closes the position', async () => {
    const { exitCode, state } = await stateOf('flatten', symbol, '--key', 'out');
    expect({ exitCode, state }).toEqual({ exitCode: 0, state: 'sent' });
    await vi.waitFor(async () => expect((await json('positions')).positions).toEqual([]), until);
  });

  /** Open orders of our client, by the book. */
  async function ours(): Promise<unknown[]> {
    const { orders } = await json('orders');
    return orders.filter(({ origin, clientId }: { origin: string; clientId: number }) => {
      return origin === 'api' && clientId === 1;
    });
  }
});

/** From the socket to the audit row: every step has its time, none goes back, and the intent stands before them. */
async function tracesEveryStep(execId: string): Promise<void> {
  const { orderKey, intent, events } = await json('trace', execId);
  expect(intent).toBeNull();
  const [fill] = events;
  const { occurredAt, recordedAt, queuedAt, receivedAt, bookedAt } = fill;
  expect(fill).toMatchObject({
    event: 'fill.received',
    writer: 'book-keeper',
    occurredAt: expect.any(String),
  });
  expect(occurredAt).toMatch(/Z$/);
  const steps = [recordedAt, queuedAt, receivedAt, bookedAt].map(Date.parse);
  expect(steps, JSON.stringify(fill)).toEqual(steps.toSorted((a, b) => a - b));
  const byEvent = await json('trace', fill.id);
  expect(byEvent.events).toMatchObject([{ id: fill.id, bookedAt, queuedAt }]);
  const order = await json('trace', orderKey);
  expect(order.intent.states.map(({ state }: { readonly state: string }) => state)).toEqual([
    'sending',
    'sent',
  ]);
  expect(order.events.length).toBeGreaterThan(1);
  expect((await evenkeel('trace', 'main:1:999999')).stderr).toContain('EVENT_UNKNOWN');
}
