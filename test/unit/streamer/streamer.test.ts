import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { configSchema } from '../../../config/schema.ts';
import type { OpenOrderFact } from '../../../lib/domain/orders/broker-facts.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import type { EventPublisher } from '../../../lib/ports/event-publisher.ts';
import { BrokerMessageError } from '../../../streamer/broker-facts-values.ts';
import { type EventDelivery, openDelivery } from '../../../streamer/event-delivery.ts';
import { epochFromClock, Outbox } from '../../../streamer/outbox.ts';
import { Streamer } from '../../../streamer/streamer.ts';
import type { StreamerOptions } from '../../../streamer/streamer-options.ts';
import { terms } from '../orders/tracker-harness.ts';
import { FakeLink } from './fake-link.ts';
import { gold, MINUTE, TUESDAY } from './market-data-harness.ts';

vi.mock('../../../streamer/broker-link.ts', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  BrokerLink: (await import('./fake-link.ts')).FakeLink,
}));

const takesAll: EventPublisher = { publish: async (events) => events.map(() => ({ ok: true })) };
const down = { ok: false, code: 'Unavailable', message: 'down' } as const;

let folder: string;
let streamer: Streamer | undefined;
let delivery: EventDelivery | undefined;
let options: StreamerOptions | undefined;
let clockReads = 0;
let fatal: Error[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-streamer-'));
  fatal = [];
  vi.useFakeTimers({ now: TUESDAY });
});

