import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simulationMutants } from '../../simulation/mutants/list.ts';
import { mutated } from '../../simulation/mutants/mutant.ts';

const sourceOf = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

describe('the mutants of the simulation', () => {
  it.each(simulationMutants.map((mutant) => [mutant.id, mutant] as const))(
    '%s is a change of one place in lib/ or streamer/',
    (_id, mutant) => {
      expect(mutant.file).toMatch(/^(lib|streamer)\/.+\.ts$/);
      const source = sourceOf(mutant.file);
      expect(mutated(mutant, source)).not.toBe(source);
    },
  );

  it('have ids that say their place in the list', () => {
    const ids = simulationMutants.map((_, index) => `M${String(index + 1).padStart(2, '0')}`);
    expect(simulationMutants.map(({ id }) => id)).toEqual(ids);
  });

  it('break each of the twelve rules, and repeat at least ten findings of the seeds', () => {
    const rules = new Set(simulationMutants.map(({ rule }) => rule));
    expect([...rules].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const findings = simulationMutants.flatMap(({ finding }) => finding ?? []);
    for (const finding of findings) expect(finding).toMatch(/^D(1\.([1-9]|1[0-4])|2\.[a-k]|3|4)$/);
    expect(new Set(findings).size).toBeGreaterThanOrEqual(10);
  });

  it('name invariants that may notice them, and how somebody comes to write them', () => {
    for (const { expected, why } of simulationMutants) {
      expect(expected.length).toBeGreaterThan(0);
      expect(why.length).toBeGreaterThan(20);
    }
  });
});
