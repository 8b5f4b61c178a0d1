/** The command queue of one streamer, both ends of it. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import {
  type CommandSender,
  type CommandSource,
  heldMs,
  type QueuedCommand,
} from '../ports/command-queue.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** The longest that SQS waits for a message. */
const waitSeconds = 20;

export interface CommandQueueOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
}

export class SqsCommandSource implements CommandSource {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor({ client, queueUrl }: CommandQueueOptions) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async receive(signal: AbortSignal): Promise<readonly QueuedCommand[]> {
    // One at a time, because they are carried out one at a time: what waits here would become visible again meanwhile.
    const { Messages } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#queueUrl,
        MaxNumberOfMessages: 1,
        VisibilityTimeout: heldMs / 1_000,
        WaitTimeSeconds: waitSeconds,
      }),
      { abortSignal: signal },
    );
    return (Messages ?? []).flatMap(({ Body, ReceiptHandle }) =>
      Body === undefined || ReceiptHandle === undefined ? [] : [{ body: Body, receipt: ReceiptHandle }],
    );
  }

  async hold(receipt: string): Promise<void> {
    await this.#hide(receipt, heldMs / 1_000);
  }

  async giveBack(receipt: string): Promise<void> {
    await this.#hide(receipt, 0);
  }

  async remove(receipt: string): Promise<void> {
    await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#queueUrl, ReceiptHandle: receipt }));
  }

  async #hide(receipt: string, seconds: number): Promise<void> {
    await this.#client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#queueUrl,
        ReceiptHandle: receipt,
        VisibilityTimeout: seconds,
      }),
    );
  }
}

export class SqsCommandSender implements CommandSender {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor({ client, queueUrl }: CommandQueueOptions) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async send({ id, group, body }: { id: string; group: string; body: string }): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#queueUrl,
        MessageBody: body,
        MessageGroupId: group,
        // SQS drops what comes twice within five minutes; after that the reader knows it by its id.
        MessageDeduplicationId: id,
      }),
    );
  }
}

/** Region, credentials and endpoint come from the environment. */
export function openCommandSource(queueUrl: string): CommandSource {
  // The answer to a long poll may come only after the whole wait.
  const requestTimeout = waitSeconds * 1000 + requestPatience.requestTimeout;
  const client = unlogged(new SQSClient({ requestHandler: { ...requestPatience, requestTimeout } }));
  return new SqsCommandSource({ client, queueUrl });
}

/** A queue's other end; the client is made once for all of them. */
export function openCommandSenders(): (queueUrl: string) => CommandSender {
  const client = unlogged(new SQSClient({ requestHandler: requestPatience }));
  return (queueUrl) => new SqsCommandSender({ client, queueUrl });
}
