import { ServiceError } from './aws-errors.ts';
import type { Delivery } from './delivery-store.ts';
import { messageOf } from './errors.ts';
import type { RetryPolicy } from './model.ts';

/** Neither EventBridge nor Scheduler publishes its back-off; doubling from a second to five minutes spreads 185 attempts over some hours. */
const FIRST_WAIT_MS = 1_000;
const WAIT_MAX_MS = 300_000;

/** A delivery that failed, with the code that is written on the dead letter. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  readonly code: string;
  /** Permissions and missing targets are not tried again. */
  readonly retriable: boolean;

  constructor(code: string, message: string, retriable: boolean) {
    super(message);
    this.code = code;
    this.retriable = retriable;
  }
}

/** What becomes of a delivery that failed: another attempt, or the dead-letter queue with the limit that ended it. */
export type Verdict =
  | { readonly kind: 'retry'; readonly laterMs: number }
  | {
      readonly kind: 'give-up';
      readonly exhausted: 'MaximumEventAgeInSeconds' | 'MaximumRetryAttempts' | undefined;
    };

export function judge(delivery: Delivery, error: DeliveryError, retry: RetryPolicy): Verdict {
  if (!error.retriable) return { kind: 'give-up', exhausted: undefined };
  if (delivery.attempts >= retry.attemptsMax) return { kind: 'give-up', exhausted: 'MaximumRetryAttempts' };
  const laterMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(delivery.attempts, 20), WAIT_MAX_MS);
  return delivery.agedMs + laterMs <= retry.ageSecondsMax * 1_000
    ? { kind: 'retry', laterMs }
    : { kind: 'give-up', exhausted: 'MaximumEventAgeInSeconds' };
}

export function asDeliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error instanceof ServiceError) {
    if (/Throttl|TooManyRequests/.test(error.type))
      return new DeliveryError('THROTTLING', error.message, true);
    if (error.status >= 500) return new DeliveryError('INTERNAL_ERROR', error.message, true);
    return new DeliveryError('SDK_CLIENT_ERROR', error.message, false);
  }
  return new DeliveryError('TIMEOUT', messageOf(error), true);
}
