import { describe, expect, it } from 'vitest';
import { namedOf, ofType, stageTemplate } from '../helpers/stage-template.ts';
import { statementsOf } from '../helpers/template-parts.ts';

const made = await stageTemplate('paper');

interface Schedule {
  readonly Name: string;
  readonly ScheduleExpression: string;
  readonly ScheduleExpressionTimezone: string;
  readonly FlexibleTimeWindow: unknown;
  readonly State?: string;
  readonly Target: {
    readonly Arn: unknown;
    readonly RoleArn: { readonly 'Fn::GetAtt': [string, string] };
    readonly Input: string;
    readonly RetryPolicy: {
      readonly MaximumEventAgeInSeconds: number;
      readonly MaximumRetryAttempts: number;
    };
    readonly DeadLetterConfig?: { readonly Arn: unknown };
  };
}

const schedules = ofType(made, 'AWS::Scheduler::Schedule').map(
  ([, { Properties }]) => Properties as unknown as Schedule,
);
const arnOf = (type: string, name: string) => ({ 'Fn::GetAtt': [namedOf(made, type, name)[0], 'Arn'] });

describe('schedules', () => {
  it.each([
    ['reconcile-main', 'rate(5 minutes)', 240, 'reconcile'],
    ['watchdog', 'rate(1 minute)', 60, 'watchdog'],
    ['alerts', 'rate(1 minute)', 60, 'alerts'],
    ['archive-daily', 'cron(30 2 * * ? *)', 21_600, 'archive'],
    ['backup-daily', 'cron(15 3 * * ? *)', 21_600, 'backup'],
    ['drill-weekly', 'cron(15 4 ? * SUN *)', 21_600, 'drill'],
  ])('%s is %s, given up after %i s, and calls %s', (name, expression, ageSeconds, target) => {
    const found = schedules.find(({ Name }) => Name === `evenkeel-paper-${name}`);
    expect(found).toMatchObject({
      ScheduleExpression: expression,
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: arnOf('AWS::Lambda::Function', `evenkeel-paper-${target}`),
        RetryPolicy: { MaximumEventAgeInSeconds: ageSeconds, MaximumRetryAttempts: 10 },
      },
    });
    expect(found?.State ?? 'ENABLED').toBe('ENABLED');
  });

  // AWS refuses `rate(1 minutes)` and `rate(5 minute)`, at deployment only.
  it('write the unit of a rate as AWS wants it: 1 minute, 5 minutes', () => {
    const expressions = schedules.map(({ ScheduleExpression }) => ScheduleExpression);
    expect(expressions.length).toBeGreaterThan(4);
    const right = /^(rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)|cron\(.+\))$/;
    expect(expressions.filter((one) => !right.test(one))).toEqual([]);
  });

  it('give a call of every few minutes up before the next one, which knows more', () => {
    const everySeconds = (expression: string) => {
      const minutes = /^rate\((\d+) minutes?\)$/.exec(expression)?.[1];
      return minutes === undefined ? 86_400 : Number(minutes) * 60;
    };
    for (const { Name, ScheduleExpression, Target } of schedules) {
      const { MaximumEventAgeInSeconds: age } = Target.RetryPolicy;
      // The Scheduler takes no less than a minute.
      expect({
        Name,
        inTime: age >= 60 && age <= Math.max(60, everySeconds(ScheduleExpression) - 60),
      }).toEqual({
        Name,
        inTime: true,
      });
    }
  });

  it('put what cannot be handed over into the dead-letter queue', () => {
    for (const { Name, Target } of schedules) {
      expect([Name, Target.DeadLetterConfig]).toEqual([
        Name,
        { Arn: arnOf('AWS::SQS::Queue', 'evenkeel-paper-jobs-dlq') },
      ]);
    }
  });

  it('have a role each, which may call that function, write dead letters, and nothing else', () => {
    const roles = schedules.map(({ Target }) => Target.RoleArn['Fn::GetAtt'][0]);
    expect(new Set(roles).size).toBe(schedules.length);
    for (const { Target } of schedules) {
      const { 'Fn::GetAtt': role } = Target.RoleArn;
      expect(statementsOf(made, role[0])).toEqual([
        { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: Target.Arn },
        { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: Target.DeadLetterConfig?.Arn },
      ]);
    }
  });

  it('tell the function what it is called for', () => {
    const input = (name: string) =>
      JSON.parse(
        schedules.find(({ Name }) => Name === `evenkeel-paper-${name}`)?.Target.Input ?? '',
      ) as unknown;
    expect(input('reconcile-main')).toEqual({
      trigger: 'schedule',
      account: 'DU1234567',
      by: 'evenkeel-paper-reconcile-main',
    });
    expect(input('watchdog')).toEqual({ trigger: 'schedule' });
    expect(input('alerts')).toEqual({ action: 'tick' });
    expect(input('backup-daily')).toMatchObject({ trigger: 'schedule', reason: 'daily' });
  });
});
