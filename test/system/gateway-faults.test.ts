/** Each fault of the simulated gateway, as a client of it meets the fault. */
import type { BarSizeSetting, TickByTickDataType, WhatToShow } from '@stoqey/ib';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type FaultInput,
  type Gateway,
  type GatewayOptions,
  startGateway,
} from '../../sandbox/gateway/index.ts';
import { type Tape, type TapeRow, tapeFromRows } from '../../sandbox/tapes/tape.ts';
import { byConId, IbClient, RawClient, sleep } from '../helpers/gateway-client.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const start = Date.parse('2026-01-05T15:00:00Z');
/** A trade of size 1 each 100 ms: the cumulative volume counts them. */
function steadyTape(rows: number): Tape {
  return tapeFromRows(
    'steady',
    Array.from(
      { length: rows },
      (_, index): TapeRow => ({
        timeMs: start + index * 100,
        symbol: 'GCG6',
        price: `${2700 + (index % 10)}.5`,
        size: '1',
        kind: 'trade',
        line: index + 2,
      }),
    ),
  );
}

async function gatewayWith(options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await startGateway({ port: 0, tape: steadyTape(5_000), speed: 10, ...options });
  closing.push(() => gateway.stop());
  return gateway;
}
async function client(gateway: Gateway, clientId = 7): Promise<IbClient> {
  const ib = new IbClient(gateway.port);
  closing.push(() => ib.disconnect());
  return ib.connect(clientId);
}
const contractOf = (gateway: Gateway) => byConId(gateway.tape.contracts[0]!.conId);
async function subscribed(gateway: Gateway, clientId = 7): Promise<IbClient> {
  const ib = await client(gateway, clientId);
  ib.ib.reqMktData(1, contractOf(gateway), '233', false, false);
  await ib.until('a first print', () => ib.rtVolumes(1).length > 3);
  return ib;
}
/** Switches a fault by the control port, as other programs do. */
async function post(
  gateway: Gateway,
  fault: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${gateway.controlPort}/fault`, {
    method: 'POST',
    body: JSON.stringify(fault),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const volumes = (ib: IbClient, id = 1) => ib.rtVolumes(id).map((text) => Number(text.split(';')[3]));
/** Waits until nothing has come for a while, and says how many prints there are then. */
async function quiet(ib: IbClient): Promise<number> {
  for (;;) {
    const before = ib.rtVolumes(1).length;
    await sleep(150);
    if (ib.rtVolumes(1).length === before) return before;
  }
}
async function alive(ib: IbClient): Promise<void> {
  const before = ib.all('currentTime').length;
  ib.ib.reqCurrentTime();
  await ib.until('the current time', () => ib.all('currentTime').length > before);
}

describe('connection', () => {
  it.each(['rst', 'fin'] as const)(
    'drop by %s ends all connections, or one; the tape runs on unseen',
    async (how) => {
      const gateway = await gatewayWith();
      const first = await subscribed(gateway, 1);
      const second = await client(gateway, 2);
      await post(gateway, { type: 'drop', clientId: 2, how });
      await second.next('disconnected');
      await alive(first);
      await post(gateway, { type: 'drop', how });
      await first.next('disconnected');
      const { ticksPlayed, ticksUnseen } = gateway.status();
      await sleep(200);
      const later = gateway.status();
      expect(later.ticksPlayed).toBeGreaterThan(ticksPlayed);
      expect(later.ticksUnseen - ticksUnseen).toBe(later.ticksPlayed - ticksPlayed);
      expect(later.clients).toEqual([]);
      expect(later.ticksSentByClient[1]).toBe(later.ticksPlayed - later.ticksUnseen);
    },
  );

  it('half-open: the socket stays, nothing comes, nothing is answered; the client id is free at once', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: 'half-open' });
    const prints = await quiet(ib);
    const { ticksPlayed, ticksUnseen } = gateway.status();
    ib.ib.reqCurrentTime();
    await sleep(300);
    const later = gateway.status();
    expect(later.ticksUnseen - ticksUnseen).toBe(later.ticksPlayed - ticksPlayed);
    expect(later.ticksPlayed).toBeGreaterThan(ticksPlayed);
    expect([ib.all('currentTime'), ib.all('disconnected'), ib.rtVolumes(1).length]).toEqual([[], [], prints]);
    const again = await subscribed(gateway);
    expect(again.rtVolumes(1).length).toBeGreaterThan(0);
  });

  it('half-open with keepClientId: the next connection gets 326', async () => {
    const gateway = await gatewayWith();
    await client(gateway);
    await post(gateway, { type: 'half-open', keepClientId: true });
    const again = new IbClient(gateway.port);
    closing.push(() => again.disconnect());
    again.ib.connect(7);
    await again.code(326);
  });

  it('restart: all sockets and the port close, then it listens again; the tape runs on', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    const played = gateway.status().ticksPlayed;
    await post(gateway, { type: 'restart', downMs: 400 });
    await ib.next('disconnected');
    await expect(RawClient.open(gateway.port)).rejects.toThrow('ECONNREFUSED');
    await sleep(600);
    const again = await subscribed(gateway);
    expect(volumes(again)[0]).toBeGreaterThan(played);
  });

  it('refuse: connections are accepted and closed at once, until it is switched off', async () => {
    const gateway = await gatewayWith();
    await post(gateway, { type: 'refuse' });
    const refused = await RawClient.open(gateway.port);
    await refused.end();
    expect(refused.bytes).toBe(0);
    await post(gateway, { type: 'refuse', on: false });
    await client(gateway);
  });

  it('silent handshake: the hello is never answered and the socket stays', async () => {
    const gateway = await gatewayWith();
    await post(gateway, { type: 'silent-handshake' });
    const raw = await RawClient.open(gateway.port);
    closing.push(() => raw.socket.destroy());
    raw.hello('v100..193');
    raw.send(71, 2, 7, '');
    await sleep(300);
    expect([raw.bytes, raw.closed]).toEqual([0, false]);
  });

  it('no next valid id: accounts and notices come, the id does not', async () => {
    const gateway = await gatewayWith();
    await post(gateway, { type: 'no-next-valid-id' });
    const ib = new IbClient(gateway.port);
    closing.push(() => ib.disconnect());
    ib.ib.connect(7);
    await ib.code(2158);
    expect([ib.all('managedAccounts').length, ib.all('nextValidId').length]).toEqual([1, 0]);
  });

  it('slow: a delay before each frame, then everything at once when it ends, in order', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: 'slow', delayMs: 40 });
    await sleep(400);
    // Frames come at most each 40 ms; a print has four of them, and 100 prints a second are played.
    const before = ib.rtVolumes(1).length;
    await sleep(600);
    expect(ib.rtVolumes(1).length - before).toBeLessThanOrEqual(6);
    await post(gateway, { type: 'slow', on: false });
    await ib.until('what was held back', () => ib.rtVolumes(1).length > before + 30);
    const seen = volumes(ib);
    expect(seen).toEqual(seen.map((_, index) => seen[0]! + index));
  });

  it('slow at speed max: the tape waits for the client and loses nothing', async () => {
    const gateway = await gatewayWith({ speed: 'max', tape: steadyTape(1_500) });
    const ib = await client(gateway);
    await post(gateway, { type: 'slow', bytesPerSecond: 4_000_000 });
    ib.ib.reqMktData(1, contractOf(gateway), '233', false, false);
    await ib.until('every print', () => ib.rtVolumes(1).length === 1_500, 20_000);
    expect(volumes(ib)).toEqual(Array.from({ length: 1_500 }, (_, index) => index + 1));
    expect(gateway.status().ticksUnseen).toBe(0);
  });
});

describe('connectivity and farms', () => {
  const jumps = (ib: IbClient) =>
    volumes(ib).filter((volume, index, all) => index > 0 && volume - all[index - 1]! > 1).length;

  it('1100 then 1102: ticks stop, the gateway still answers, subscriptions are kept, missed ticks are not replayed', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: '1100' });
    expect((await ib.code(1100)).text).toContain('has been lost');
    const prints = await quiet(ib);
    await alive(ib);
    await sleep(200);
    expect(ib.rtVolumes(1).length).toBe(prints);
    await post(gateway, { type: '1102' });
    expect((await ib.code(1102)).text).toContain('data maintained');
    await ib.until('ticks again', () => ib.rtVolumes(1).length > prints);
    expect(jumps(ib)).toBe(1);
    expect(gateway.status().ticksUnseen).toBeGreaterThan(10);
  });

  it('1100 then 1101: all subscriptions are forgotten until they are asked for again', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: '1100' });
    await post(gateway, { type: '1101' });
    expect((await ib.code(1101)).text).toContain('data lost');
    const prints = await quiet(ib);
    await sleep(200);
    expect(ib.rtVolumes(1).length).toBe(prints);
    ib.ib.reqMktData(2, contractOf(gateway), '233', false, false);
    await ib.until('ticks of the new line', () => ib.rtVolumes(2).length > 3);
    expect(ib.rtVolumes(1).length).toBe(prints);
  });

  it('who connects during the outage is told 1100, and gets ticks only after it', async () => {
    const gateway = await gatewayWith({ start: 'now' });
    await post(gateway, { type: '1100' });
    const ib = await client(gateway);
    await ib.code(1100);
    ib.ib.reqMktData(1, contractOf(gateway), '233', false, false);
    await ib.next('tickReqParams');
    await sleep(200);
    expect(ib.rtVolumes(1)).toEqual([]);
    await post(gateway, { type: '1102' });
    await ib.until('ticks', () => ib.rtVolumes(1).length > 0);
  });

  it('2110 stops ticks as 1100 does', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: '2110' });
    await ib.code(2110);
    const prints = await quiet(ib);
    await post(gateway, { type: '1102' });
    await ib.until('ticks again', () => ib.rtVolumes(1).length > prints);
  });

  it('farm down and up: 2103 and 2104, ticks stop and resume', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: 'farm-down' });
    expect((await ib.code(2103)).text).toBe('Market data farm connection is broken:usfarm');
    const prints = await quiet(ib);
    await post(gateway, { type: 'farm-up' });
    await ib.code(2104, 2);
    await ib.until('ticks again', () => ib.rtVolumes(1).length > prints);
  });

  it('a farm that says it is up without resuming: 2104 and silence', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: 'farm-down' });
    await post(gateway, { type: 'farm-up', resume: false });
    await ib.code(2104, 2);
    const prints = await quiet(ib);
    await sleep(300);
    expect(ib.rtVolumes(1).length).toBe(prints);
  });

  it('historical farm down: 2105, requests get 162; up: 2106, they are answered', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    const ask = (id: number) =>
      ib.ib.reqHistoricalData(
        id,
        contractOf(gateway),
        '',
        '3600 S',
        '1 min' as BarSizeSetting,
        'TRADES' as WhatToShow,
        0,
        2,
        false,
      );
    await post(gateway, { type: 'hmds-down' });
    await ib.code(2105);
    ask(5);
    expect(await ib.code(162)).toMatchObject({
      id: 5,
      text: expect.stringContaining('farm connection is broken'),
    });
    await post(gateway, { type: 'hmds-up' });
    await ib.code(2106, 2);
    ask(6);
    await ib.next('historicalData', ([id]) => id === 6);
  });

  it('pacing: the next requests get 162 whatever they are', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: 'pacing', requests: 1 });
    for (const id of [5, 6]) {
      ib.ib.reqHistoricalData(
        id,
        contractOf(gateway),
        '',
        `${id * 600} S`,
        '1 min' as BarSizeSetting,
        'TRADES' as WhatToShow,
        0,
        2,
        false,
      );
    }
    expect(await ib.code(162)).toMatchObject({ id: 5, text: expect.stringContaining('pacing violation') });
    await ib.next('historicalData', ([id]) => id === 6);
  });
});

describe('permissions', () => {
  it('competing session: 10197 for each line, ticks stop and come back by themselves', async () => {
    const gateway = await gatewayWith();
    const ib = await subscribed(gateway);
    await post(gateway, { type: 'competing' });
    expect(await ib.code(10197)).toEqual({ id: 1, text: 'No market data during competing live session' });
    const prints = await quiet(ib);
    ib.ib.reqMktData(2, contractOf(gateway), '233', false, false);
    expect(await ib.code(10197, 2)).toMatchObject({ id: 2 });
    ib.ib.reqTickByTickData(3, contractOf(gateway), 'AllLast' as TickByTickDataType, 0, false);
    expect(await ib.code(10197, 3)).toMatchObject({ id: 3 });
    await post(gateway, { type: 'competing-end' });
    await ib.until(
      'ticks of both lines',
      () => ib.rtVolumes(1).length > prints && ib.rtVolumes(2).length > 0,
    );
  });

  it('no permission: 354 for all lines, or for the symbols named', async () => {
    const gateway = await gatewayWith();
    const ib = await client(gateway);
    await post(gateway, { type: 'no-permission', symbols: ['GC'] });
    ib.ib.reqMktData(1, contractOf(gateway), '', false, false);
    expect(await ib.code(354)).toMatchObject({ id: 1 });
    await post(gateway, { type: 'no-permission', symbols: ['ES'] });
    ib.ib.reqMktData(2, contractOf(gateway), '', false, false);
    await ib.next('tickReqParams', ([id]) => id === 2);
    await post(gateway, { type: 'no-permission' });
    ib.ib.reqTickByTickData(3, contractOf(gateway), 'AllLast' as TickByTickDataType, 0, false);
    expect(await ib.code(354, 2)).toMatchObject({ id: 3 });
    expect(gateway.status().clients[0]!.lines.map(({ id }) => id)).toEqual([2]);
  });

  it('delayed: 10167, market data type 3, delayed tick types, no RTVolume', async () => {
    const gateway = await gatewayWith();
    await post(gateway, { type: 'delayed' });
    const ib = await client(gateway);
    ib.ib.reqMarketDataType(3);
    ib.ib.reqMktData(1, contractOf(gateway), '233', false, false);
    expect(await ib.code(10167)).toMatchObject({ id: 1 });
    await ib.until('trades', () => ib.all('tickPrice').length > 3);
    const order = ib.seen.filter(({ event, args }) => event === 'marketDataType' || args[1] === 10167);
    expect(order.map(({ event }) => event)).toEqual(['error', 'marketDataType']);
    expect(ib.all('marketDataType')).toEqual([[1, 3]]);
    expect([...new Set(ib.all('tickPrice').map(([, type]) => type))]).toEqual([68]);
    expect(new Set(ib.all('tickSize').map(([, type]) => type))).toEqual(new Set([71, 74]));
    expect(ib.rtVolumes(1)).toEqual([]);
  });

  it('read-only: placing, cancelling and the global cancel get 321', async () => {
    const gateway = await gatewayWith();
    await post(gateway, { type: 'read-only' });
    const ib = await client(gateway);
    ib.ib.placeOrder(5, contractOf(gateway), {
      action: 'BUY',
      orderType: 'MKT',
      totalQuantity: 1,
      transmit: true,
    } as never);
    expect(await ib.code(321)).toMatchObject({ id: 5, text: expect.stringContaining('Read-Only mode') });
    ib.ib.cancelOrder(5);
    expect(await ib.code(321, 2)).toMatchObject({ id: 5 });
    ib.ib.reqGlobalCancel();
    expect(await ib.code(321, 3)).toMatchObject({ id: -1 });
  });

  it('clear switches every fault off', async () => {
    const gateway = await gatewayWith();
    for (const type of ['1100', 'farm-down', 'competing', 'read-only', 'refuse', 'delayed'])
      await post(gateway, { type });
    await post(gateway, { type: 'clear' });
    const ib = await subscribed(gateway);
    expect(ib.codes).toEqual([2104, 2106, 2158]);
  });
});

describe('scripts and control', () => {
  it('a script at tape times stops and resumes ticks exactly there, at full speed', async () => {
    const at = (rows: number, fault: FaultInput) => ({ ...fault, atTapeMs: start + rows * 100 });
    const gateway = await gatewayWith({
      tape: steadyTape(3_000),
      speed: 'max',
      idleSpeed: 100_000,
      script: [
        at(1_000, { type: '1100' }),
        at(1_200, { type: '1102' }),
        at(2_000, { type: 'farm-down' }),
        at(2_050, { type: 'farm-up' }),
      ],
    });
    const ib = await client(gateway);
    ib.ib.reqMktData(1, contractOf(gateway), '233', false, false);
    await ib.until('the end', () => ib.rtVolumes(1).at(-1)?.includes(';3000.0'));
    const seen = volumes(ib);
    const missing = Array.from({ length: 3_000 }, (_, index) => index + 1).filter(
      (volume) => !seen.includes(volume),
    );
    expect(missing).toEqual([
      ...Array.from({ length: 200 }, (_, index) => 1_001 + index),
      ...Array.from({ length: 50 }, (_, index) => 2_001 + index),
    ]);
    expect(gateway.status()).toMatchObject({ ticksUnseen: 250, ticksPlayed: 3_000, counters: { faults: 4 } });
  });

  it('a script at wall times, and a drop in it: a client that comes back sees the jump of the volume', async () => {
    const gateway = await gatewayWith({ script: [{ type: 'drop', atMs: 600 }] });
    const ib = await subscribed(gateway);
    await ib.next('disconnected');
    await sleep(200);
    const again = await subscribed(gateway);
    expect(volumes(again)[0]! - volumes(ib).at(-1)!).toBeGreaterThan(10);
  });

  it('GET /status tells tape, rows and clients; a wrong fault gets 400 with what is allowed', async () => {
    const gateway = await gatewayWith();
    await subscribed(gateway);
    const response = await fetch(`http://127.0.0.1:${gateway.controlPort}/status`);
    expect(await response.json()).toMatchObject({
      tapeStartMs: start,
      tapeEndMs: start + 499_900,
      started: true,
      ended: false,
      ticksTotal: 5_000,
      ticksUnseen: 0,
      clients: [
        {
          clientId: 7,
          stage: 'ready',
          serverVersion: 193,
          lines: [{ kind: 'market', id: 1, symbol: 'GCG6' }],
        },
      ],
    });
    const wrong = await post(gateway, { type: 'explode' });
    expect(wrong.status).toBe(400);
    expect(wrong.body.error).toContain('type "explode"; allowed are drop, half-open');
    const text = await fetch(`http://127.0.0.1:${gateway.controlPort}/fault`, { method: 'POST', body: '{' });
    expect(text.status).toBe(400);
    const large = await fetch(`http://127.0.0.1:${gateway.controlPort}/fault`, {
      method: 'POST',
      body: 'x'.repeat(70_000),
    });
    expect(large.status).toBe(413);
    expect((await fetch(`http://127.0.0.1:${gateway.controlPort}/`)).status).toBe(404);
  });
});
