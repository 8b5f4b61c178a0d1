/** The event bus of EventBridge behind the port. */
import type { EventBridgeClient, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { streamerSource } from '../events/sources.ts';
import {
  type EventPublisher,
  type OutgoingEvent,
  type PublishResult,
  publishBatchMax,
} from '../ports/event-publisher.ts';

/** EventBridge's limit for one request, the sum over its entries. Source: PutEvents, "Calculating entry size". */
const requestBytesMax = 256 * 1024;

export interface EventBridgePublisherOptions {
  readonly client: EventBridgeClient;
  /** Name or ARN of the bus. */
  readonly eventBusName: string;
  /** Source of the events; the streamer's when left out. */
  readonly source?: string;
}

/** A caller handed over more than ten events. */
export class PublishBatchError extends Error {
  override readonly name = 'PublishBatchError';
  readonly code = 'PUBLISH_BATCH_TOO_LONG';

  constructor(length: number) {
    super(
      `PUBLISH_BATCH_TOO_LONG: ${length} events in one call; EventBridge takes ${publishBatchMax}. Nothing was sent. ` +
        `This is a mistake in the calling code: hand over at most ${publishBatchMax}.`,
    );
  }
}

interface Sized {
  readonly index: number;
  readonly entry: PutEventsRequestEntry;
  readonly bytes: number;
}

export class EventBridgePublisher implements EventPublisher {
  readonly #client: EventBridgeClient;
  readonly #eventBusName: string;
  readonly #source: string;

  constructor({ client, eventBusName, source = streamerSource }: EventBridgePublisherOptions) {
    this.#client = client;
    this.#eventBusName = eventBusName;
    this.#source = source;
  }

  async publish(events: readonly OutgoingEvent[]): Promise<readonly PublishResult[]> {
    if (events.length > publishBatchMax) throw new PublishBatchError(events.length);
    const results: PublishResult[] = [];
    const sendable: Sized[] = [];
    for (const [index, event] of events.entries()) {
      const sized = { index, ...toEntry(event, this.#eventBusName, this.#source) };
      if (sized.bytes <= requestBytesMax) sendable.push(sized);
      else results[index] = tooLarge(event, sized.bytes);
    }
    // One after the other: the caller bounds what is under way.
    for (const group of groups(sendable)) {
      for (const [position, result] of (await this.#send(group)).entries()) {
        const index = group[position]?.index;
        if (index !== undefined) results[index] = result;
      }
    }
    return results;
  }

  async #send(group: readonly Sized[]): Promise<readonly PublishResult[]> {
    try {
      const answer = await this.#client.send(
        new PutEventsCommand({ Entries: group.map(({ entry }) => entry) }),
      );
      return group.map((_, position) => {
        const entry = answer.Entries?.[position];
        if (entry?.EventId !== undefined && entry.ErrorCode === undefined) return { ok: true };
        return {
          ok: false,
          code: entry?.ErrorCode ?? 'NO_ANSWER',
          message: entry?.ErrorMessage ?? 'EventBridge gave neither an event id nor an error for this entry',
        };
      });
    } catch (error) {
      // Whether the request arrived is unknown. Events may come twice, so every reader is idempotent.
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return group.map(() => ({ ok: false, code: name, message }));
    }
  }
}

function toEntry(
  event: OutgoingEvent,
  eventBusName: string,
  source: string,
): { entry: PutEventsRequestEntry; bytes: number } {
  const detail = JSON.stringify(event);
  // No `Time`: on the bus that stays the time of arrival, which replay windows go by; the event's own are in the envelope.
  const entry = {
    Source: source,
    DetailType: event.type,
    Detail: detail,
    EventBusName: eventBusName,
  };
  const bytes = Buffer.byteLength(source) + Buffer.byteLength(event.type) + Buffer.byteLength(detail);
  return { entry, bytes };
}

function tooLarge(event: OutgoingEvent, bytes: number): PublishResult {
  return {
    ok: false,
    code: 'EntryTooLarge',
    message: `${event.id} (${event.type}) has ${bytes} bytes; EventBridge takes ${requestBytesMax}`,
  };
}

/** Consecutive entries whose sum fits into one request. */
function groups(entries: readonly Sized[]): Sized[][] {
  const all: Sized[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    if (bytes + entry.bytes > requestBytesMax) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(entry);
    bytes += entry.bytes;
  }
  return all;
}
