import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { ServiceError } from './aws-errors.ts';
import type { Access } from './iam.ts';
import type { TopicModel } from './model.ts';
import type { StatsCollector } from './stats.ts';

const MESSAGE_BYTES_MAX = 262_144;
/** Parameters of Publish that are obeyed; any other is refused. */
const PARAMETERS = new Set(['Action', 'Version', 'TopicArn', 'Message', 'Subject']);
/** ASCII that begins with a letter, a digit or a punctuation mark, with no line ends, shorter than 100 characters. */
const SUBJECT = /^[\x21-\x7e][\x20-\x7e]{0,98}$/;

/**
 * SNS's Publish. Nobody gets an e-mail from one machine: what is published, and to whom it would go, is a line in
 * `sns/<topic>.ndjson` of the data folder, and the sandbox shows the last one.
 */
export class Sns {
  readonly #topics: ReadonlyMap<string, TopicModel>;
  readonly #folder: string;
  readonly #stats: StatsCollector;

  constructor(topics: readonly TopicModel[], dataDir: string, stats: StatsCollector) {
    this.#topics = new Map(topics.map((topic) => [topic.arn, topic]));
    this.#folder = path.join(dataDir, 'sns');
    this.#stats = stats;
  }

  access(body: URLSearchParams): Access[] {
    return [{ action: 'sns:Publish', resource: body.get('TopicArn') ?? '*' }];
  }

  /** The XML of the answer. Throws ServiceError as SNS answers. */
  publish(body: URLSearchParams, requestId: string): string {
    for (const name of body.keys()) {
      if (!PARAMETERS.has(name))
        throw new ServiceError(
          'NotImplemented',
          `The local cloud does not have the parameter ${name} of SNS Publish (docs/local-cloud.md lists what it has)`,
          501,
        );
    }
    const arn = body.get('TopicArn') ?? '';
    const topic = this.#topics.get(arn);
    if (!/^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/.test(arn)) throw invalid('TopicArn');
    if (topic === undefined) throw new ServiceError('NotFound', 'Topic does not exist', 404);
    const message = body.get('Message') ?? '';
    if (message === '') throw new ServiceError('InvalidParameter', 'Invalid parameter: Empty message');
    if (Buffer.byteLength(message) > MESSAGE_BYTES_MAX)
      throw new ServiceError('InvalidParameter', 'Invalid parameter: Message too long');
    const subject = body.get('Subject');
    if (subject !== null && !SUBJECT.test(subject)) throw invalid('Subject');
    const messageId = randomUUID();
    const { name, subscriptions } = topic;
    const line = { at: new Date().toISOString(), messageId, to: subscriptions, subject, message };
    mkdirSync(this.#folder, { recursive: true });
    appendFileSync(path.join(this.#folder, `${name}.ndjson`), `${JSON.stringify(line)}\n`);
    this.#stats.notifications.published += 1;
    this.#stats.notifications.last = subject ?? message.split('\n')[0] ?? '';
    return `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>${messageId}</MessageId></PublishResult><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></PublishResponse>`;
  }
}

function invalid(parameter: string): ServiceError {
  return new ServiceError('InvalidParameter', `Invalid parameter: ${parameter}`);
}
