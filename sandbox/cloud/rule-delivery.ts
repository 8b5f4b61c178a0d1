import { asDeliveryError, DeliveryError, judge } from './delivery-error.ts';
import type { Delivery } from './delivery-store.ts';
import { FINISHED, type Lane, type Outcome } from './dispatcher.ts';
import { messageOf } from './errors.ts';
import type { Faults } from './faults.ts';
import type { Iam } from './iam.ts';
import type { RuleModel, TargetModel } from './model.ts';
import type { Sqs } from './sqs.ts';
import type { StatsCollector } from './stats.ts';

const CONCURRENCY = 16;

interface Context {
  readonly iam: Iam;
  readonly sqs: Sqs;
  readonly faults: Faults;
  readonly stats: StatsCollector;
}

/**
 * Delivery to one target of one rule. A function must permit the rule to invoke it and a queue's policy must let
 * EventBridge send, else the event goes straight to the dead-letter queue; throttling and server errors are retried
 * by the target's policy. Whether a function then succeeds is not the bus's concern: see `AsyncInvocations`.
 */
export function ruleLane(rule: RuleModel, target: TargetModel, context: Context): Lane {
  return {
    concurrency: CONCURRENCY,
    attempt: async (delivery) => {
      try {
        const outcome = await deliver(rule, target, delivery, context);
        context.stats.deliveries.ok += 1;
        return outcome;
      } catch (error) {
        return onFailure(rule, target, delivery, asDeliveryError(error), context);
      }
    },
  };
}

async function deliver(
  rule: RuleModel,
  target: TargetModel,
  delivery: Delivery,
  context: Context,
): Promise<Outcome> {
  if (target.kind === 'sqs') {
    requirePermission(context.iam, 'sqs:SendMessage', target.arn, rule.arn);
    await context.faults.apply({ service: 'sqs', operation: 'SendMessage' });
    await context.sqs.send(target.arn, delivery.payload, {}, groupOf(target, delivery));
    return FINISHED;
  }
  requirePermission(context.iam, 'lambda:InvokeFunction', target.arn, rule.arn);
  await context.faults.apply({ service: 'lambda', operation: 'Invoke' });
  return { kind: 'invoke', functionArn: target.arn, payload: delivery.payload };
}

function requirePermission(iam: Iam, action: string, resource: string, ruleArn: string): void {
  if (iam.serviceMay('events.amazonaws.com', { action, resource }, ruleArn)) return;
  throw new DeliveryError(
    'NO_PERMISSIONS',
    `events.amazonaws.com is not authorized to perform: ${action} on resource: ${resource} because no resource-based policy allows the ${action} action`,
    false,
  );
}

async function onFailure(
  rule: RuleModel,
  target: TargetModel,
  delivery: Delivery,
  error: DeliveryError,
  context: Context,
): Promise<Outcome> {
  const { stats } = context;
  stats.deliveries.failed += 1;
  stats.problem(`rule ${rule.name} could not deliver to ${target.arn}: ${error.code}: ${error.message}`);
  const verdict = judge(delivery, error, target.retry);
  if (verdict.kind === 'retry') {
    stats.deliveries.retried += 1;
    return verdict;
  }
  await bury(rule, target, delivery, error, verdict.exhausted, context);
  return FINISHED;
}

/** Writes the event to the target's dead-letter queue with the attributes that EventBridge adds. */
async function bury(
  rule: RuleModel,
  target: TargetModel,
  delivery: Delivery,
  error: DeliveryError,
  exhausted: string | undefined,
  { iam, sqs, stats }: Context,
): Promise<void> {
  const queue = target.deadLetterArn;
  const drop = (why: string): void => {
    stats.deliveries.dropped += 1;
    stats.problem(`rule ${rule.name} dropped an event for ${target.arn}: ${why}`);
  };
  if (queue === undefined) {
    drop('the target has no dead-letter queue');
    return;
  }
  if (!iam.serviceMay('events.amazonaws.com', { action: 'sqs:SendMessage', resource: queue }, rule.arn)) {
    drop(`the policy of ${queue} does not let events.amazonaws.com send messages for this rule`);
    return;
  }
  try {
    await sqs.send(queue, delivery.payload, {
      RULE_ARN: rule.arn,
      TARGET_ARN: target.arn,
      ERROR_CODE: error.code,
      ERROR_MESSAGE: error.message,
      ...(exhausted === undefined ? {} : { EXHAUSTED_RETRY_CONDITION: exhausted }),
      RETRY_ATTEMPTS: String(delivery.attempts),
    });
    stats.deliveries.deadLettered += 1;
  } catch (failure) {
    drop(`the dead-letter queue ${queue} refused it: ${messageOf(failure)}`);
  }
}

/** EventBridge deduplicates on FIFO queues by the event's id. */
function groupOf(
  target: TargetModel,
  delivery: Delivery,
): { group: string; deduplication: string } | undefined {
  return target.messageGroupId === undefined
    ? undefined
    : { group: target.messageGroupId, deduplication: delivery.requestId };
}
