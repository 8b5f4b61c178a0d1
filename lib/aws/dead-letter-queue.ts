/** The dead-letter queue in SQS, FIFO or not: the message's own body, and why it lies there as attributes. */
import { type MessageAttributeValue, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { DeadLetter, DeadLetterQueue } from '../ports/dead-letter-queue.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** An attribute counts towards the message's 1 MiB; the body comes first. */
const messageCharsMax = 2_000;
/** What SQS does not take in an attribute: control characters but tab and line ends, and two that are no characters. */
const notAllowed = /[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu;

export class SqsDeadLetterQueue implements DeadLetterQueue {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor({ client, queueUrl }: { client: SQSClient; queueUrl: string }) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async put({ messageId, group, body, reason, message }: DeadLetter): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#queueUrl,
        MessageBody: body,
        ...(this.#queueUrl.endsWith('.fifo')
          ? { MessageGroupId: group, MessageDeduplicationId: messageId }
          : {}),
        MessageAttributes: { reason: text(reason), message: text(message.slice(0, messageCharsMax)) },
      }),
    );
  }
}

/** The queue with this URL: region, credentials and endpoint come from the environment. */
export function openDeadLetterQueue(queueUrl: string): DeadLetterQueue {
  return new SqsDeadLetterQueue({
    client: unlogged(new SQSClient({ requestHandler: requestPatience })),
    queueUrl,
  });
}

function text(value: string): MessageAttributeValue {
  return { DataType: 'String', StringValue: value.toWellFormed().replaceAll(notAllowed, '?') };
}
