import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from './errors.ts';
import type { Iam } from './iam.ts';
import type { InvokeResult, LambdaFunction } from './lambda.ts';
import type { MappingModel } from './model.ts';
import type { ReceivedMessage, Sqs } from './sqs.ts';
import type { StatsCollector } from './stats.ts';

const WAIT_SECONDS = 1;
const AFTER_FAILURE_MS = 500;
/** SQS gives at most ten messages at once; a larger batch is gathered. */
const RECEIVE_MAX = 10;
const NEEDED = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

interface Context {
  readonly sqs: Sqs;
  readonly iam: Iam;
  readonly stats: StatsCollector;
  readonly region: string;
  /** What the waits of AWS are multiplied by. */
  readonly timeScale: number;
}

/**
 * An event source mapping: polls a queue with the permissions of the function's role, invokes the function with batches
 * and deletes what it handled. With ReportBatchItemFailures only the named messages stay in the queue. What fails
 * becomes visible again after the queue's visibility time-out, scaled, and the queue's redrive policy counts it. On a
 * FIFO queue the order within a group needs nothing here: the queue gives out nothing of a group while something of it
 * is in flight, and what failed is in flight until then.
 */
export class EventSource {
  readonly #mapping: MappingModel;
  readonly #fn: LambdaFunction;
  readonly #context: Context;
  readonly #abort = new AbortController();
  readonly #handling = new Set<Promise<void>>();

  constructor(mapping: MappingModel, fn: LambdaFunction, context: Context) {
    this.#mapping = mapping;
    this.#fn = fn;
    this.#context = context;
  }

  start(): void {
    // A batch that was under way when an earlier process was killed has nobody left to finish it.
    this.#context.sqs.release(this.#mapping.queueArn);
    const pollers = Math.min(this.#fn.poolMax, this.#mapping.concurrencyMax ?? this.#fn.poolMax);
    for (let i = 0; i < pollers; i += 1) void this.#poll();
  }

  /** Ends polling; a batch under way is finished within `graceMs` or comes again. */
  async stop(graceMs: number): Promise<void> {
    this.#abort.abort();
    await Promise.race([Promise.all(this.#handling), sleep(graceMs, undefined, { ref: false })]);
  }

  async #poll(): Promise<void> {
    const { queueArn } = this.#mapping;
    const { iam, stats } = this.#context;
    let told = '';
    while (!this.#abort.signal.aborted) {
      const denial = iam.check(
        this.#fn.model.role.logicalId,
        NEEDED.map((action) => ({ action, resource: queueArn })),
      );
      if (denial !== undefined) {
        stats.denied += 1;
        const problem = `the event source mapping of ${this.#fn.model.name} does not work: ${denial.message}`;
        if (told !== problem) stats.problem(problem);
        told = problem;
        // Lambda goes on trying: a deployment may give the permission.
        await sleep(AFTER_FAILURE_MS, undefined, { ref: false });
        continue;
      }
      try {
        const messages = await this.#gather();
        // What was received too late becomes visible again by itself.
        if (messages.length === 0 || this.#abort.signal.aborted) continue;
        const work = this.#handle(messages).finally(() => this.#handling.delete(work));
        this.#handling.add(work);
        await work;
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        stats.problem(`the event source mapping of ${this.#fn.model.name}: ${messageOf(error)}`);
        await sleep(AFTER_FAILURE_MS, undefined, { ref: false });
      }
    }
  }

  async #gather(): Promise<ReceivedMessage[]> {
    const { queueArn, batchSize, windowSeconds } = this.#mapping;
    const messages = await this.#context.sqs.receive(
      queueArn,
      Math.min(batchSize, RECEIVE_MAX),
      WAIT_SECONDS,
    );
    const until = performance.now() + windowSeconds * 1_000;
    while (messages.length > 0 && messages.length < batchSize && !this.#abort.signal.aborted) {
      const waitSeconds = Math.max(0, Math.ceil((until - performance.now()) / 1_000));
      const more = await this.#context.sqs.receive(
        queueArn,
        Math.min(batchSize - messages.length, RECEIVE_MAX),
        waitSeconds,
      );
      messages.push(...more);
      if (more.length === 0) break;
    }
    return messages;
  }

  async #handle(messages: readonly ReceivedMessage[]): Promise<void> {
    const { stats, sqs } = this.#context;
    const event = { Records: messages.map((message) => this.#record(message)) };
    const result = await this.#fn.invoke(JSON.stringify(event), randomUUID());
    if (result.functionError !== undefined) {
      stats.invocations.failed += 1;
      if (result.timedOut) stats.invocations.timedOut += 1;
      stats.problem(
        `function ${this.#fn.model.name} failed on a batch of ${messages.length}: ${result.payload.slice(0, 500)}`,
      );
      await this.#returnLater(messages);
      return;
    }
    stats.invocations.ok += 1;
    const failed = this.#mapping.reportsItemFailures ? failedIds(result, messages) : new Set<string>();
    if (failed.size > 0)
      stats.problem(
        `function ${this.#fn.model.name} reported ${failed.size} of ${messages.length} messages as failed`,
      );
    await sqs.delete(
      this.#mapping.queueArn,
      messages.filter((message) => !failed.has(message.MessageId)),
    );
    await this.#returnLater(messages.filter((message) => failed.has(message.MessageId)));
  }

  async #returnLater(messages: readonly ReceivedMessage[]): Promise<void> {
    const { visibilitySeconds, queueArn } = this.#mapping;
    await this.#context.sqs.returnAfter(queueArn, messages, visibilitySeconds * this.#context.timeScale);
  }

  #record(message: ReceivedMessage): Record<string, unknown> {
    const attributes = Object.entries(
      (message.MessageAttributes ?? {}) as Record<string, Record<string, unknown>>,
    );
    return {
      messageId: message.MessageId,
      receiptHandle: message.ReceiptHandle,
      body: message.Body,
      attributes: message.Attributes ?? {},
      messageAttributes: Object.fromEntries(
        attributes.map(([name, value]) => [
          name,
          {
            stringValue: value.StringValue,
            binaryValue: value.BinaryValue,
            dataType: value.DataType,
            stringListValues: [],
            binaryListValues: [],
          },
        ]),
      ),
      md5OfBody: message.MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: this.#mapping.queueArn,
      awsRegion: this.#context.region,
    };
  }
}

/** As Lambda reads the answer: an unknown or empty identifier means that the whole batch failed. */
function failedIds(result: InvokeResult, messages: readonly ReceivedMessage[]): Set<string> {
  const answer = JSON.parse(result.payload) as { batchItemFailures?: { itemIdentifier?: string }[] } | null;
  const ids = (answer?.batchItemFailures ?? []).map((failure) => failure.itemIdentifier ?? '');
  const known = new Set(messages.map((message) => message.MessageId));
  return ids.every((id) => known.has(id)) ? new Set(ids) : known;
}
