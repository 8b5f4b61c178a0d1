/**
 * What every event carries around its data. From a streamer: Source `evenkeel.streamer`, DetailType the event's name,
 * Detail this envelope as JSON. The bus may deliver twice, late and out of order: `id` finds repeats, and
 * (`epoch`, `seq`) orders the events of one streamer.
 */
import * as z from 'zod';
import { catalogue, type EventData, type EventName, isEventName } from './catalogue.ts';
import { isoUtc } from './fields.ts';
import { stages } from './stage.ts';

export { bookKeeperSource, streamerSource } from './sources.ts';

const head = z.object({
  id: z.string().min(1).describe('`<streamer>:<epoch>:<seq>`; unique, the same when an event is sent again'),
  type: z.string().min(1).describe("The event's name, the same as the DetailType"),
  version: z.literal(1).describe("Version of the data's shape"),
  stage: z.enum(stages).describe('`sandbox`, `paper` or `live`'),
  streamer: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, 'must be kebab-case')
    .describe("The streamer's name in the configuration"),
  account: z.string().min(1).describe('IB account, for example `DU1234567`'),
  epoch: z.int().nonnegative().describe("Fencing token of the streamer's lease"),
  seq: z.int().nonnegative().describe('Counts the events of one epoch'),
  occurredAt: isoUtc.describe(
    "When it happened: the market's or broker's time where there is one; ISO-8601, UTC",
  ),
  recordedAt: isoUtc.describe('When the streamer recorded it: system time; ISO-8601, UTC'),
  data: z.unknown().describe("What happened; the event's own table lists its fields"),
});

/** The schema of the envelope without its data. */
export const envelopeHead = head;

type Head = Omit<z.infer<typeof head>, 'type' | 'data'>;

/** An event with its envelope. `Envelope` alone is the union of all, discriminated by `type`. */
export type Envelope<N extends EventName = EventName> = N extends EventName
  ? Readonly<Head> & { readonly type: N; readonly data: Readonly<EventData<N>> }
  : never;

/** The id of an event: what an idempotent reader remembers. */
export function eventId(streamer: string, epoch: number, seq: number): string {
  return `${streamer}:${epoch}:${seq}`;
}

export type EventErrorCode =
  | 'EVENT_MALFORMED'
  | 'EVENT_VERSION_UNKNOWN'
  | 'EVENT_TYPE_UNKNOWN'
  | 'EVENT_DATA_INVALID';

const issuesTold = 10;
const issueCharsMax = 300;

const advice: Readonly<Record<EventErrorCode, string>> = {
  EVENT_MALFORMED: 'The sender is no Evenkeel streamer, or one of another version; look at its Source.',
  EVENT_VERSION_UNKNOWN: 'The sender is newer than this reader; deploy the same version on both sides.',
  EVENT_TYPE_UNKNOWN: 'The sender is newer than this reader; deploy the same version on both sides.',
  EVENT_DATA_INVALID:
    'The sender and this reader disagree on the shape; deploy the same version on both sides.',
};

/** An event that cannot be trusted. Nothing was changed by it. */
export class EventError extends Error {
  override readonly name = 'EventError';
  readonly code: EventErrorCode;

  constructor(code: EventErrorCode, what: string) {
    super(`${code}: ${what} ${advice[code]}`);
    this.code = code;
  }
}

/**
 * Checks an envelope that came from outside and gives it its type.
 *
 * @param value the parsed JSON of an EventBridge `detail`
 * @throws EventError with what is wrong and where
 */
export function parseEnvelope(value: unknown): Envelope {
  checkVersion(value);
  const parsed = head.safeParse(value);
  if (!parsed.success)
    throw new EventError('EVENT_MALFORMED', `The envelope is wrong: ${list(parsed.error)}.`);
  const { type, data, ...rest } = parsed.data;
  const id = eventId(rest.streamer, rest.epoch, rest.seq);
  if (rest.id !== id) {
    throw new EventError(
      'EVENT_MALFORMED',
      `The id is ${rest.id.slice(0, issueCharsMax)} but streamer, epoch and seq make ${id.slice(0, issueCharsMax)}.`,
    );
  }
  if (!isEventName(type)) {
    throw new EventError(
      'EVENT_TYPE_UNKNOWN',
      `There is no event "${type.slice(0, issueCharsMax)}" in the catalogue.`,
    );
  }
  // One schema per name is applied here; TypeScript cannot see that the two lookups agree.
  return { ...rest, type, data: parseData(type, id, data) } as Envelope;
}

/** The schema of a notice without its data. */
export const noticeHead = z.object({
  id: z
    .string()
    .min(1)
    .describe('`<function>:<id of what it was at work on>`; the same when it is raised again'),
  type: z.string().min(1).describe("The event's name, the same as the DetailType"),
  version: z.literal(1).describe("Version of the data's shape"),
  stage: z.enum(stages).describe('`sandbox`, `paper` or `live`'),
  account: z.string().min(1).describe('IB account, for example `DU1234567`; `*` for the whole stage'),
  occurredAt: isoUtc.describe('When it happened: system time; ISO-8601, UTC'),
  data: z.unknown().describe("What happened; the event's own table lists its fields"),
});

/**
 * An event that a function raises: Source `evenkeel.<function>`. It is no word of the broker, so it has neither
 * streamer nor epoch nor sequence.
 */
export type Notice<N extends EventName = EventName> = N extends EventName
  ? Readonly<Omit<z.infer<typeof noticeHead>, 'type' | 'data'>> & {
      readonly type: N;
      readonly data: Readonly<EventData<N>>;
    }
  : never;

/**
 * Checks a notice that came from outside and gives it its type.
 *
 * @param value the parsed JSON of an EventBridge `detail` whose Source is a function's
 * @throws EventError with what is wrong and where
 */
export function parseNotice(value: unknown): Notice {
  checkVersion(value);
  const parsed = noticeHead.safeParse(value);
  if (!parsed.success) throw new EventError('EVENT_MALFORMED', `The notice is wrong: ${list(parsed.error)}.`);
  const { type, data, ...rest } = parsed.data;
  if (!isEventName(type)) {
    throw new EventError(
      'EVENT_TYPE_UNKNOWN',
      `There is no event "${type.slice(0, issueCharsMax)}" in the catalogue.`,
    );
  }
  return { ...rest, type, data: parseData(type, rest.id, data) } as Notice;
}

/** An event of another version may have any shape, so this is asked first, of whatever calls itself an event. */
function checkVersion(value: unknown): void {
  const { type, version } = (value ?? {}) as { type?: unknown; version?: unknown };
  if (typeof type !== 'string' || !Number.isInteger(version) || version === 1) return;
  throw new EventError(
    'EVENT_VERSION_UNKNOWN',
    `The event ${type.slice(0, issueCharsMax)} has version ${String(version)}, this reader knows 1.`,
  );
}

function parseData(type: EventName, id: string, data: unknown): unknown {
  const checked = catalogue[type].schema.safeParse(data);
  if (checked.success) return checked.data;
  throw new EventError(
    'EVENT_DATA_INVALID',
    `The data of ${type} (${id.slice(0, issueCharsMax)}) is wrong: ${list(checked.error)}.`,
  );
}

/** The first few: an alert quotes them, and whoever sent the event has chosen how many there are and how long. */
function list({ issues }: z.ZodError): string {
  const told = issues
    .slice(0, issuesTold)
    .map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`.slice(0, issueCharsMax));
  const more = issues.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
