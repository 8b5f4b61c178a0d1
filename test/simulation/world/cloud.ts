/** The cloud of a run: tables, buckets, queues and the bus, and the clients by which a part reaches them. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BookTable, type BookTableOptions } from '../../../lib/aws/book-table.ts';
import { type Notice, parseNotice } from '../../../lib/events/envelope.ts';
import type { BackupStore } from '../../../lib/ports/backup-store.ts';
import type { BookChange, CommitResult } from '../../../lib/ports/book.ts';
import type { EventPublisher, OutgoingEvent, PublishResult } from '../../../lib/ports/event-publisher.ts';
import { MemoryDynamoDb } from '../memory/dynamodb.ts';
import { stageTables } from '../memory/table-schema.ts';
import type { Part } from './part.ts';
import { Queue } from './queue.ts';
import { Bucket } from './stores.ts';
import type { SimulatedTime } from './time.ts';

export const names = {
  book: 'evenkeel-sandbox-book',
  audit: 'evenkeel-sandbox-audit',
  control: 'evenkeel-sandbox-control',
  candles: 'evenkeel-sandbox-candles',
} as const;

export type BucketName = 'snapshots' | 'reconcile' | 'backups';

/** How a part reaches the cloud. */
export interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly book: BookTable;
  readonly bookQueue: EventPublisher;
  readonly bus: EventPublisher;
  /** The bus, for what another part than a streamer says. */
  busFrom(source: string): EventPublisher;
  store(bucket: BucketName): BackupStore;
}

/** An event on the bus, as a rule hands it to its target. */
export interface BusEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: Notice;
}

class WatchedBook extends BookTable {
  readonly #onCommitted: (change: BookChange) => void;

  constructor(options: BookTableOptions, onCommitted: (change: BookChange) => void) {
    super(options);
    this.#onCommitted = onCommitted;
  }

  override async commit(change: BookChange): Promise<CommitResult> {
    const result = await super.commit(change);
    if (result === 'committed') this.#onCommitted(change);
    return result;
  }
}

export class Cloud {
  readonly names = names;
  readonly tables: MemoryDynamoDb;
  readonly stores: Readonly<Record<BucketName, Bucket>>;
  readonly bookQueue: Queue;
  readonly commands: Queue;
  /** Share of the entries of a batch that are refused. */
  refusedShare = 0;
  readonly #time: SimulatedTime;
  readonly #onBus: (event: BusEvent) => void;

  readonly #onCommitted: (by: Part, change: BookChange) => void;

  /** @param onCommitted somebody has been told that a change of the book is done */
  constructor(
    time: SimulatedTime,
    staleness: () => boolean,
    onBus: (event: BusEvent) => void,
    onCommitted: (by: Part, change: BookChange) => void,
  ) {
    const nowMs = () => time.nowMs;
    this.#time = time;
    this.#onBus = onBus;
    this.#onCommitted = onCommitted;
    this.tables = new MemoryDynamoDb({ tables: stageTables('evenkeel-sandbox'), nowMs, staleness });
    this.stores = {
      snapshots: new Bucket('snapshots', nowMs),
      reconcile: new Bucket('reconcile', nowMs),
      backups: new Bucket('backups', nowMs),
    };
    // As the stack has them.
    this.bookQueue = new Queue({ name: 'book', visibilitySeconds: 180, receivesMax: 100 }, time);
    this.commands = new Queue({ name: 'commands', visibilitySeconds: 20, receivesMax: 5 }, time);
  }

  clientsOf(part: Part): Clients {
    const dynamodb = this.tables.client(part.name, (operation, _tables, effect) =>
      part.ask('dynamodb', `dynamodb ${operation}`, effect),
    );
    const tables = { bookTable: names.book, auditTable: names.audit, controlTable: names.control };
    return {
      dynamodb,
      book: new WatchedBook({ client: dynamodb, ...tables }, (change) => this.#onCommitted(part, change)),
      bookQueue: this.#publisher(part, 'sqs', (event) => this.#enqueue(event)),
      bus: this.#publisher(part, 'bus', (event) => this.#tell('evenkeel.streamer', event)),
      busFrom: (source) => this.#publisher(part, 'bus', (event) => this.#tell(source, event)),
      store: (bucket) => this.stores[bucket].clientOf(part),
    };
  }

  #enqueue(event: OutgoingEvent): void {
    const { id, account } = event as OutgoingEvent & { readonly account: string };
    this.bookQueue.send({ id, group: account, body: JSON.stringify(event) });
  }

  #tell(source: string, event: OutgoingEvent): void {
    const detail = JSON.parse(JSON.stringify(event)) as Notice;
    // What does not fit the catalogue would be refused by whoever reads it.
    parseNotice(detail);
    this.#onBus({ source, 'detail-type': detail.type, detail });
  }

  /** Batches may be taken in part; which part, chance says. */
  #publisher(part: Part, service: 'sqs' | 'bus', take: (event: OutgoingEvent) => void): EventPublisher {
    return {
      publish: async (events) => {
        try {
          return await part.ask(service, `${service} publish`, () =>
            this.#takeAll(events, service === 'sqs', take),
          );
        } catch (error) {
          const { name, message } = error as Error;
          return events.map(() => ({ ok: false, code: name, message }));
        }
      },
    };
  }

  /** The book's queue keeps the order: what follows a failure waits for it. */
  #takeAll(
    events: readonly OutgoingEvent[],
    isInOrder: boolean,
    take: (event: OutgoingEvent) => void,
  ): readonly PublishResult[] {
    let failed = false;
    return events.map((event) => {
      failed = (failed && isInOrder) || this.#time.chance(this.refusedShare);
      if (failed) return { ok: false, code: 'ThrottlingException', message: 'a run refuses it' };
      take(event);
      return { ok: true };
    });
  }
}
