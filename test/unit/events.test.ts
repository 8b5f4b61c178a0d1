import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { Instrument } from '../../lib/domain/market/instrument.ts';
import {
  catalogue,
  type EventData,
  type EventName,
  eventNames,
  reservedNames,
} from '../../lib/events/catalogue.ts';
import {
  type Envelope,
  EventError,
  envelopeHead,
  eventId,
  parseEnvelope,
  parseNotice,
} from '../../lib/events/envelope.ts';
import { examplePath, readExample, renderEventDocs } from '../helpers/render-event-docs.ts';

const root = new URL('../../', import.meta.url);

function errorOf(value: unknown): EventError {
  try {
    parseEnvelope(value);
  } catch (error) {
    if (error instanceof EventError) return error;
    throw error;
  }
  throw new Error('parseEnvelope accepted it');
}

/** What comes from a streamer names it; what a function says does not. */
function parse(example: unknown): unknown {
  return 'streamer' in (example as object) ? parseEnvelope(example) : parseNotice(example);
}

function changed(name: EventName, change: (event: Record<string, unknown>) => void): unknown {
  const event = structuredClone(readExample(name)) as Record<string, unknown>;
  change(event);
  return event;
}

describe('event catalogue', () => {
  it.each(eventNames)('%s has a schema file and an example that it accepts unchanged', (name) => {
    expect(existsSync(new URL(`lib/events/${name.replaceAll('.', '-')}.ts`, root))).toBe(true);
    const example = readExample(name);
    expect(parse(example)).toEqual(example);
    expect((example as Envelope).type).toBe(name);
  });

  it('has no example without an event', () => {
    const files = readdirSync(new URL('lib/events/examples/', root));
    expect(new Set(files)).toEqual(new Set(eventNames.map((name) => examplePath(name).split('/').at(-1))));
  });

  it.each([...eventNames, ...Object.keys(reservedNames)])('%s follows the naming rule', (name) => {
    expect(name).toMatch(
      /^[a-z]+(-[a-z]+)*\.(received|completed|corrected|late|detected|filled|abandoned|connected|disconnected|changed|entered|left|awaited|triggered|resolved|placed|rejected|cancelled|invalidated|taken|raised|opened|staged|approved|applied|refused|answered)$/,
    );
  });

  it('keeps no name both reserved and in use', () => {
    expect(Object.keys(reservedNames).filter((name) => name in catalogue)).toEqual([]);
  });

  it('names every event of the seeds exactly once', () => {
    const seeds = [
      ...Object.values(catalogue).flatMap((entry) => entry.seedNames),
      ...Object.values(reservedNames).flat(),
    ];
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(seeds.filter((name) => name === name.toUpperCase()).sort()).toEqual([
      'CANDLE_COMPLETED',
      'CIRCUIT_BREAKER_TRIGGERED',
      'ORDER_FILLED',
      'ORDER_PLACED',
      'ORDER_REJECTED',
      'SAFE_MODE_ENTERED',
      'SETUP_DETECTED',
      'SETUP_INVALIDATED',
      'TICK_RECEIVED',
      'WEBSOCKET_CONNECTED',
      'WEBSOCKET_DISCONNECTED',
    ]);
  });

  it.each(eventNames)('%s says of each field what it means', (name) => {
    const missing = Object.entries(catalogue[name].schema.shape).filter(([, field]) => !field.description);
    expect(missing.map(([field]) => field)).toEqual([]);
  });

  it('says of each field of the envelope what it means', () => {
    expect(Object.entries(envelopeHead.shape).filter(([, field]) => !field.description)).toEqual([]);
  });

  it('is what docs/events.md says', async () => {
    await expect(renderEventDocs()).toMatchFileSnapshot('../../docs/events.md');
  });

  it('has the types of the domain', () => {
    expectTypeOf<EventData<'candle.completed'>>().toExtend<Candle>();
    expectTypeOf<EventData<'candle.corrected'>>().toExtend<Candle>();
    expectTypeOf<EventData<'instrument.resolved'>>().toExtend<Instrument>();
    expectTypeOf<Candle>().toExtend<EventData<'candle.completed'>>();
    expectTypeOf<Extract<Envelope, { type: 'gap.filled' }>['data']['bars']>().toEqualTypeOf<number>();
  });
});

describe('parseEnvelope', () => {
  it('ignores fields that it does not know, as a newer sender may add some', () => {
    const newer = changed('gap.filled', (event) => {
      event.extra = 1;
      (event.data as Record<string, unknown>).extra = 1;
    });
    expect(parseEnvelope(newer)).toEqual(readExample('gap.filled'));
  });

  it.each([null, undefined, 'text', 7, [], {}])('refuses %j as malformed', (value) => {
    expect(errorOf(value).code).toBe('EVENT_MALFORMED');
  });

  it('refuses an id that does not belong to streamer, epoch and seq', () => {
    const error = errorOf(
      changed('gap.filled', (event) => {
        event.id = eventId('main', 7, 99_999);
      }),
    );
    expect(error.code).toBe('EVENT_MALFORMED');
    expect(error.message).toContain('main:7:99999');
  });

  it('refuses a name that is not in the catalogue, reserved ones included', () => {
    for (const type of ['setup.detected', 'constructor', 'candle_completed']) {
      const error = errorOf(
        changed('gap.filled', (event) => {
          event.type = type;
        }),
      );
      expect(error.code).toBe('EVENT_TYPE_UNKNOWN');
      expect(error.message).toContain(type);
    }
  });

  it('refuses another version than 1', () => {
    expect(
      errorOf(
        changed('gap.filled', (event) => {
          event.version = 2;
        }),
      ).code,
    ).toBe('EVENT_VERSION_UNKNOWN');
  });

  it('refuses a time that is not UTC', () => {
    const error = errorOf(
      changed('gap.filled', (event) => {
        event.occurredAt = '2013-10-08T16:31:00.000+02:00';
      }),
    );
    expect(error.message).toContain('occurredAt');
  });

  it.each(['1323.40', '1e3', '+1', '01', '-0', '.5', '1.', 'NaN', '', ' 1'])(
    'refuses %j as a price: not in canonical form',
    (text) => {
      const error = errorOf(
        changed('candle.completed', (event) => {
          (event.data as Record<string, unknown>).open = text;
        }),
      );
      expect(error.code).toBe('EVENT_DATA_INVALID');
      expect(error.message).toContain('open');
    },
  );

  it('takes negative prices but no negative volume', () => {
    const negative = changed('candle.completed', (event) => {
      (event.data as Record<string, unknown>).low = '-37.63';
    });
    expect((parseEnvelope(negative) as Envelope<'candle.completed'>).data.low).toBe('-37.63');
    const volume = changed('candle.completed', (event) => {
      (event.data as Record<string, unknown>).volume = '-1';
    });
    expect(errorOf(volume).message).toContain('must not be negative');
  });
});
