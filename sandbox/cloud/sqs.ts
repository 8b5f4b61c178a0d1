import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { buildApp } from 'fauxqs';
import { ServiceError } from './aws-errors.ts';
import { CloudError } from './errors.ts';
import type { CloudModel, QueueModel } from './model.ts';

type App = ReturnType<typeof buildApp>;

interface Stores {
  readonly sqsStore: {
    persistence?: unknown;
    allQueues(): Iterable<{ name: string; persistence?: unknown; attributes: Record<string, string> }>;
  };
  readonly snsStore: object;
  readonly s3Store: object;
}

export interface ReceivedMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
  readonly Attributes?: Readonly<Record<string, string>>;
  readonly MessageAttributes?: Readonly<Record<string, unknown>>;
}

/** Attributes whose change means that the stored queue is another than the template's; they cannot be changed later. */
const FIXED_ATTRIBUTES = ['FifoQueue'];

/**
 * SQS by fauxqs, called in process without a socket: its own server listens on all interfaces, the local cloud only on
 * the loopback one. Its stores are not exported, so they are loaded by path; the version is pinned in package.json.
 */
export class Sqs {
  readonly #app: App;
  readonly #region: string;
  readonly #persistence: { close(): void };

  private constructor(app: App, region: string, persistence: { close(): void }) {
    this.#app = app;
    this.#region = region;
    this.#persistence = persistence;
  }

  /** Starts the engine on `dataDir` and creates the template's queues that do not exist yet. */
  static async start(model: CloudModel, dataDir: string): Promise<Sqs> {
    const folder = path.join(dataDir, 'sqs');
    mkdirSync(folder, { recursive: true });
    const { build, stores, persistence } = await openEngine(folder);
    const app = build({ logger: false, defaultRegion: model.region, stores: stores as never });
    await app.ready();
    const sqs = new Sqs(app, model.region, persistence);
    const existing = new Map([...stores.sqsStore.allQueues()].map((queue) => [queue.name, queue.attributes]));
    // Dead-letter queues first: a redrive policy names a queue that exists.
    for (const queue of model.queues.toSorted((a, b) => redrives(a) - redrives(b))) {
      await sqs.#ensure(queue, existing.get(queue.name));
    }
    return sqs;
  }

  /** Runs one operation of the SQS API in its JSON protocol. */
  async call(
    operation: string,
    body: string,
    host: string,
  ): Promise<{ status: number; headers: Record<string, string>; body: string }> {
    const response = await this.#app.inject({
      method: 'POST',
      url: '/',
      headers: {
        host,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${operation}`,
        authorization: `AWS4-HMAC-SHA256 Credential=operator/20000101/${this.#region}/sqs/aws4_request, SignedHeaders=host, Signature=0`,
      },
      payload: body,
    });
    const headers: Record<string, string> = {};
    for (const name of ['content-type', 'x-amzn-query-error', 'x-amzn-requestid']) {
      const value = response.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    return { status: response.statusCode, headers, body: response.payload };
  }

