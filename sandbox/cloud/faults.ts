import { setTimeout as sleep } from 'node:timers/promises';
import { type Service, ServiceError } from './aws-errors.ts';

/**
 * - `throttling`: the service answers that the rate is exceeded
 * - `conflict`: DynamoDB answers that another transaction is at work on the item
 * - `internal`: the service answers an internal error (500)
 * - `timeout`: nothing is done and no answer comes; the connection is cut after `delayMs`
 * - `lost-answer`: the request is carried out, the connection is cut before the answer
 * - `slow`: the request is carried out `delayMs` later
 * - `partial`: PutEvents fails for the entries with the given indexes, the others are accepted
 */
export type FaultKind =
  | 'throttling'
  | 'conflict'
  | 'internal'
  | 'timeout'
  | 'lost-answer'
  | 'slow'
  | 'partial';

export interface Fault {
  readonly service: Service;
  /** Operation name, for example `PutItem`; every operation of the service when left out. */
  readonly operation?: string;
  readonly kind: FaultKind;
  /** How many requests it hits; without it, until it is cleared. */
  readonly count?: number;
  /** 0..1; 1 when left out. */
  readonly probability?: number;
  readonly delayMs?: number;
  /** For `partial`. */
  readonly entries?: readonly number[];
}

/** What is left to do for a fault that let the request through. */
export interface FaultEffect {
  readonly cutAnswer: boolean;
  readonly failEntries: readonly number[];
}

const NONE: FaultEffect = { cutAnswer: false, failEntries: [] };

/** The connection is to be cut without an answer. */
export class CutConnection extends Error {
  override readonly name = 'CutConnection';
}

/** Faults switched on for tests and demonstrations. Probability uses `random`, which tests may seed. */
export class Faults {
  #active: { fault: Fault; left: number }[] = [];
  readonly #random: () => number;
  /** Requests that were hit. */
  injected = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  add(fault: Fault): void {
    this.#active.push({ fault, left: fault.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#active = [];
  }

  /** Throws what the caller is to see, or says what to do after the request was carried out. */
  async apply(service: Service, operation: string): Promise<FaultEffect> {
    if (this.#active.length === 0) return NONE;
    const hit = this.#active.find(
      ({ fault, left }) =>
        left > 0 &&
        fault.service === service &&
        (fault.operation === undefined || fault.operation === operation) &&
        (fault.probability === undefined || this.#random() < fault.probability),
    );
    if (hit === undefined) return NONE;
    hit.left -= 1;
    if (hit.left <= 0) this.#active = this.#active.filter((a) => a !== hit);
    this.injected += 1;
    return act(hit.fault, operation);
  }
}

async function act(fault: Fault, operation: string): Promise<FaultEffect> {
  const { service, kind, delayMs = 0 } = fault;
  switch (kind) {
    case 'throttling':
      if (service === 'lambda')
        throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.', 429, {
          Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
        });
      throw new ServiceError('ThrottlingException', 'Rate exceeded');
    case 'conflict':
      if (operation === 'TransactWriteItems') {
        throw new ServiceError(
          'TransactionCanceledException',
          'Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]',
          400,
          {
            CancellationReasons: [
              { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' },
            ],
          },
        );
      }
      throw new ServiceError('TransactionConflictException', 'Transaction is ongoing for the item');
    case 'internal':
      throw new ServiceError(
        service === 'dynamodb' ? 'InternalServerError' : 'InternalFailure',
        'Internal server error',
        500,
      );
    case 'timeout':
      await sleep(delayMs, undefined, { ref: false });
      throw new CutConnection('injected time-out');
    case 'slow':
      await sleep(delayMs, undefined, { ref: false });
      return NONE;
    case 'lost-answer':
      return { cutAnswer: true, failEntries: [] };
    case 'partial':
      return { cutAnswer: false, failEntries: fault.entries ?? [0] };
  }
}
