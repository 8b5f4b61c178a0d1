/** What the recorder says of its own outbox can be read by whoever hears it. */
import { afterEach, expect, it } from 'vitest';
import { configSchema } from '../../../config/schema.ts';
import type { TrackerEmit } from '../../../lib/domain/orders/tracker-types.ts';
import { parseNotice } from '../../../lib/events/envelope.ts';
import type { EventPublisher } from '../../../lib/ports/event-publisher.ts';
import { EventBus } from '../../../streamer/bus.ts';
import { type EventDelivery, openDelivery } from '../../../streamer/event-delivery.ts';
import { EventRecorder, type RecorderHost } from '../../../streamer/event-recorder.ts';

let delivery: EventDelivery | undefined;
afterEach(() => delivery?.close(0));

it('an outbox that is more than full, of order events that are never refused, is told by an event that its readers take', async () => {
  const config = configSchema.parse({
    stage: 'sandbox',
    streamers: [
      { name: 'main', account: 'DU1234567', symbols: ['GC'], dbPath: ':memory:', gateway: { port: 4002 } },
    ],
    outbox: { maxEvents: 100 },
  });
  const [streamer] = config.streamers;
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const taken: unknown[] = [];
  let isDown = true;
  const bus: EventPublisher = {
    publish: async (events) => {
      if (isDown) return events.map(() => ({ ok: false, code: 'Unavailable', message: 'down' }));
      taken.push(...events);
      return events.map(() => ({ ok: true }));
    },
  };
  delivery = openDelivery({ config, streamer: streamer!, logger, bus });
  delivery.outbox.beginEpoch(1);
  const host = {
    delivery,
    bus: new EventBus({ historySize: 0, onHandlerError: silent }),
    clock: { marketMs: 0 },
    systemMs: Date.now,
    ticks: () => ({ paused: false, pause: silent, resume: silent }),
    watermarks: () => new Map(),
  } as unknown as RecorderHost;
  const recorder = new EventRecorder({ config, streamer, logger } as never, host);
  const data = { currency: 'USD', cash: '1' };
  const told = { name: 'balance.changed', data, occurredAtMs: 1, account: 'DU1234567' } as TrackerEmit;
  recorder.record(Array<TrackerEmit>(120).fill(told), new Map());
  await expect.poll(() => recorder.counts['backpressure.detected']).toBe(1);
  isDown = false;
  await delivery.drain(5_000);
  // It found no room itself, and waits for it.
  recorder.flushLast();
  await delivery.drain(5_000);
  const notices = taken.map((event) => parseNotice(JSON.parse(JSON.stringify(event))));
  expect(notices.find(({ type }) => type === 'backpressure.detected')?.data).toMatchObject({
    queue: 'outbox',
    depth: 120,
    capacity: 100,
    utilisation: 1,
  });
});
