import { createHash } from 'node:crypto';
import { asDeliveryError, DeliveryError, judge } from './delivery-error.ts';
import type { Delivery } from './delivery-store.ts';
import { FINISHED, type Lane, type Outcome } from './dispatcher.ts';
import { messageOf } from './errors.ts';
import type { Faults } from './faults.ts';
import type { Iam } from './iam.ts';
import type { ScheduleModel } from './model.ts';
import { inputOfAttempt, type ScheduledCall } from './schedule-input.ts';
import type { Sqs } from './sqs.ts';
import type { StatsCollector } from './stats.ts';

const CONCURRENCY = 4;

interface Context {
  readonly iam: Iam;
  readonly sqs: Sqs;
  readonly faults: Faults;
  readonly stats: StatsCollector;
}

/**
 * The calls of one schedule, as EventBridge Scheduler makes them: under the schedule's role, retried by its policy, then
 * sent to its dead-letter queue under the same role. A function that was invoked and fails is Lambda's affair.
 */
export function scheduleLane(schedule: ScheduleModel, context: Context): Lane {
  return {
    concurrency: CONCURRENCY,
    attempt: async (delivery) => {
      try {
        const outcome = await call(schedule, delivery, context);
        context.stats.scheduler.ok += 1;
        return outcome;
      } catch (error) {
        return onFailure(schedule, delivery, asDeliveryError(error), context);
      }
    },
  };
}

/** Sixteen digits of the delivery's id: the store keeps no other. */
export function executionIdOf(requestId: string): string {
  return requestId.replaceAll('-', '').slice(0, 16);
}

function callOf({ target, requestId }: Delivery): ScheduledCall {
  return { scheduledTime: target.split(' ')[1] ?? '', executionId: executionIdOf(requestId) };
}

async function call(schedule: ScheduleModel, delivery: Delivery, context: Context): Promise<Outcome> {
  const { target, role } = schedule;
  const { iam, faults, sqs, stats } = context;
  const action = target.kind === 'sqs' ? 'sqs:SendMessage' : 'lambda:InvokeFunction';
  const denial = iam.check(role.logicalId, [{ action, resource: target.arn }]);
  if (denial !== undefined) {
    stats.denied += 1;
    throw new DeliveryError('AccessDeniedException', denial.message, false);
  }
  const caller = role.logicalId;
  const payload = inputOfAttempt(delivery.payload, delivery.attempts + 1);
  if (target.kind === 'lambda') {
    await faults.apply({ service: 'lambda', operation: 'Invoke', caller });
    return { kind: 'invoke', functionArn: target.arn, payload };
  }
  await faults.apply({ service: 'sqs', operation: 'SendMessage', caller });
  await sqs.send(target.arn, payload, {}, groupOf(target.messageGroupId, payload));
  return FINISHED;
}

/** The queue deduplicates by content, which the template's reading made sure of. */
function groupOf(
  group: string | undefined,
  payload: string,
): { group: string; deduplication: string } | undefined {
  return group === undefined
    ? undefined
    : { group, deduplication: createHash('sha256').update(payload).digest('hex') };
}

async function onFailure(
  schedule: ScheduleModel,
  delivery: Delivery,
  error: DeliveryError,
  context: Context,
): Promise<Outcome> {
  const { stats } = context;
  stats.scheduler.failed += 1;
  stats.problem(
    `schedule ${schedule.name} could not call ${schedule.target.arn}: ${error.code}: ${error.message}`,
  );
  const verdict = judge(delivery, error, schedule.target.retry);
  if (verdict.kind === 'retry') {
    stats.scheduler.retried += 1;
    return verdict;
  }
  await bury(schedule, delivery, error, verdict.exhausted, context);
  return FINISHED;
}

/** Sends the input to the dead-letter queue with the attributes that Scheduler adds. */
async function bury(
  schedule: ScheduleModel,
  delivery: Delivery,
  error: DeliveryError,
  exhausted: string | undefined,
  { iam, sqs, stats }: Context,
): Promise<void> {
  const { arn, name, role, target } = schedule;
  const queue = target.deadLetterArn;
  const drop = (why: string): void => {
    stats.scheduler.dropped += 1;
    stats.problem(`schedule ${name} dropped a call of ${target.arn}: ${why}`);
  };
  if (queue === undefined) {
    drop('it has no dead-letter queue');
    return;
  }
  const denial = iam.check(role.logicalId, [{ action: 'sqs:SendMessage', resource: queue }]);
  if (denial !== undefined) {
    stats.denied += 1;
    drop(denial.message);
    return;
  }
  const { scheduledTime, executionId } = callOf(delivery);
  try {
    await sqs.send(queue, inputOfAttempt(delivery.payload, delivery.attempts + 1), {
      ERROR_CODE: error.code,
      ERROR_MESSAGE: error.message,
      EXECUTION_ID: executionId,
      ...(exhausted === undefined ? {} : { EXHAUSTED_RETRY_CONDITION: exhausted }),
      IS_PAYLOAD_TRUNCATED: 'false',
      RETRY_ATTEMPTS: String(delivery.attempts),
      SCHEDULED_TIME: scheduledTime,
      SCHEDULE_ARN: arn,
      TARGET_ARN: target.arn,
    });
    stats.scheduler.deadLettered += 1;
  } catch (failure) {
    drop(`the dead-letter queue ${queue} refused it: ${messageOf(failure)}`);
  }
}
