import type { ScheduleModel } from './model.ts';

/** One call of a schedule. */
export interface ScheduledCall {
  /** `2026-11-21T03:15:00Z` */
  readonly scheduledTime: string;
  /** Sixteen hexadecimal digits. */
  readonly executionId: string;
}

const ATTRIBUTE = /<(aws\.[^<>"]*)>/g;
const ATTEMPT = '<aws.scheduler.attempt-number>';
const KNOWN = new Set([
  'aws.scheduler.schedule-arn',
  'aws.scheduler.scheduled-time',
  'aws.scheduler.execution-id',
  'aws.scheduler.attempt-number',
]);

/** The first context attribute in the text that is not known. */
export function checkAttributes(text: string): string | undefined {
  return [...text.matchAll(ATTRIBUTE)].map(([, name = '']) => name).find((name) => !KNOWN.has(name));
}

/** What the target gets, with all but the number of the attempt filled in. Without an input AWS sends an event. */
export function scheduledInput(
  { arn, target }: ScheduleModel,
  { scheduledTime, executionId }: ScheduledCall,
  id: string,
): string {
  if (target.input === undefined) {
    const [, , , region, account] = arn.split(':');
    return JSON.stringify({
      version: '0',
      id,
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account,
      time: scheduledTime,
      region,
      resources: [arn],
      detail: '{}',
    });
  }
  return target.input
    .replaceAll('<aws.scheduler.schedule-arn>', arn)
    .replaceAll('<aws.scheduler.scheduled-time>', scheduledTime)
    .replaceAll('<aws.scheduler.execution-id>', executionId);
}

/** `attempt` counts from 1. */
export function inputOfAttempt(input: string, attempt: number): string {
  return input.replaceAll(ATTEMPT, String(attempt));
}
