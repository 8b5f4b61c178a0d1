/** Stands in for vitest while mutants run: collects the tests of a file as plain functions, to be called in any order. */
export { expect } from 'vitest';

export interface Collected {
  readonly title: string;
  readonly run: () => unknown;
}

export const tests: Collected[] = [];

export function describe(_title: string, body: () => void): void {
  body();
}

export function it(title: string, run: () => unknown): void {
  tests.push({ title, run });
}

/** Rows are arrays of arguments, or one argument each. */
function each(call: (title: string, run: () => unknown) => void) {
  return (rows: readonly unknown[]) =>
    (title: string, run: (...row: unknown[]) => unknown): void => {
      rows.forEach((row, index) => {
        const args = Array.isArray(row) ? row : [row];
        call(`${title} #${index + 1}`, () => run(...args));
      });
    };
}

describe.each = each(describe);
it.each = each(it);
