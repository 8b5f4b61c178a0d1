/** Whether a transaction failed because somebody was faster. */
import {
  type CancellationReason,
  DynamoDBServiceException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';

/** Reasons why a transaction did not happen that a new attempt, on what is there now, can overcome. */
const passing = new Set([
  'ConditionalCheckFailed',
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);

export function isConflict(error: unknown): boolean {
  if (error instanceof TransactionCanceledException) {
    const reasons = (error.CancellationReasons ?? []).filter(hasFailed);
    return reasons.length > 0 && reasons.every(({ Code }) => passing.has(Code ?? ''));
  }
  return error instanceof DynamoDBServiceException && error.name === 'TransactionInProgressException';
}

function hasFailed({ Code }: CancellationReason): boolean {
  return Code !== undefined && Code !== 'None';
}