afterEach(async () => {
  await streamer?.stop();
  streamer = undefined;
  const closed = delivery?.close(1_000);
  delivery = undefined;
  await vi.advanceTimersByTimeAsync(60_000);
  await closed;
  vi.useRealTimers();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function create(config: object = {}, publisher = takesAll, symbols: readonly string[] = ['GC']): Streamer {
  const parsed = configSchema.parse({
    stage: 'sandbox',
    streamers: [
      {
        name: 'main',
        account: 'DU1234567',
        symbols,
        dbPath: join(folder, 'streamer.db'),
        gateway: { port: 4002 },
      },
    ],
    resetWindows: [],
    ...config,
  });
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  delivery = openDelivery({ config: parsed, streamer: parsed.streamers[0]!, logger, bus: publisher });
  options = {
    config: parsed,
    streamer: parsed.streamers[0]!,
    waitForGateway: true,
    delivery,
    epoch: epochFromClock(delivery.outbox, Date.now()),
    mayWrite: () => true,
    logger,
    onFatal: (error) => void fatal.push(error),
    random: () => 0.5,
    systemMs: () => {
      clockReads += 1;
      return Date.now();
    },
  };
  streamer = new Streamer(options);
  return streamer;
}

/** Until the line is covered. */
async function connect(details = [gold()]): Promise<FakeLink> {
  streamer!.start();
  const link = FakeLink.last;
  link.listener.ready(193, ['DU1234567']);
  await vi.advanceTimersByTimeAsync(1);
  for (const { reqId } of link.sent.filter((each) => each.what === 'contract')) {
    const next = details.shift();
    if (next) link.listener.contract(reqId, next);
    link.listener.contractEnd(reqId);
  }
  for (const { reqId } of link.sent.filter((each) => each.what === 'subscribe'))
    link.listener.marketDataType(reqId, 1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(streamer!.ready).toBe(true);
  return link;
}

let cum = 0;
function print(link: FakeLink, timeMs: number, price = 100, reqId = link.reqId('subscribe')): void {
  cum += 1;
  link.listener.tickString(reqId, 48, `${price};1;${timeMs};${cum};${price};true`);
}

describe('the login', () => {
  const logIn = (accounts: readonly string[]): FakeLink => {
    create();
    streamer!.start();
    const link = FakeLink.last;
    link.listener.ready(193, accounts);
    return link;
  };

  it('of another account is refused at the start, with what to do: nothing is subscribed', async () => {
    const link = logIn(['DU7654321', 'DU7654322']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(fatal).toMatchObject([
      {
        code: 'ACCOUNT_MISMATCH',
        message: expect.stringMatching(
          /manages DU7654321, DU7654322, and the configuration says DU1234567 \(stage sandbox\).*set streamers\[\]\.account in config\/sandbox\.yml \(or IB_ACCOUNT\)/s,
        ),
      },
    ]);
    expect(link.sent).toEqual([]);
    expect(streamer!.ready).toBe(false);
  });

  it.each([[['DU1234567']], [['DU7654321', 'DU1234567']], [[]]])(
    'of %j is taken: an account among others, or none named yet',
    async (accounts) => {
      const link = logIn(accounts);
      await vi.advanceTimersByTimeAsync(1);
      expect(fatal).toEqual([]);
      expect(link.sent.map(({ what }) => what)).toContain('contract');
    },
  );
});

describe('the driver', () => {
  it('a question for the time that is not answered does not spin: it sleeps until the deadline of the probe', async () => {
    create();
    const link = await connect();
    await vi.advanceTimersByTimeAsync(30_000);
    print(link, Date.now());
    await vi.advanceTimersByTimeAsync(30_500);
    link.answersTime = false;
    // The bar is due, and the link is half-open: the question is out.
    await vi.advanceTimersByTimeAsync(3_000);
    expect(link.sent.at(-1)?.what).toBe('time');
    expect(link.attempts).toBe(1);
    clockReads = 0;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(clockReads).toBeLessThan(20);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(link.attempts).toBe(2);
  });

  it('while no data flows, nobody asks for the time four times a second', async () => {
    create();
    const link = await connect();
    link.listener.notice(1100, 'Connectivity between IBKR and Trader Workstation has been lost.');
    const asked = () => link.sent.filter(({ what }) => what === 'time').length;
    const before = asked();
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(asked() - before).toBeLessThan(150); // the probe, every 30 s
  });

  it("what the gateway lists without IB's servers is not whole, and is once they are back", async () => {
    create();
    const link = await connect();
    for (const list of ['open-orders', 'positions'] as const) link.listener.listEnd({ list });
    const ask = () => {
      const answer = streamer!.lists.collect('positions');
      link.listener.listEnd({ list: 'positions' });
      return answer;
    };
    expect((await ask()).outcome).toBe('ok');
    link.listener.notice(1100, 'lost');
    expect((await ask()).outcome).toBe('failed');
    link.listener.notice(1102, 'restored - data maintained');
    // The round of the restore has its own question first.
    link.listener.listEnd({ list: 'positions' });
    expect((await ask()).outcome).toBe('ok');
  });

  it('a message about an order that cannot be read is told to a person, once however often IB repeats it', async () => {
    create();
    const link = await connect();
    const alerts: string[] = [];
    streamer!.bus.subscribe('alert.raised', ({ data }) => void alerts.push(`${data.alert} ${data.message}`));
    for (let round = 0; round < 3; round += 1) {
      link.listener.unreadable('executions');
      link.listener.fault('execDetails', new BrokerMessageError('execution e1.01 has no price'));
    }
    link.listener.fault('tickString', new Error('another'));
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatch(/^broker_message_unreadable .*e1\.01 has no price/);
  });

  it('a crash between two transactions loses no bar: a watermark never overtakes a bar or a gap that is not written', async () => {
    const written = vi.spyOn(Outbox.prototype, 'append');
    // Every tick is an event, so that the writes of 512 events fall anywhere, also between the bars of one step.
    create({
      marketData: { tickSampling: { enabled: true, everyNth: 1 } },
      candles: { intervalMs: 5_000, flatBarsMax: 10 },
    });
    const link = await connect();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(streamer!.stats().gaps).toMatchObject({ open: 0, filled: 1 });
    for (let ticks = 240; ticks < 265; ticks += 1) {
      // One chunk: the third print moves the clock over several bars, at about the 512th event.
      for (let step = 0; step < 3; step += 1) {
        vi.setSystemTime(Date.now() + 15_000);
        for (let each = 0; each < ticks; each += 1) print(link, Date.now());
      }
      await vi.advanceTimersByTimeAsync(1_000);
    }
    await vi.advanceTimersByTimeAsync(60_000);

    const marks = new Map<number, number>();
    const overtaken: string[] = [];
    for (const [events, { watermarks = new Map() } = {}] of written.mock.calls) {
      for (const { type, data } of events) {
        if (type !== 'candle.completed' && type !== 'gap.detected') continue;
        const { conId, ...rest } = data as { conId: number; startMs?: number; fromMs?: number };
        const fromMs = rest.startMs ?? rest.fromMs ?? 0;
        if (fromMs < (marks.get(conId) ?? 0)) overtaken.push(`${type} ${new Date(fromMs).toISOString()}`);
      }
      for (const [conId, fromMs] of watermarks) marks.set(conId, fromMs);
    }
    expect(marks.get(101)).toBeGreaterThan(TUESDAY);
    expect(overtaken).toEqual([]);
  });

  it('a full outbox holds the ticks back, and lets them go when there is room, also when it was filled to the last place', async () => {
    const written = vi.spyOn(Outbox.prototype, 'append');
    const refused = (): number => (written.mock.results.at(-1)!.value as readonly unknown[]).length;
    let taken = 0;
    const publisher: EventPublisher = {
      publish: async (events) => events.map(() => (taken-- > 0 ? { ok: true } : down)),
    };
    create(
      {
        outbox: { maxEvents: 100, publishConcurrency: 1 },
        marketData: { tickSampling: { enabled: true, everyNth: 1 } },
      },
      publisher,
    );
    const link = await connect();
    for (let each = 0; each < 120; each += 1) print(link, Date.now());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(refused()).toBeGreaterThan(0);
    // Room for exactly what was refused: the outbox is full again, and nothing is left to be written.
    taken = refused();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(refused()).toBe(0);
    expect(streamer!.stats().outbox).toMatchObject({ depth: 100 });
    print(link, Date.now());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(streamer!.stats().marketData.buffer.depth).toBe(1);

    taken = Number.POSITIVE_INFINITY;
    await vi.advanceTimersByTimeAsync(31_000);
    expect(streamer!.stats().marketData.buffer).toMatchObject({ depth: 0, droppedTrades: 0 });
  });

  it('a stop that fills the outbox writes nothing after its file is closed', async () => {
    const failures: unknown[] = [];
    const onFailure = (error: unknown) => failures.push(error);
    process.on('uncaughtException', onFailure);
    create(
      {
        outbox: { maxEvents: 100 },
        marketData: { tickSampling: { enabled: true, everyNth: 1 } },
        shutdown: { timeoutMs: 1_000 },
      },
      { publish: async (events) => events.map(() => down) },
    );
    const link = await connect();
    for (let each = 0; each < 65; each += 1) print(link, Date.now());
    await vi.advanceTimersByTimeAsync(10);
    expect(streamer!.stats().outbox.utilisation).toBeLessThan(0.8);
    for (let each = 0; each < 40; each += 1) print(link, Date.now());
    await streamer!.stop();
    const closing = delivery!.close(1_000);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await closing).toBe(false);
    process.off('uncaughtException', onFailure);
    expect(failures).toEqual([]);
    expect(streamer!.stats().outbox.depth).toBeGreaterThanOrEqual(100);
  });

  it('ticks of a line that waits for coverage, in one chunk with a competing session, do not end it, and the last word on the session is right', async () => {
    create({}, takesAll, ['GC', 'SI']);
    const details = [gold(), gold(202, 'SIH6')];
    const link = await connect(details);
    const said: EventData<'session.changed'>[] = [];
    streamer!.bus.subscribe('session.changed', (event) => void said.push(event.data as never));
    // The first line has lost its data and is not covered; a last tick of it comes with the notice.
    const first = link.sent.find((each) => each.what === 'subscribe')!.reqId;
    link.listener.requestError(first, 10182, 'Failed to request live updates (disconnected).');
    print(link, Date.now(), 100, first);
    link.listener.requestError(
      link.reqId('subscribe'),
      10197,
      'No market data during competing live session',
    );
    await vi.advanceTimersByTimeAsync(1);
    // What is told must be a chain that ends at the state that is shown.
    for (const [index, event] of said.entries()) if (index > 0) expect(event.from).toBe(said[index - 1]!.to);
    expect(said.at(-1)?.to).toBe('competing');
    expect(streamer!.stats().session.phase).toBe('competing');
  });

  it('ticks for a handler inside the process are not put on the bus outside', async () => {
    create();
    const link = await connect();
    const ticks: string[] = [];
    streamer!.bus.subscribe('tick.received', (event) => void ticks.push(event.type));
    const before = streamer!.stats().outbox.appended;
    for (let each = 0; each < 20; each += 1) print(link, Date.now());
    await vi.advanceTimersByTimeAsync(10);
    expect(ticks).toHaveLength(20);
    expect(streamer!.stats().outbox.appended).toBe(before);
  });

  it('the front month changes while a request for history is out: its gap is given up, not called filled', async () => {
    create();
    const link = await connect();
    const told: string[] = [];
    for (const name of ['gap.detected', 'gap.filled', 'gap.abandoned', 'candle.completed'] as const)
      streamer!.bus.subscribe(name, (event) => void told.push(`${name} ${event.data.conId}`));
    link.answersHistory = false;
    link.listener.notice(1100, 'lost');
    await vi.advanceTimersByTimeAsync(1_000);
    link.listener.notice(1102, 'restored - data maintained');
    await vi.advanceTimersByTimeAsync(70_000);
    const history = link.reqId('history');
    link.listener.notice(1101, 'restored - data lost');
    await vi.advanceTimersByTimeAsync(1);
    const question = link.reqId('contract');
    link.listener.contract(question, gold(102, 'GCJ6', '20260428'));
    link.listener.contractEnd(question);
    link.listener.historicalBar(history, {
      startSeconds: TUESDAY / 1000,
      open: 1,
      high: 1,
      low: 1,
      close: 1,
      volume: 1,
      count: 1,
    });
    link.listener.historicalEnd(history);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toContain('gap.abandoned 101');
    expect(told).not.toContain('gap.filled 101');
    expect(streamer!.stats().gaps.open).toBe(0);
  });

  const order = (permId: number): OpenOrderFact => ({
    kind: 'open-order',
    account: 'DU1234567',
    orderId: 1_005,
    clientId: 1,
    permId,
    orderRef: '',
    contract: {
      conId: 101,
      symbol: 'GC',
      secType: 'FUT',
      localSymbol: 'GCG6',
      exchange: 'COMEX',
      currency: 'USD',
      multiplier: '100',
      lastTradeDate: '20260225',
      strike: '0',
      right: '',
      tradingClass: 'GC',
    },
    terms: terms({ quantity: '1', limitPrice: '2700' }),
    transmit: true,
    status: 'Submitted',
    warning: '',
  });

  it('S123 orders that IB tells of before the session is ready are not dropped', async () => {
    create();
    streamer!.start();
    FakeLink.last.listener.fact(order(17));
    await vi.advanceTimersByTimeAsync(1);
    expect(streamer!.stats().session.phase).not.toBe('ready');
    expect(streamer!.stats()).toMatchObject({ events: { 'order.placed': 1 }, orders: { working: 1 } });
  });

  it('an error with the id of an order is about the order, one with that of a request about the request', async () => {
    create();
    const link = await connect();
    link.listener.fact({ ...order(17), clientId: options!.streamer.gateway.clientId });
    link.listener.requestError(1_005, 202, 'Order Canceled - reason:');
    await vi.advanceTimersByTimeAsync(1);
    expect(streamer!.stats().events['order.cancelled']).toBe(1);
    const { facts } = streamer!.stats().orders;
    link.listener.requestError(
      link.reqId('subscribe'),
      10182,
      'Failed to request live updates (disconnected).',
    );
    expect(streamer!.stats().orders.facts).toBe(facts);
  });

  it('asks for all lists when the session is ready and when the servers are back, without binding any order', async () => {
    create();
    const link = await connect();
    const all = ['open-orders', 'completed-orders', 'executions', 'positions', 'account'];
    const asked = () => link.sent.map(({ what }) => what).filter((what) => all.includes(what));
    expect(asked()).toEqual(all);
    const end = (): void => {
      link.listener.listEnd({ list: 'open-orders' });
      link.listener.listEnd({ list: 'completed-orders' });
      link.listener.listEnd({ list: 'executions', reqId: link.reqId('executions') });
      link.listener.listEnd({ list: 'positions' });
      link.listener.listEnd({ list: 'account-values', account: 'DU1234567' });
    };
    end();
    expect(streamer!.stats().orders).toMatchObject({ synced: true, syncedAtMs: Date.now() });
    link.listener.notice(1100, 'lost');
    link.listener.notice(1102, 'restored - data maintained');
    expect(asked()).toEqual([...all, ...all]);
    end();
    link.listener.notice(1101, 'restored - data lost');
    expect(asked()).toHaveLength(15);
    end();
    // The outage was older than the link, and nobody told it of it.
    link.listener.notice(1102, 'restored - data maintained');
    expect(streamer!.stats().orders.synced).toBe(false);
    expect(asked()).toHaveLength(20);
    link.listener.disconnected(null, 'gone');
    expect(streamer!.stats().orders.synced).toBe(false);
  });

  it('after a lost lease another streamer goes on, on the same delivery, only with a later token', async () => {
    create();
    await connect();
    FakeLink.last.listener.fact(order(17));
    await streamer!.stop();
    expect(FakeLink.last.isOpen).toBe(false);
    const before = options!;
    expect(() => new Streamer(before)).toThrow(/epoch/);
    streamer = new Streamer({ ...before, epoch: before.epoch + 1 });
    await connect();
    FakeLink.last.listener.fact(order(17));
    await vi.advanceTimersByTimeAsync(1);
    expect(streamer.stats().epoch).toBe(before.epoch + 1);
    expect(streamer.stats().events['order.placed']).toBeUndefined();
    expect(streamer.stats().orders.working).toBe(1);
  });
});
