/** The AWS endpoint, for everybody and every service at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from '../../../sandbox/cloud/aws-errors.ts';
import type { Fault } from '../../../sandbox/cloud/faults.ts';
import { untilTrading } from '../recovery.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Experiment } from '../trial.ts';

const services: readonly Service[] = [
  'dynamodb',
  'sqs',
  'events',
  'lambda',
  'sns',
  's3',
  'secretsmanager',
  'sts',
];
const forMs = 10_000;

type Trouble = Pick<Fault, 'kind' | 'probability' | 'delayMs'>;

export function trouble(sandbox: Sandbox, fault: Trouble): void {
  for (const service of fault.kind === 'conflict' ? services.slice(0, 1) : services)
    sandbox.addFault({
      service,
      ...fault,
      ...(fault.kind === 'conflict' ? { operation: 'TransactWriteItems' } : {}),
    });
}

interface Cloud {
  readonly name: string;
  readonly does: string;
  readonly fault: Trouble;
}

const clouds: readonly Cloud[] = [
  {
    name: 'cloud-throttling',
    does: 'Two of three requests to any service are throttled',
    fault: { kind: 'throttling', probability: 0.66 },
  },
  {
    name: 'cloud-conflict',
    does: 'Half of all transactions meet another one',
    fault: { kind: 'conflict', probability: 0.5 },
  },
  {
    name: 'cloud-internal',
    does: 'Every request to any service is answered 500',
    fault: { kind: 'internal' },
  },
  {
    name: 'cloud-lost-answer',
    does: 'Half of all requests are carried out and not answered',
    fault: { kind: 'lost-answer', probability: 0.5 },
  },
  {
    name: 'cloud-slow',
    does: 'Every answer of any service comes 700 ms late',
    fault: { kind: 'slow', delayMs: 700 },
  },
];

function spoil({ name, does, fault }: Cloud): Experiment {
  return {
    name,
    does: `${does}, for ${forMs / 1_000} s.`,
    expects:
      'Events wait in the outbox and come in order; no order twice; what was locked is open again within 60 s, after a person where a run failed.',
    boundMs: 300_000,
    run: async (sandbox, trial) => {
      const { watch, desk } = sandbox;
      const { token } = watch.now;
      const before = desk.cloud.stats().faultsInjected;
      trouble(sandbox, fault);
      await sleep(forMs);
      desk.cloud.faults.clear();
      trial.note('requests hit', String(desk.cloud.stats().faultsInjected - before));
      trial.note('terms of the lease lost', String(watch.now.token - token));
      await untilTrading(sandbox, trial, 90_000);
    },
  };
}

export const cloudTroubles: readonly Experiment[] = clouds.map(spoil);
