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
 * - `signal`: a process is killed (SIGKILL) `when` the request is not yet, or already, carried out; no answer comes
 */
export type FaultKind =
  | 'throttling'
  | 'conflict'
  | 'internal'
  | 'timeout'
  | 'lost-answer'
  | 'slow'
  | 'partial'
  | 'signal';

export interface Fault {
  readonly service: Service;
  /** Operation name, for example `PutItem`; every operation of the service when left out. */
  readonly operation?: string;
  readonly kind: FaultKind;
  /** Only requests of the role with this logical id; requests of the local cloud itself have none. */
  readonly caller?: string;
  /** How many requests that match pass before it hits the first; none when left out. */
  readonly after?: number;
  /** How many requests it hits; without it, until it is cleared. A `signal` hits one. */
  readonly count?: number;
  /** 0..1; 1 when left out. */
  readonly probability?: number;
  readonly delayMs?: number;
  /** For `partial`. */
  readonly entries?: readonly number[];
  /** For `signal`: whom to kill; the caller's own process when left out (a function that runs as a process). */
  readonly pid?: () => number | undefined;
  /** For `signal`: before the request is carried out (the default), or after it and before the answer. */
  readonly when?: 'before' | 'after';
}

/** A request that faults are looked up for. */
export interface FaultRequest {
  readonly service: Service;
  readonly operation: string;
  /** The access key id, when it came from outside. */
  readonly caller?: string;
  /** The process that sent it, when it is known. */
  readonly callerPid?: () => number | undefined;
}

/** What is left to do for a fault that let the request through. */
export interface FaultEffect {
  readonly cutAnswer: boolean;
  readonly failEntries: readonly number[];
  /** To be called once the request was carried out. */
  readonly afterwards?: () => void;
}

const NONE: FaultEffect = { cutAnswer: false, failEntries: [] };

/** The connection is to be cut without an answer. */
export class CutConnection extends Error {
  override readonly name = 'CutConnection';
}

interface ActiveFault {
  readonly fault: Fault;
  /** Matching requests that still pass. */
  toPass: number;
  left: number;
}

/** Faults switched on for tests and demonstrations. Probability uses `random`, which tests may seed. */
export class Faults {
  #active: ActiveFault[] = [];
  readonly #random: () => number;
  /** Requests that were hit. */
  injected = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  add(fault: Fault): void {
    const endless = fault.kind === 'signal' ? 1 : Number.POSITIVE_INFINITY;
    this.#active.push({ fault, toPass: fault.after ?? 0, left: fault.count ?? endless });
  }

  clear(): void {
    this.#active = [];
  }

  /** Throws what the caller is to see, or says what to do after the request was carried out. */
  async apply(request: FaultRequest): Promise<FaultEffect> {
    if (this.#active.length === 0) return NONE;
    const hit = this.#pick(request);
    if (hit === undefined) return NONE;
    hit.left -= 1;
    if (hit.left <= 0) this.#active = this.#active.filter((a) => a !== hit);
    this.injected += 1;
    return act(hit.fault, request);
  }

  /** Every fault counts every request that matches it; the first whose turn it is hits. */
  #pick({ service, operation, caller }: FaultRequest): ActiveFault | undefined {
    let hit: ActiveFault | undefined;
    for (const active of this.#active) {
      const { fault } = active;
      if (fault.service !== service) continue;
      if (fault.operation !== undefined && fault.operation !== operation) continue;
      if (fault.caller !== undefined && fault.caller !== caller) continue;
      if (active.toPass > 0) {
        active.toPass -= 1;
        continue;
      }
      if (hit !== undefined) continue;
      if (fault.probability === undefined || this.#random() < fault.probability) hit = active;
    }
    return hit;
  }
}

async function act(fault: Fault, request: FaultRequest): Promise<FaultEffect> {
  const { service, kind, delayMs = 0 } = fault;
  const { operation } = request;
  switch (kind) {
    case 'throttling':
      if (service === 'lambda')
        throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.', 429, {
          Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
        });
      if (service === 's3') throw new ServiceError('SlowDown', 'Please reduce your request rate.', 503);
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
    case 'signal': {
      const pid = (fault.pid ?? request.callerPid)?.();
      if (pid === undefined)
        throw new ServiceError(
          'InternalFailure',
          'A fault of the kind signal found no process to kill: give its pid, or start the cloud with functionProcesses',
          500,
        );
      if (fault.when === 'after') return { cutAnswer: true, failEntries: [], afterwards: () => kill(pid) };
      kill(pid);
      throw new CutConnection('the caller was killed before its request was carried out');
    }
  }
}

/** One that is gone already has what it was to get. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
