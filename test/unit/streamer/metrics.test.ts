import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { configSchema } from '../../../config/schema.ts';
import { exportEveryMs, type Metric } from '../../../lib/domain/metrics/metric.ts';
import { streamerMetrics } from '../../../lib/domain/metrics/streamer-metrics.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import type { EventPublisher } from '../../../lib/ports/event-publisher.ts';
import { type EventDelivery, openDelivery } from '../../../streamer/event-delivery.ts';
import type { LeaseStats } from '../../../streamer/lease-keeper.ts';
import { createMetrics, type Metrics } from '../../../streamer/metrics.ts';
import { Streamer } from '../../../streamer/streamer.ts';
import { FakeLink } from './fake-link.ts';
import { gold, MINUTE, TUESDAY } from './market-data-harness.ts';

vi.mock('../../../streamer/broker-link.ts', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  BrokerLink: (await import('./fake-link.ts')).FakeLink,
}));

const all: readonly Metric[] = streamerMetrics;
const forCloudWatch = all.filter(({ emf }) => emf).map(({ name }) => name);
const held: LeaseStats = { held: true, token: 7, holder: 'main/a', waitingFor: null, trouble: '' };
const denied = { answer: 'denied' } as EventData<'command.answered'>;

interface EmfLine {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    }[];
  };
  readonly [field: string]: unknown;
}

let folder: string;
let streamer: Streamer | undefined;
let delivery: EventDelivery;
let lease = held;
let metrics: Metrics;
let lines: string[];
let busTakes = true;
let cumVolume = 0;

/** A real streamer over a link that a test speaks for, with a bus and a book queue that take everything. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-metrics-'));
  vi.useFakeTimers({ now: TUESDAY });
  [lease, lines, busTakes, cumVolume] = [held, [], true, 0];
  const config = configSchema.parse({
    stage: 'paper',
    streamers: [
      {
        name: 'main',
        account: 'DU1234567',
        symbols: ['GC'],
        dbPath: join(folder, 'streamer.db'),
        gateway: { port: 4002 },
      },
    ],
    resetWindows: [],
  });
  const own = config.streamers[0]!;
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const takes: EventPublisher = {
    publish: async (events) =>
      events.map(() => (busTakes ? { ok: true } : { ok: false, code: 'Unavailable', message: 'down' })),
  };
  delivery = openDelivery({ config, streamer: own, logger, bus: takes, book: takes });
  streamer = new Streamer({
    config,
    streamer: own,
    waitForGateway: true,
    delivery,
    epoch: 7,
    mayWrite: () => true,
    logger,
    onFatal: silent,
    random: () => 0.5,
    systemMs: Date.now,
  });
  metrics = createMetrics(
    { streamer: () => streamer, lease: () => lease },
    { stage: 'paper', streamer: 'main', printLine: (line) => void lines.push(line) },
  );
  await connect();
});

afterEach(async () => {
  await streamer?.stop();
  busTakes = true;
  const closed = delivery.close(1_000);
  await vi.advanceTimersByTimeAsync(60_000);
  await closed;
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

async function connect(): Promise<void> {
  streamer!.start();
  const { listener, sent } = FakeLink.last;
  listener.ready(193, ['DU1234567']);
  await vi.advanceTimersByTimeAsync(1);
  for (const { reqId } of sent.filter(({ what }) => what === 'contract')) {
    listener.contract(reqId, gold());
    listener.contractEnd(reqId);
  }
  for (const { reqId } of sent.filter(({ what }) => what === 'subscribe')) listener.marketDataType(reqId, 1);
  await vi.advanceTimersByTimeAsync(1_000);
}

/** Ten prints within a minute; at its end the bar is closed and leaves. */
async function tradeForAMinute(): Promise<void> {
  const link = FakeLink.last;
  for (let second = 0; second < 60; second += 6) {
    cumVolume += 1;
    link.listener.tickString(link.reqId('subscribe'), 48, `100;1;${Date.now()};${cumVolume};100;true`);
    await vi.advanceTimersByTimeAsync(6_000);
  }
}

function told(): EmfLine {
  metrics.publishEmf();
  return JSON.parse(lines.at(-1)!) as EmfLine;
}

async function scraped(): Promise<
  Map<string, { readonly type: string; readonly values: readonly number[] }>
> {
  const text = await metrics.text();
  const found = new Map<string, { type: string; values: number[] }>();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    found.set(name!, { type: type!, values: [] });
  for (const [, name, value] of text.matchAll(/^([a-z_]+)(?:\{[^}]*\})? (\S+)$/gm))
    found.get(name!)?.values.push(Number(value));
  return found;
}