  /** Sends a message as a service of AWS does. Throws ServiceError. */
  async send(
    queueArn: string,
    body: string,
    attributes: Readonly<Record<string, string>>,
    fifo?: { readonly group: string; readonly deduplication: string },
  ): Promise<void> {
    await this.#operate('SendMessage', {
      QueueUrl: this.#url(queueArn),
      MessageBody: body,
      ...(fifo === undefined
        ? {}
        : { MessageGroupId: fifo.group, MessageDeduplicationId: fifo.deduplication }),
      ...(Object.keys(attributes).length === 0
        ? {}
        : {
            MessageAttributes: Object.fromEntries(
              Object.entries(attributes).map(([name, value]) => [
                name,
                { DataType: 'String', StringValue: value },
              ]),
            ),
          }),
    });
  }

  /** Receives up to `max` messages, waiting for the first up to `waitSeconds`. */
  async receive(queueArn: string, max: number, waitSeconds: number): Promise<ReceivedMessage[]> {
    const answer = await this.#operate('ReceiveMessage', {
      QueueUrl: this.#url(queueArn),
      MaxNumberOfMessages: max,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    return (answer.Messages ?? []) as ReceivedMessage[];
  }

  async delete(queueArn: string, messages: readonly ReceivedMessage[]): Promise<void> {
    for (const message of messages) {
      await this.#operate('DeleteMessage', {
        QueueUrl: this.#url(queueArn),
        ReceiptHandle: message.ReceiptHandle,
      });
    }
  }

  async stop(): Promise<void> {
    await this.#app.close();
    this.#persistence.close();
  }

  async #ensure(queue: QueueModel, stored: Record<string, string> | undefined): Promise<void> {
    if (stored === undefined) {
      await this.#operate('CreateQueue', { QueueName: queue.name, Attributes: queue.attributes });
      return;
    }
    for (const name of FIXED_ATTRIBUTES) {
      if (stored[name] !== queue.attributes[name]) {
        throw new CloudError(
          'QUEUE_DIFFERS',
          `The stored queue ${queue.name} has ${name}=${stored[name] ?? 'unset'}, the template says ${queue.attributes[name] ?? 'unset'}; SQS cannot change it.`,
          'Start with another data folder, or delete this one (what it holds is lost).',
        );
      }
    }
    const changeable = Object.entries(queue.attributes).filter(([name]) => !FIXED_ATTRIBUTES.includes(name));
    if (changeable.length > 0) {
      await this.#operate('SetQueueAttributes', {
        QueueUrl: this.#url(queue.arn),
        Attributes: Object.fromEntries(changeable),
      });
    }
  }

  async #operate(operation: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { status, body } = await this.call(operation, JSON.stringify(input), 'localhost');
    const answer = (body === '' ? {} : JSON.parse(body)) as Record<string, unknown>;
    if (status >= 400) {
      const type =
        String(answer.__type ?? '')
          .split('#')
          .at(-1) ?? '';
      throw new ServiceError(type, String(answer.message ?? body), status);
    }
    return answer;
  }

  #url(queueArn: string): string {
    const [, , , , account, name] = queueArn.split(':');
    return `http://localhost/${account}/${name}`;
  }
}

function redrives(queue: QueueModel): number {
  return queue.attributes.RedrivePolicy === undefined ? 0 : 1;
}

/** Loads fauxqs with its stores on a SQLite file, as its own `startFauxqs` wires them, less the listening socket. */
async function openEngine(
  folder: string,
): Promise<{ build: typeof buildApp; stores: Stores; persistence: { close(): void } }> {
  const main =
    createRequire(import.meta.url)
      .resolve.paths('fauxqs')
      ?.map((root) => path.join(root, 'fauxqs', 'dist')) ?? [];
  const load = async <T>(file: string): Promise<T> => {
    for (const dist of main) {
      try {
        return (await import(pathToFileURL(path.join(dist, file)).href)) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
      }
    }
    throw new Error(`fauxqs has no ${file}`);
  };
  try {
    const { buildApp: build } = await load<{ buildApp: typeof buildApp }>('app.js');
    const { SqsStore } = await load<{ SqsStore: new () => Stores['sqsStore'] }>('sqs/sqsStore.js');
    const { SnsStore } = await load<{ SnsStore: new () => object }>('sns/snsStore.js');
    const { S3Store } = await load<{ S3Store: new () => object }>('s3/s3Store.js');
    type Persistence = { loadSqsAndSns(sqs: unknown, sns: unknown): void; close(): void };
    const { PersistenceManager } = await load<{ PersistenceManager: new (dir: string) => Persistence }>(
      'persistence.js',
    );
    const stores: Stores = { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() };
    const persistence = new PersistenceManager(folder);
    persistence.loadSqsAndSns(stores.sqsStore, stores.snsStore);
    stores.sqsStore.persistence = persistence;
    for (const queue of stores.sqsStore.allQueues()) queue.persistence = persistence;
    return { build, stores, persistence };
  } catch (error) {
    throw new CloudError(
      'SQS_ENGINE_CHANGED',
      `The SQS engine (fauxqs) cannot be loaded: ${error instanceof Error ? error.message : String(error)}.`,
      'Install the version that package.json pins (npm ci); another version keeps its stores elsewhere.',
      { cause: error },
    );
  }
}
