import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { infrastructureMutants, testOf } from '../mutation/infrastructure-mutants.ts';
import { mutantsTable } from '../mutation/infrastructure-report.ts';
import { mutated, pathOf } from '../mutation/infrastructure-tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

describe('mutants of the infrastructure', () => {
  it('are in the documentation, each with who catches it', () => {
    expect(read('docs/infrastructure-tests.md')).toContain(mutantsTable());
  });

  it('have a name each', () => {
    expect(new Set(infrastructureMutants.map(({ name }) => name)).size).toBe(infrastructureMutants.length);
    expect(infrastructureMutants.length).toBeGreaterThan(20);
  });

  it.each(infrastructureMutants)('$name: its place is there once', (mutant) => {
    const source = read(pathOf(mutant));
    expect(mutated(mutant, source)).not.toBe(source);
  });

  it.each(infrastructureMutants.filter((mutant) => testOf(mutant) !== undefined))(
    '$name: the test that catches it is there',
    (mutant) => {
      const { file, title } = testOf(mutant)!;
      expect(existsSync(join(root, file)), file).toBe(true);
      // In quotes, as the whole title of a test.
      expect(read(file)).toMatch(new RegExp(`['"\`]${escaped(title)}['"\`],`));
    },
  );

  it('that cannot be made are refused, not passed over', () => {
    const [mutant] = infrastructureMutants;
    expect(() => mutated({ ...mutant!, find: 'nowhere in it' }, 'text')).toThrow('0 times');
    expect(() => mutated({ ...mutant!, find: 'twice' }, 'twice and twice')).toThrow('2 times');
  });
});

function escaped(title: string): string {
  return title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
