import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface JobScheduleProps {
  readonly name: string;
  readonly description: string;
  /** `cron(15 3 * * ? *)` in UTC, or `rate(5 minutes)`. */
  readonly expression: string;
  readonly target: IFunction;
  /** What the function gets. */
  readonly input: object;
  /** Where a call goes that could not be handed over. */
  readonly deadLetters: Queue;
  /** After so long a call that could not be handed over is given up. */
  readonly maxEventAge?: Duration;
}

/** Calls a function by the clock, under a role that may do nothing else. */
export class JobSchedule extends Construct {
  constructor(scope: Construct, id: string, props: JobScheduleProps) {
    super(scope, id);
    const { name, description, expression, target, input, deadLetters } = props;
    const { account } = Stack.of(this);
    // Scheduler names the group of the schedule that it acts for, not the schedule.
    const group = Stack.of(this).formatArn({
      service: 'scheduler',
      resource: 'schedule-group',
      resourceName: 'default',
    });
    const role = new Role(this, 'Role', {
      roleName: `${name}-schedule`,
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnEquals: { 'aws:SourceArn': group },
        },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }),
    );
    const schedule = new CfnSchedule(this, 'Schedule', {
      name,
      description,
      scheduleExpression: expression,
      scheduleExpressionTimezone: 'UTC',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: target.functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify(input),
        retryPolicy: {
          maximumEventAgeInSeconds: (props.maxEventAge ?? Duration.hours(6)).toSeconds(),
          maximumRetryAttempts: 10,
        },
        deadLetterConfig: { arn: deadLetters.queueArn },
      },
    });
    // A call without its permission would go to the dead-letter queue.
    schedule.node.addDependency(role);
  }
}

/** `03:15` to `cron(15 3 * * ? *)`; with a day of the week, on that day only. */
export function cronAt(time: string, weekday?: string): string {
  const [hour, minute] = time.split(':').map(Number);
  return weekday === undefined
    ? `cron(${minute} ${hour} * * ? *)`
    : `cron(${minute} ${hour} ? * ${weekday.toUpperCase()} *)`;
}
