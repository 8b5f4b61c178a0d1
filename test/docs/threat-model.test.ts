import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');
const rows = [...page.matchAll(/^\| (T\d+) \| (.+) \|$/gm)].map(([, no = '', cells = '']) => ({
  no,
  cells: cells.split(' | '),
}));

/** Whether the file has a test, or a case of one, of that title. */
function hasTest(file: string, title: string): boolean {
  if (!existsSync(join(root, file))) return false;
  const quoted = title.replaceAll("'", "\\'");
  const source = readFileSync(join(root, file), 'utf8');
  return ['"', "'", '`'].some(
    (quote) => source.includes(`${quote}${title}`) || source.includes(`${quote}${quoted}`),
  );
}

describe('docs/threat-model.md', () => {
  it('numbers its threats one after the other', () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.map(({ no }) => no)).toEqual(
      rows.map((_, index) => `T${String(index + 1).padStart(2, '0')}`),
    );
  });

  it.each(rows)('$no has an answer, and a test that exists', ({ cells }) => {
    expect(cells.filter((cell) => cell.trim() === '')).toEqual([]);
    expect(cells).toHaveLength(3);
    const proofs = [...cells[2]!.matchAll(/`([^`]+)`: “([^”]+)”/g)];
    expect(proofs.length).toBeGreaterThan(0);
    expect(proofs.map(([proof]) => proof).join('; ')).toBe(cells[2]);
    expect(
      proofs.filter(([, file = '', title = '']) => !hasTest(file, title)).map(([proof]) => proof),
    ).toEqual([]);
  });

  it('would not be content with a test that is not there', () => {
    expect(hasTest('test/docs/threat-model.test.ts', 'numbers its threats one after the other')).toBe(true);
    expect(hasTest('test/docs/threat-model.test.ts', ['there is', 'no such title'].join(' '))).toBe(false);
    expect(hasTest('test/docs/nowhere.test.ts', 'numbers')).toBe(false);
  });

  it('is the one place with threats', () => {
    expect(readFileSync(join(root, 'docs/security.md'), 'utf8')).not.toMatch(/^## Threats/m);
  });
});
