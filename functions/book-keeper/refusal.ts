/** What can never be booked goes to the dead-letter queue with its reason, and a person is told. */
import { type Envelope, type Notice, parseEnvelope } from '../../lib/events/envelope.ts';
import type { Stage } from '../../lib/events/stage.ts';
import type { DeadLetterQueue } from '../../lib/ports/dead-letter-queue.ts';
import type { EventPublisher } from '../../lib/ports/event-publisher.ts';

const alertAttemptsMax = 3;

/** A message as the queue handed it over. */
export interface BookMessage {
  readonly id: string;
  /** The account, by the rule of the queue. */
  readonly group: string;
  readonly body: string;
  /** When the queue took it, and when it first handed it over; Unix ms UTC. Where the queue says so. */
  readonly sentMs?: number;
  readonly receivedMs?: number;
}

export interface RefusalOptions {
  readonly stage: Stage;
  readonly deadLetters: DeadLetterQueue;
  readonly publisher: EventPublisher;
  readonly nowMs: () => number;
}

/** A message is not even JSON. */
class NotJsonError extends Error {
  override readonly name = 'NotJsonError';
  readonly code = 'EVENT_NOT_JSON';

  constructor(why: string) {
    super(
      `EVENT_NOT_JSON: The message is not JSON (${why}). Nothing was changed. The sender is no Evenkeel streamer.`,
    );
  }
}

/** @throws NotJsonError or EventError for what is no event */
export function parseMessage({ body }: BookMessage): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(body, wellFormed);
  } catch (error) {
    throw new NotJsonError((error as Error).message);
  }
  return parseEnvelope(value);
}

/** JSON can hide half of a character behind an escape; no table takes it. */
function wellFormed(name: string, value: unknown): unknown {
  if (typeof value === 'string' && !value.isWellFormed()) throw new Error(`${name} has half of a character`);
  return value;
}

/** Errors that say that the message itself is wrong: they come again however often it is tried. */
const final = new Set([
  'EVENT_NOT_JSON',
  'EVENT_MALFORMED',
  'EVENT_VERSION_UNKNOWN',
  'EVENT_TYPE_UNKNOWN',
  'EVENT_DATA_INVALID',
  'EVENT_NOT_BOOKED',
  'BOOK_ITEM_UNSTORABLE',
  'BOOK_ITEM_TOO_LARGE',
]);

/** The code and words of an error that no new attempt can overcome; undefined for all others. */
export function refusalOf(error: unknown): { code: string; message: string } | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return final.has(error.code) ? { code: error.code, message: error.message } : undefined;
}

/**
 * Puts the message aside, then raises the alert. The message is done when it lies there: were it to wait for a bus that
 * does not answer, the bookings of its account would wait behind it.
 *
 * @returns the problem of an alert that could not be raised
 * @throws what the dead-letter queue said, when the message could not be put there
 */
export async function refuse(
  message: BookMessage,
  { code, message: why }: { code: string; message: string },
  { stage, deadLetters, publisher, nowMs }: RefusalOptions,
): Promise<string | undefined> {
  await deadLetters.put({
    messageId: message.id,
    group: message.group,
    body: message.body,
    reason: code,
    message: why,
  });
  const notice: Notice<'alert.raised'> = {
    id: `book-keeper:${message.id}`,
    type: 'alert.raised',
    version: 1,
    stage,
    account: message.group,
    occurredAt: new Date(nowMs()).toISOString(),
    data: {
      alert: 'event_refused',
      severity: 'HIGH',
      subject: `message ${message.id}`,
      message: `${why} The message lies in the dead-letter queue of the book under this id; the book does not know what it says.`,
    },
  };
  return raise(notice, publisher);
}

async function raise(notice: Notice, publisher: EventPublisher): Promise<string | undefined> {
  let problem: string | undefined;
  for (let attempt = 1; attempt <= alertAttemptsMax; attempt += 1) {
    const [result] = await publisher.publish([notice]);
    if (result?.ok !== false) return undefined;
    problem = `${result.code}: ${result.message}`;
  }
  return problem;
}
