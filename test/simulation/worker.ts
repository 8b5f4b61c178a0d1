/** A process that simulates the seeds that it is sent, one after the other. */
import './world/sync-zlib.ts';
import type { SimulationOptions, SimulationResult } from './simulate.ts';

/** The whole history is told of what failed alone. */
export type Told = Omit<SimulationResult, 'trace'> & { readonly trace: readonly string[] | null };

const { simulate } = await import('./simulate.ts');
process.once('disconnect', () => process.exit());
process.on('message', ({ only, ...options }: SentOptions) => {
  void simulate({ ...options, ...(only && { only: new Set(only) }) }).then((result) => {
    const told: Told = { ...result, trace: result.violations.length > 0 ? result.trace : null };
    process.send?.(told);
  });
});

export type SentOptions = Omit<SimulationOptions, 'only'> & { readonly only?: readonly number[] };
