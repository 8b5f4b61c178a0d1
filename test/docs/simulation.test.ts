/** docs/simulation.md names every invariant in its own words. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { invariants } from '../simulation/invariants/names.ts';

it('the page on the simulation lists what is checked', () => {
  const page = readFileSync(new URL('../../docs/simulation.md', import.meta.url), 'utf8');
  const [, table = ''] = /<!-- invariants -->\n([^]*?)<!-- \/invariants -->/.exec(page) ?? [];
  const rows = table.trim().split('\n').slice(2);
  expect(rows).toEqual(Object.entries(invariants).map(([name, what]) => `| \`${name}\` | ${what} |`));
});
