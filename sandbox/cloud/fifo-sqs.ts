import { createHash } from 'node:crypto';
import { ServiceError } from './aws-errors.ts';
import { FifoQueue, type Sending } from './fifo-queue.ts';
import { type FifoMessage, FifoStore } from './fifo-store.ts';
import type { QueueModel } from './model.ts';

type Input = Readonly<Record<string, unknown>>;
type Output = Record<string, unknown>;

interface Attribute {
  readonly DataType?: string;
  readonly StringValue?: string;
  /** Base64 in the JSON protocol. */
  readonly BinaryValue?: string;
}

const BATCH_MAX = 10;
const WAIT_SECONDS_MAX = 20;
const VISIBILITY_SECONDS_MAX = 43_200;
const MESSAGE_BYTES_MAX = 1_048_576;
const ID = /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/;
/** Characters that SQS takes: those of XML 1.0. */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/**
 * The SQS API of FIFO queues. fauxqs, which serves the standard ones, gives out one message of a group at a time,
 * forgets deduplication ids at a restart and loses a message whose visibility is set to 0.
 */
export class FifoSqs {
  readonly #queues = new Map<string, FifoQueue>();
  readonly #byArn = new Map<string, FifoQueue>();
  readonly #store: FifoStore;
  readonly #now: () => number;

