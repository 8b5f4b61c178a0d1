import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { buildApp } from 'fauxqs';
import { LOCAL_ACCOUNT } from './assembly.ts';
import { ServiceError } from './aws-errors.ts';
import { CloudError } from './errors.ts';
import { FifoSqs } from './fifo-sqs.ts';
import type { CloudModel, QueueModel } from './model.ts';

type App = ReturnType<typeof buildApp>;

interface Stores {
  readonly sqsStore: {
    persistence?: unknown;
    /** Wakes whoever waits for messages. */
    shutdown(): void;
    allQueues(): Iterable<{ name: string; persistence?: unknown; attributes: Record<string, string> }>;
  };
  readonly snsStore: object;
  readonly s3Store: object;
}

interface Engine {
  readonly build: typeof buildApp;
  readonly stores: Stores;
  readonly persistence: { close(): void };
}

export interface ReceivedMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
  readonly Attributes?: Readonly<Record<string, string>>;
  readonly MessageAttributes?: Readonly<Record<string, unknown>>;
}

type Answer = { status: number; headers: Record<string, string>; body: string };

/**
 * SQS: FIFO queues by an engine of our own (`fifo-sqs.ts`), standard ones by fauxqs, called in process without a socket: its own server listens on all interfaces, the local cloud only on
 * the loopback one. Its stores are not exported, so they are loaded by path; the version is pinned in package.json.
 */
export class Sqs {
  readonly #app: App;
  readonly #region: string;
  readonly #persistence: { close(): void };
  readonly #store: Stores['sqsStore'];
  readonly #fifo: FifoSqs;

  private constructor(app: App, region: string, engine: Engine, fifo: FifoSqs) {
    this.#app = app;
    this.#region = region;
    this.#persistence = engine.persistence;
    this.#store = engine.stores.sqsStore;
    this.#fifo = fifo;
  }

  /** Starts the engine on `dataDir` and creates the template's queues that do not exist yet. */
  static async start(model: CloudModel, dataDir: string): Promise<Sqs> {
    const folder = path.join(dataDir, 'sqs');
    mkdirSync(folder, { recursive: true });
    const engine = await openEngine(folder);
    const app = engine.build({ logger: false, defaultRegion: model.region, stores: engine.stores as never });
    await app.ready();
    const fifo = new FifoSqs(model.queues.filter(isFifo), folder);
    const sqs = new Sqs(app, model.region, engine, fifo);
    const existing = new Set([...engine.stores.sqsStore.allQueues()].map((queue) => queue.name));
    // Dead-letter queues first: a redrive policy names a queue that exists.
    const standard = model.queues.filter((queue) => !isFifo(queue));
    for (const queue of standard.toSorted((a, b) => redrives(a) - redrives(b))) {
      await sqs.#ensure(queue, existing.has(queue.name));
    }
    return sqs;
  }

  /** Runs one operation of the SQS API in its JSON protocol; `signal` ends a long poll whose caller is gone. */
  async call(operation: string, body: string, host: string, signal?: AbortSignal): Promise<Answer> {
    const input = readInput(body);
    const queue = String(input.QueueUrl ?? input.QueueName ?? '');
    if (!queue.endsWith('.fifo')) return this.#inject(operation, body, host);
    const url = (name: string): string => `http://${host}/${LOCAL_ACCOUNT}/${name}`;
    const answer = await this.#fifo.operate(operation, input, url, signal);
    const type = 'application/x-amz-json-1.0';
    return { status: 200, headers: { 'content-type': type }, body: JSON.stringify(answer) };
  }

  async #inject(operation: string, body: string, host: string): Promise<Answer> {
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

  /** Lets messages be received again after `seconds`, which may be a fraction. */
  async returnAfter(queueArn: string, messages: readonly ReceivedMessage[], seconds: number): Promise<void> {
    for (const message of messages) {
      await this.#operate('ChangeMessageVisibility', {
        QueueUrl: this.#url(queueArn),
        ReceiptHandle: message.ReceiptHandle,
        // fauxqs loses a message whose visibility is set to 0.
        VisibilityTimeout: Math.max(seconds, 0.001),
      });
    }
  }

  /** What a FIFO queue has in flight is given back: its receiver ended with an earlier process. */
  release(queueArn: string): void {
    this.#fifo.release(queueArn);
  }

  /** Messages of a queue in any state. */
  async depth(queueArn: string): Promise<number> {
    const { Attributes: attributes = {} } = (await this.#operate('GetQueueAttributes', {
      QueueUrl: this.#url(queueArn),
      AttributeNames: ['All'],
    })) as { Attributes?: Record<string, string> };
    return ['', 'NotVisible', 'Delayed'].reduce(
      (sum, kind) => sum + Number(attributes[`ApproximateNumberOfMessages${kind}`] ?? 0),
      0,
    );
  }

  /** Ends every long poll, so that nobody waits for the stop. */
  interrupt(): void {
    this.#fifo.stop();
    this.#store.shutdown();
  }

  async stop(): Promise<void> {
    this.interrupt();
    await this.#app.close();
    this.#persistence.close();
    this.#fifo.close();
  }

  async #ensure(queue: QueueModel, exists: boolean): Promise<void> {
    if (!exists) {
      await this.#operate('CreateQueue', { QueueName: queue.name, Attributes: queue.attributes });
    } else if (Object.keys(queue.attributes).length > 0) {
      await this.#operate('SetQueueAttributes', {
        QueueUrl: this.#url(queue.arn),
        Attributes: queue.attributes,
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

function isFifo(queue: QueueModel): boolean {
  return queue.attributes.FifoQueue === 'true';
}

function readInput(body: string): Record<string, unknown> {
  return body === '' ? {} : (JSON.parse(body) as Record<string, unknown>);
}

function redrives(queue: QueueModel): number {
  return queue.attributes.RedrivePolicy === undefined ? 0 : 1;
}

/** Loads fauxqs with its stores on a SQLite file, as its own `startFauxqs` wires them, less the listening socket. */
async function openEngine(folder: string): Promise<Engine> {
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
