/** Stands in for fast-check while mutants run: a few cases of each property, always the same, and no search for the smallest. */
import { workerData } from 'node:worker_threads';
import fc from 'fast-check';
import type { WorkerData } from './worker.ts';

const { propertyRuns } = workerData as WorkerData;

function assert<Ts>(property: fc.IRawProperty<Ts>, parameters: fc.Parameters<Ts> = {}): unknown {
  const { numRuns = propertyRuns } = parameters;
  return fc.assert(property, {
    ...parameters,
    numRuns: Math.min(propertyRuns, numRuns),
    seed: 5,
    endOnFailure: true,
  });
}

export default { ...fc, assert };
