/** All mutants of the simulation, in the order of their ids. */
import { bookMutants } from './book.ts';
import { brokerMutants } from './broker.ts';
import { marketMutants } from './market.ts';
import type { SimulationMutant } from './mutant.ts';
import { reconcileMutants } from './reconcile.ts';
import { sendingMutants } from './sending.ts';

export const simulationMutants: readonly SimulationMutant[] = [
  ...brokerMutants,
  ...bookMutants,
  ...sendingMutants,
  ...reconcileMutants,
  ...marketMutants,
];
