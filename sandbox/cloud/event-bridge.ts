import { randomUUID } from 'node:crypto';
import type { EventArchive } from './archive.ts';
import { ServiceError } from './aws-errors.ts';
import type { NewDelivery } from './delivery-store.ts';
import type { BusModel } from './model.ts';
import type { StatsCollector } from './stats.ts';

/** Limits of PutEvents. */
const ENTRIES_MAX = 10;
const REQUEST_BYTES_MAX = 262_144;
/** Beyond this many unfinished deliveries PutEvents answers that it is throttled; the sender keeps the event. */
const PENDING_MAX = 1_000_000;

interface Entry {
  Time?: number;
  Source?: string;
  Resources?: string[];
  DetailType?: string;
  Detail?: string;
  EventBusName?: string;
  TraceHeader?: string;
}

type EntryResult = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

export interface PutEventsResult {
  readonly FailedEntryCount: number;
  readonly Entries: readonly EntryResult[];
}

/** The bus: checks entries, matches them against the rules of the template and hands deliveries to the dispatcher. */
export class EventBridge {
  readonly #buses: ReadonlyMap<string, BusModel>;
  readonly #archives: readonly EventArchive[];
  readonly #place: { readonly region: string; readonly account: string };
  readonly #stats: StatsCollector;
  readonly #accept: (deliveries: readonly NewDelivery[]) => void;
  readonly #pending: () => number;

  constructor(options: {
    buses: readonly BusModel[];
    archives: readonly EventArchive[];
    place: { readonly region: string; readonly account: string };
    stats: StatsCollector;
    accept: (deliveries: readonly NewDelivery[]) => void;
    pending: () => number;
  }) {
    this.#buses = new Map(
      options.buses.flatMap((bus) => [
        [bus.name, bus],
        [bus.arn, bus],
      ]),
    );
    this.#archives = options.archives;
    this.#place = options.place;
    this.#stats = options.stats;
    this.#accept = options.accept;
    this.#pending = options.pending;
  }

  /**
   * PutEvents. Accepted events are on disk when this returns. `failEntries` are indexes that an injected fault fails.
   * Throws ServiceError for a request that is refused as a whole.
   */
  putEvents(body: Readonly<Record<string, unknown>>, failEntries: readonly number[]): PutEventsResult {
    const entries = checkRequest(body);
    const deliveries: NewDelivery[] = [];
    const throttled = this.#pending() >= PENDING_MAX;
    const results = entries.map((entry, index): EntryResult => {
      if (throttled || failEntries.includes(index))
        return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded' };
      return checkEntry(entry) ?? this.#route(entry, deliveries);
    });
    this.#accept(deliveries);
    const failed = results.filter((result) => 'ErrorCode' in result).length;
    this.#stats.events.accepted += results.length - failed;
    this.#stats.events.rejected += failed;
    return { FailedEntryCount: failed, Entries: results };
  }

  #route(entry: Entry, deliveries: NewDelivery[]): EntryResult {
    const id = randomUUID();
    const bus = this.#buses.get(entry.EventBusName ?? 'default');
    if (bus === undefined) {
      // EventBridge accepts an event for a bus that does not exist, and drops it.
      this.#stats.events.unmatched += 1;
      this.#stats.problem(
        `PutEvents to ${entry.EventBusName}: the template has no such bus, so the event (${entry.DetailType}) is dropped as AWS does`,
      );
      return { EventId: id };
    }
    const event = this.#event(id, entry);
    for (const archive of this.#archives) {
      if (archive.model.busArn === bus.arn && archive.model.matches(event)) archive.append(event);
    }
    const rules = bus.rules.filter((rule) => rule.matches(event));
    if (rules.length === 0) this.#stats.events.unmatched += 1;
    else this.#stats.events.matched += 1;
    for (const rule of rules) {
      for (const target of rule.targets) {
        deliveries.push({
          kind: 'rule',
          target: `${rule.arn} ${target.id}`,
          payload: target.input(event),
          requestId: id,
        });
      }
    }
    return { EventId: id };
  }

  #event(id: string, entry: Entry): Record<string, unknown> {
    const at = entry.Time === undefined ? new Date() : new Date(entry.Time * 1_000);
    return {
      version: '0',
      id,
      'detail-type': entry.DetailType,
      source: entry.Source,
      account: this.#place.account,
      time: `${at.toISOString().slice(0, 19)}Z`,
      region: this.#place.region,
      resources: entry.Resources ?? [],
      detail: JSON.parse(entry.Detail ?? '{}') as unknown,
    };
  }
}

function checkRequest(body: Readonly<Record<string, unknown>>): Entry[] {
  const entries = body.Entries;
  if (!Array.isArray(entries)) {
    throw new ServiceError(
      'ValidationException',
      "1 validation error detected: Value null at 'entries' failed to satisfy constraint: Member must not be null",
    );
  }
  if (entries.length === 0 || entries.length > ENTRIES_MAX) {
    const bound =
      entries.length === 0 ? 'greater than or equal to 1' : `less than or equal to ${ENTRIES_MAX}`;
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${entries.length === 0 ? '[]' : '[...]'}' at 'entries' failed to satisfy constraint: Member must have length ${bound}`,
    );
  }
  const bytes = (entries as Entry[]).reduce((sum, entry) => sum + entryBytes(entry), 0);
  if (bytes > REQUEST_BYTES_MAX)
    throw new ServiceError(
      'ValidationException',
      'Total size of the entries in the request is over the limit.',
    );
  return entries as Entry[];
}

/** The size as the EventBridge guide computes it: 14 bytes for a time, then the texts in UTF-8. */
function entryBytes(entry: Entry): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail, ...(entry.Resources ?? [])];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), entry.Time === undefined ? 0 : 14);
}

function checkEntry(entry: Entry): EntryResult | undefined {
  for (const field of ['Source', 'DetailType', 'Detail'] as const) {
    if (entry[field] === undefined || entry[field] === '') {
      return {
        ErrorCode: 'InvalidArgument',
        ErrorMessage: `Parameter ${field} is not valid. Reason: ${field} is a required argument.`,
      };
    }
  }
  if (entry.Source?.startsWith('aws.') === true) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  }
  return isJsonObject(entry.Detail ?? '')
    ? undefined
    : { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