describe('the metrics of a streamer', () => {
  it('each of the catalogue is there for Prometheus, by its name and kind, and nothing else but the process', async () => {
    await tradeForAMinute();
    await tradeForAMinute();
    const found = await scraped();
    // What Node and the process are like, prom-client tells by itself.
    const own = [...found].filter(([name]) => !/^evenkeel_(process|nodejs)_/.test(name));
    expect(own.map(([name, { type }]) => ({ name, kind: type }))).toEqual(
      all.map(({ name, kind }) => ({ name, kind })),
    );
    const silent = own.filter(([, { values }]) => values.length === 0 || !values.every(Number.isFinite));
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  it('each that CloudWatch is to have is in the line, in its unit, under stage and streamer, and nothing else', async () => {
    await tradeForAMinute();
    await tradeForAMinute();
    const line = told();
    const [directive] = line._aws.CloudWatchMetrics;
    expect(directive).toEqual({
      Namespace: 'Evenkeel',
      Dimensions: [['stage', 'streamer']],
      Metrics: all.filter(({ emf }) => emf).map(({ name, unit }) => ({ Name: name, Unit: unit })),
    });
    expect(line._aws.Timestamp).toBe(Date.now());
    const { _aws, ...fields } = line;
    expect(Object.keys(fields)).toEqual(['stage', 'streamer', ...forCloudWatch]);
    expect(fields).toMatchObject({ stage: 'paper', streamer: 'main', evenkeel_lease_held: 1 });
    const values = forCloudWatch.map((name) => fields[name]);
    expect(values.every((value) => Number.isFinite(value))).toBe(true);
  });

  it('a counter grows for Prometheus, and is what came on since the line before for CloudWatch', async () => {
    await tradeForAMinute();
    expect(told()).toMatchObject({ evenkeel_ticks_total: 10 });
    await tradeForAMinute();
    await tradeForAMinute();
    expect(told()).toMatchObject({ evenkeel_ticks_total: 20 });
    expect(told()).toMatchObject({ evenkeel_ticks_total: 0 });
    expect((await scraped()).get('evenkeel_ticks_total')).toEqual({ type: 'counter', values: [30] });
  });

  it('a denied command is counted, an accepted one is not', async () => {
    streamer!.emitNow('command.answered', denied);
    streamer!.emitNow('command.answered', { ...denied, answer: 'accepted' });
    expect(told()).toMatchObject({ evenkeel_commands_denied_total: 1 });
    expect((await scraped()).get('evenkeel_commands_answered_total')?.values).toEqual([2]);
  });

  it('the lateness of a candle counts from the end of its bar to the answer of the bus, for a minute', async () => {
    await tradeForAMinute();
    await vi.advanceTimersByTimeAsync(4_000);
    const onTime = told().evenkeel_candle_lateness_seconds;
    expect(onTime).toBeGreaterThanOrEqual(2); // the grace
    expect(onTime).toBeLessThan(4);
    busTakes = false;
    await tradeForAMinute();
    await vi.advanceTimersByTimeAsync(20_000);
    busTakes = true;
    await vi.advanceTimersByTimeAsync(30_000);
    const late = told().evenkeel_candle_lateness_seconds;
    expect(late).toBeGreaterThan(15);
    FakeLink.last.listener.notice(1100, 'lost');
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(told()).not.toHaveProperty('evenkeel_candle_lateness_seconds');
    expect((await scraped()).get('evenkeel_candle_lateness_seconds')?.values).toEqual([]);
  });

  it('while another one holds the lease, this process says so in both forms, and nothing of a streamer', async () => {
    await tradeForAMinute();
    await scraped();
    told();
    const running = streamer;
    [streamer, lease] = [undefined, { ...held, held: false, token: 0 }];
    const line = told();
    expect(line._aws.CloudWatchMetrics[0]?.Metrics.map(({ Name }) => Name)).toEqual(['evenkeel_lease_held']);
    expect(line).toMatchObject({ evenkeel_lease_held: 0 });
    const speaking = [...(await scraped())].filter(([, { values }]) => values.length > 0);
    const own = speaking.filter(([name]) => !/^evenkeel_(process|nodejs)_/.test(name));
    expect(own.map(([name]) => name)).toEqual(['evenkeel_lease_held', 'evenkeel_lease_token']);
    // The next term counts from zero.
    [streamer, lease] = [running, held];
    expect(told()).toMatchObject({ evenkeel_ticks_total: 10 });
  });

  it('are exported once a minute, which is what the alarms expect', () => {
    expect(exportEveryMs).toBe(60_000);
  });
});