  /** `now` is the clock, Unix milliseconds; for tests of the five minutes. */
  constructor(queues: readonly QueueModel[], folder: string, now: () => number = Date.now) {
    this.#now = now;
    this.#store = new FifoStore(folder);
    for (const model of queues) {
      const queue = new FifoQueue(model, this.#store, (arn) => this.#byArn.get(arn), now());
      this.#queues.set(model.name, queue);
      this.#byArn.set(model.arn, queue);
    }
  }

  /** Runs one operation of the JSON protocol on the queue of the input. `signal` ends a long poll. */
  async operate(
    operation: string,
    input: Input,
    url: (queue: string) => string,
    signal?: AbortSignal,
  ): Promise<Output> {
    if (operation === 'GetQueueUrl') {
      const { name } = this.#queue(input.QueueName).model;
      return { QueueUrl: url(name) };
    }
    const queue = this.#queue(input.QueueUrl);
    switch (operation) {
      case 'SendMessage':
        return this.#store.transaction(() => this.#send(queue, input));
      case 'SendMessageBatch':
        return this.#store.transaction(() => batch(input, (entry) => this.#send(queue, entry)));
      case 'ReceiveMessage':
        return this.#receive(queue, input, signal);
      case 'DeleteMessage':
        queue.remove(receiptOf(input), this.#now());
        return {};
      case 'DeleteMessageBatch':
        return this.#store.transaction(() =>
          batch(input, (entry) => {
            queue.remove(receiptOf(entry), this.#now());
            return {};
          }),
        );
      case 'ChangeMessageVisibility':
        return this.#hide(queue, input);
      case 'ChangeMessageVisibilityBatch':
        return batch(input, (entry) => this.#hide(queue, entry));
      case 'GetQueueAttributes':
        return this.#attributes(queue, input);
      case 'PurgeQueue':
        queue.purge();
        return {};
      default:
        throw new ServiceError(
          'NotImplemented',
          `The local cloud does not have ${operation} for FIFO queues; their attributes come from the template (docs/local-cloud.md)`,
          501,
        );
    }
  }

  /** Gives back what is in flight: its receiver, an event source mapping, ended with an earlier process. */
  release(queueArn: string): void {
    this.#byArn.get(queueArn)?.release(this.#now());
  }

  stop(): void {
    for (const queue of this.#queues.values()) queue.stop();
  }

  close(): void {
    this.#store.close();
  }

  #queue(id: unknown): FifoQueue {
    const queue = typeof id === 'string' ? this.#queues.get(id.split('/').at(-1) ?? '') : undefined;
    if (queue === undefined)
      throw new ServiceError('QueueDoesNotExist', 'The specified queue does not exist.', 400);
    return queue;
  }

  #send(queue: FifoQueue, input: Input): Output {
    const sending = readMessage(queue.model, input);
    const { id, seq } = queue.send(sending, this.#now());
    const attributes = md5OfAttributes(JSON.parse(sending.attributes) as Record<string, Attribute>);
    return {
      MessageId: id,
      MD5OfMessageBody: md5(sending.body),
      ...(attributes === undefined ? {} : { MD5OfMessageAttributes: attributes }),
      SequenceNumber: sequence(seq),
    };
  }

  async #receive(queue: FifoQueue, input: Input, signal: AbortSignal | undefined): Promise<Output> {
    const max = integer(input, 'MaxNumberOfMessages', 1, BATCH_MAX) ?? 1;
    const visibility = integer(input, 'VisibilityTimeout', 0, VISIBILITY_SECONDS_MAX);
    const wait = integer(input, 'WaitTimeSeconds', 0, WAIT_SECONDS_MAX);
    const waitMs = (wait ?? Number(queue.model.attributes.ReceiveMessageWaitTimeSeconds ?? 0)) * 1_000;
    const untilMs = performance.now() + waitMs;
    const visibilityMs = visibility === undefined ? undefined : visibility * 1_000;
    for (;;) {
      const received = this.#store.transaction(() => queue.receive(max, visibilityMs, this.#now()));
      const leftMs = untilMs - performance.now();
      if (received.length > 0) return { Messages: received.map((message) => shown(message, input)) };
      if (leftMs <= 0) return {};
      const startedMs = performance.now();
      await queue.changed(leftMs, this.#now(), signal);
      if (signal?.aborted === true || queue.stopped) return {};
      // Woken for somebody else's message, or too early by the clock: wait on.
      if (performance.now() - startedMs < 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #hide(queue: FifoQueue, input: Input): Output {
    const seconds = input.VisibilityTimeout;
    // A fraction comes from the local cloud itself, which scales the waits of AWS.
    if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= VISIBILITY_SECONDS_MAX))
      throw invalidValue('VisibilityTimeout', seconds, `Must be between 0 and ${VISIBILITY_SECONDS_MAX}.`);
    if (!queue.hide(receiptOf(input), seconds * 1_000, this.#now()))
      throw new ServiceError(
        'MessageNotInflight',
        'Message does not exist or is not available for visibility timeout change.',
      );
    return {};
  }

  #attributes(queue: FifoQueue, input: Input): Output {
    const { ready, inFlight, delayed } = queue.counts(this.#now());
    const all: Record<string, string> = {
      VisibilityTimeout: '30',
      DelaySeconds: '0',
      MaximumMessageSize: String(MESSAGE_BYTES_MAX),
      MessageRetentionPeriod: '345600',
      ReceiveMessageWaitTimeSeconds: '0',
      ContentBasedDeduplication: 'false',
      DeduplicationScope: 'queue',
      FifoThroughputLimit: 'perQueue',
      SqsManagedSseEnabled: 'true',
      ...queue.model.attributes,
      QueueArn: queue.model.arn,
      ApproximateNumberOfMessages: String(ready),
      ApproximateNumberOfMessagesNotVisible: String(inFlight),
      ApproximateNumberOfMessagesDelayed: String(delayed),
    };
    const wanted = names(input, 'AttributeNames');
    if (wanted.includes('All')) return { Attributes: all };
    return { Attributes: Object.fromEntries(Object.entries(all).filter(([name]) => wanted.includes(name))) };
  }
}

/** One answer for each entry; a refusal of one is no refusal of the others. */
function batch(input: Input, work: (entry: Input) => Output): Output {
  const entries = (Array.isArray(input.Entries) ? input.Entries : []) as Input[];
  if (entries.length === 0)
    throw new ServiceError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (entries.length > BATCH_MAX)
    throw new ServiceError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${BATCH_MAX}. You have sent ${entries.length}.`,
    );
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length)
    throw new ServiceError(
      'BatchEntryIdsNotDistinct',
      'Two or more batch entries in the request have the same Id.',
    );
  const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (bytes > MESSAGE_BYTES_MAX)
    throw new ServiceError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${MESSAGE_BYTES_MAX} bytes. You have sent ${bytes} bytes.`,
    );
  const successful: Output[] = [];
  const failed: Output[] = [];
  for (const entry of entries) {
    try {
      successful.push({ Id: entry.Id, ...work(entry) });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      failed.push({ Id: entry.Id, SenderFault: true, Code: error.type, Message: error.message });
    }
  }
  return { Successful: successful, ...(failed.length > 0 ? { Failed: failed } : {}) };
}

function readMessage({ attributes }: QueueModel, input: Input): Sending {
  const { MessageBody: body, MessageGroupId: group, MessageDeduplicationId: given } = input;
  if (typeof body !== 'string' || body === '')
    throw new ServiceError('MissingParameter', 'The request must contain the parameter MessageBody.');
  if (FORBIDDEN.test(body))
    throw new ServiceError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.',
    );
  if (typeof group !== 'string' || group === '')
    throw new ServiceError('MissingParameter', 'The request must contain the parameter MessageGroupId.');
  if (!ID.test(group))
    throw invalidValue('MessageGroupId', group, 'Must be 1 to 128 letters, digits and punctuation.');
  if (Number(input.DelaySeconds ?? 0) !== 0)
    throw invalidValue(
      'DelaySeconds',
      input.DelaySeconds,
      'The request include parameter that is not valid for this queue type.',
    );
  if (given === undefined && attributes.ContentBasedDeduplication !== 'true')
    throw new ServiceError(
      'InvalidParameterValue',
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    );
  const deduplicationId = String(given ?? createHash('sha256').update(body).digest('hex'));
  if (!ID.test(deduplicationId))
    throw invalidValue('MessageDeduplicationId', given, 'Must be 1 to 128 letters, digits and punctuation.');
  const bytesMax = Number(attributes.MaximumMessageSize ?? MESSAGE_BYTES_MAX);
  if (bytesOf(input) > bytesMax)
    throw new ServiceError(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${bytesMax} bytes.`,
    );
  return { body, group, deduplicationId, attributes: JSON.stringify(input.MessageAttributes ?? {}) };
}

/** SQS counts the body and the name, type and value of each attribute. */
function bytesOf({ MessageBody: body, MessageAttributes: attributes }: Input): number {
  let bytes = typeof body === 'string' ? Buffer.byteLength(body) : 0;
  for (const [name, attribute] of Object.entries((attributes ?? {}) as Record<string, Attribute>)) {
    const { DataType: type = '', StringValue: text = '', BinaryValue: binary = '' } = attribute;
    bytes += Buffer.byteLength(name + type + text) + Buffer.from(binary, 'base64').length;
  }
  return bytes;
}

function shown(message: FifoMessage, input: Input): Output {
  const system: Record<string, string> = {
    SenderId: 'local',
    SentTimestamp: String(message.sentMs),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    SequenceNumber: sequence(message.seq),
    MessageDeduplicationId: message.deduplicationId,
    MessageGroupId: message.group,
    ...(message.sourceArn === '' ? {} : { DeadLetterQueueSourceArn: message.sourceArn }),
  };
  const wanted = [...names(input, 'AttributeNames'), ...names(input, 'MessageSystemAttributeNames')];
  const systemShown = Object.entries(system).filter(
    ([name]) => wanted.includes('All') || wanted.includes(name),
  );
  const own = JSON.parse(message.attributes) as Record<string, Attribute>;
  const ownWanted = names(input, 'MessageAttributeNames');
  const ownShown = Object.entries(own).filter(([name]) =>
    ownWanted.some((w) => w === 'All' || w === name || (w.endsWith('.*') && name.startsWith(w.slice(0, -2)))),
  );
  const digest = md5OfAttributes(Object.fromEntries(ownShown));
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    Body: message.body,
    MD5OfBody: md5(message.body),
    ...(systemShown.length === 0 ? {} : { Attributes: Object.fromEntries(systemShown) }),
    ...(digest === undefined
      ? {}
      : { MessageAttributes: Object.fromEntries(ownShown), MD5OfMessageAttributes: digest }),
  };
}

function sequence(seq: number): string {
  return String(seq).padStart(20, '0');
}

function receiptOf({ ReceiptHandle: receipt }: Input): string {
  if (typeof receipt !== 'string' || receipt === '')
    throw new ServiceError('MissingParameter', 'The request must contain the parameter ReceiptHandle.');
  return receipt;
}

function names(input: Input, key: string): string[] {
  const value = input[key];
  return Array.isArray(value) ? value.map(String) : [];
}

function integer(input: Input, key: string, min: number, max: number): number | undefined {
  const value = input[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidValue(key, value, `Must be between ${min} and ${max}, if provided.`);
}

function invalidValue(name: string, value: unknown, reason: string): ServiceError {
  return new ServiceError(
    'InvalidParameterValue',
    `Value ${String(value)} for parameter ${name} is invalid. Reason: ${reason}`,
  );
}

function md5(data: string | Buffer): string {
  return createHash('md5').update(data).digest('hex');
}

/** The digest that SQS and its clients compare: names in order, each with type and value, all with their lengths. */
function md5OfAttributes(attributes: Readonly<Record<string, Attribute>>): string | undefined {
  const entries = Object.entries(attributes);
  if (entries.length === 0) return undefined;
  const withLength = (data: Buffer): Buffer[] => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return [length, data];
  };
  const parts = entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, { DataType: type = '', StringValue: text, BinaryValue: binary = '' }]) => [
      ...withLength(Buffer.from(name)),
      ...withLength(Buffer.from(type)),
      Buffer.from([text === undefined ? 2 : 1]),
      ...withLength(text === undefined ? Buffer.from(binary, 'base64') : Buffer.from(text)),
    ]);
  return md5(Buffer.concat(parts));
}
