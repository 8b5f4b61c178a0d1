/** What DynamoDB throws, as the SDK's own classes: for the store in memory, and for those who inject faults into it. */
import {
  type CancellationReason,
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  IdempotentParameterMismatchException,
  InternalServerError,
  ProvisionedThroughputExceededException,
  ResourceInUseException,
  ResourceNotFoundException,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';
import type { Attributes } from './attribute-values.ts';

const refused = { httpStatusCode: 400, requestId: 'in-memory', attempts: 1, totalRetryDelay: 0 } as const;
const failed = { ...refused, httpStatusCode: 500 } as const;

/** The simulation asked for something that its DynamoDB does not have: extend it, and its contract suite. */
export class MemoryDynamoDbError extends Error {
  override readonly name = 'MemoryDynamoDbError';
  readonly code = 'MEMORY_DYNAMODB_UNKNOWN';

  constructor(what: string) {
    super(
      `MEMORY_DYNAMODB_UNKNOWN: The DynamoDB in memory does not know ${what}; nothing was done. ` +
        'Add it in test/simulation/memory, with a case of the contract suite that the real engine passes too.',
    );
  }
}

export function validation(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    $metadata: refused,
    message,
  });
}

/** What only the table knows to be wrong: in a transaction it is the reason why one action could not be. */
export function schemaMismatch(message: string): DynamoDBServiceException {
  const error = validation(message);
  mismatches.add(error);
  return error;
}

const mismatches = new WeakSet<object>();

export function isSchemaMismatch(error: unknown): error is DynamoDBServiceException {
  return error instanceof DynamoDBServiceException && mismatches.has(error);
}

export function conditionFailed(item?: Attributes): ConditionalCheckFailedException {
  return new ConditionalCheckFailedException({
    message: conditionFailedText,
    $metadata: refused,
    ...(item === undefined ? {} : { Item: item }),
  });
}

export const conditionFailedText = 'The conditional request failed';

export function tableNotFound(name?: string): ResourceNotFoundException {
  const message = `Requested resource not found${name === undefined ? '' : `: Table: ${name} not found`}`;
  return new ResourceNotFoundException({ message, $metadata: refused });
}

export function tableInUse(name: string): ResourceInUseException {
  return new ResourceInUseException({ message: `Table already exists: ${name}`, $metadata: refused });
}

export function parameterMismatch(): IdempotentParameterMismatchException {
  return new IdempotentParameterMismatchException({
    message: 'The request uses the same client token as a previous, but non-identical request.',
    $metadata: refused,
  });
}

export function transactionCancelled(reasons: CancellationReason[]): TransactionCanceledException {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    CancellationReasons: reasons,
    $metadata: refused,
  });
}

/** Another transaction is at work on the action's item; of `actions` the one at `index`. */
export function cancelledByConflict(actions: number, index = 0): TransactionCanceledException {
  return cancelledBy(actions, index, {
    Code: 'TransactionConflict',
    Message: 'Transaction is ongoing for the item',
  });
}

/** A transaction that was throttled at one of its items. */
export function cancelledByThrottling(actions: number, index = 0): TransactionCanceledException {
  return cancelledBy(actions, index, {
    Code: 'ThrottlingError',
    Message:
      'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.',
  });
}

function cancelledBy(actions: number, index: number, reason: CancellationReason) {
  return transactionCancelled(
    Array.from({ length: actions }, (_, at) => (at === index ? reason : { Code: 'None' })),
  );
}

/** A single write met a transaction on its item. */
export function transactionConflict(): TransactionConflictException {
  return new TransactionConflictException({
    message: 'Transaction is ongoing for the item',
    $metadata: refused,
  });
}

/** The same token is still at work. */
export function transactionInProgress(): TransactionInProgressException {
  return new TransactionInProgressException({
    Message: 'Transaction with this client token is in progress',
    message: 'Transaction with this client token is in progress',
    $metadata: refused,
  });
}

export function throttled(): ThrottlingException {
  return new ThrottlingException({
    message: 'Rate of requests exceeds the allowed throughput.',
    $metadata: refused,
  });
}

export function throughputExceeded(): ProvisionedThroughputExceededException {
  return new ProvisionedThroughputExceededException({
    message:
      'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.',
    $metadata: refused,
  });
}

/** DynamoDB failed; whether it did what was asked is not known. */
export function internalError(): InternalServerError {
  return new InternalServerError({ message: 'Internal server error', $metadata: failed });
}

/** The connection broke: what was asked may have been done or not. As Node and the SDK say it. */
export function connectionLost(): Error {
  return Object.assign(new Error('socket hang up'), {
    code: 'ECONNRESET',
    $metadata: { attempts: 1, totalRetryDelay: 0 },
  });
}

export function isValidation(error: unknown): error is DynamoDBServiceException {
  return error instanceof DynamoDBServiceException && error.name === 'ValidationException';
}
