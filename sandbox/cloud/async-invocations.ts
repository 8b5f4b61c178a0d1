import type { Delivery } from './delivery-store.ts';
import { FINISHED, type Lane } from './dispatcher.ts';
import { messageOf } from './errors.ts';
import type { Iam } from './iam.ts';
import type { InvokeResult, LambdaFunction } from './lambda.ts';
import type { Sqs } from './sqs.ts';
import type { StatsCollector } from './stats.ts';

/** Lambda waits a minute before the first retry of an asynchronous invocation and two before the second. */
const WAITS_MS = [60_000, 120_000];

interface Context {
  readonly iam: Iam;
  readonly sqs: Sqs;
  readonly stats: StatsCollector;
}

/**
 * The asynchronous invocations of one function, as Lambda does them: errors of the function are retried by its
 * EventInvokeConfig (twice by default), then the event goes to the failure destination and to the function's
 * dead-letter queue, with the permissions of the function's role.
 */
export function asyncLane(fn: LambdaFunction, context: Context): Lane {
  const { model } = fn;
  const { stats } = context;
  return {
    concurrency: fn.poolMax,
    attempt: async (delivery) => {
      const result = await fn.invoke(delivery.payload, delivery.requestId);
      if (result.functionError === undefined) {
        stats.invocations.ok += 1;
        await report(fn, delivery, result, 'Success', context);
        return FINISHED;
      }
      stats.invocations.failed += 1;
      if (result.timedOut) stats.invocations.timedOut += 1;
      stats.problem(`function ${model.name} failed: ${describe(result)}`);
      const laterMs = WAITS_MS[Math.min(delivery.attempts, WAITS_MS.length - 1)] ?? 0;
      const attemptsLeft = delivery.attempts < model.asynchronous.attemptsMax;
      if (attemptsLeft && delivery.agedMs + laterMs <= model.asynchronous.ageSecondsMax * 1_000) {
        stats.invocations.retried += 1;
        return { kind: 'retry', laterMs };
      }
      await report(fn, delivery, result, attemptsLeft ? 'EventAgeExceeded' : 'RetriesExhausted', context);
      return FINISHED;
    },
  };
}

async function report(
  fn: LambdaFunction,
  delivery: Delivery,
  result: InvokeResult,
  condition: 'Success' | 'RetriesExhausted' | 'EventAgeExceeded',
  context: Context,
): Promise<void> {
  const { asynchronous, deadLetterArn } = fn.model;
  const failed = condition !== 'Success';
  const destination = failed ? asynchronous.onFailureArn : asynchronous.onSuccessArn;
  const sent = [
    destination === undefined
      ? false
      : await send(fn, destination, destinationBody(fn, delivery, result, condition), {}, context),
    deadLetterArn === undefined || !failed
      ? false
      : await send(fn, deadLetterArn, delivery.payload, deadLetterAttributes(delivery, result), context),
  ];
  if (!failed) return;
  if (sent.some(Boolean)) context.stats.invocations.deadLettered += 1;
  else {
    context.stats.invocations.dropped += 1;
    context.stats.problem(
      `function ${fn.model.name}: an event was dropped after ${delivery.attempts + 1} attempts; no failure destination or dead-letter queue took it`,
    );
  }
}

async function send(
  fn: LambdaFunction,
  queue: string,
  body: string,
  attributes: Record<string, string>,
  { iam, sqs, stats }: Context,
): Promise<boolean> {
  const denial = iam.check(fn.model.role.logicalId, [{ action: 'sqs:SendMessage', resource: queue }]);
  if (denial !== undefined) {
    stats.denied += 1;
    stats.problem(`function ${fn.model.name} cannot send to ${queue}: ${denial.message}`);
    return false;
  }
  try {
    await sqs.send(queue, body, attributes);
    return true;
  } catch (error) {
    stats.problem(`function ${fn.model.name} cannot send to ${queue}: ${messageOf(error)}`);
    return false;
  }
}

function deadLetterAttributes(delivery: Delivery, result: InvokeResult): Record<string, string> {
  return { RequestID: delivery.requestId, ErrorCode: '200', ErrorMessage: describe(result).slice(0, 1_024) };
}

/** The record that Lambda sends to a destination. */
function destinationBody(
  fn: LambdaFunction,
  delivery: Delivery,
  result: InvokeResult,
  condition: string,
): string {
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date().toISOString(),
    requestContext: {
      requestId: delivery.requestId,
      functionArn: `${fn.model.arn}:$LATEST`,
      condition,
      approximateInvokeCount: delivery.attempts + 1,
    },
    requestPayload: JSON.parse(delivery.payload) as unknown,
    responseContext: {
      statusCode: 200,
      executedVersion: '$LATEST',
      ...(result.functionError === undefined ? {} : { functionError: result.functionError }),
    },
    responsePayload: JSON.parse(result.payload) as unknown,
  });
}

function describe(result: InvokeResult): string {
  const { errorType, errorMessage } = JSON.parse(result.payload) as {
    errorType?: string;
    errorMessage?: string;
  };
  return `${errorType}: ${errorMessage}`;
}
