/** The list of mutants as it stands in docs/infrastructure-tests.md. */
import { infrastructureMutants } from './infrastructure-mutants.ts';

const begin = '<!-- mutants: made by `npm run mutate:infrastructure -- --write` -->\n';
const end = '<!-- end of mutants -->\n';

export function mutantsTable(): string {
  const rows = infrastructureMutants.map(
    ({ name, file, caughtBy }) => `| ${name} | \`${file}.ts\` | ${caughtBy.replace('|', '\\|')} |`,
  );
  return ['| mistake | in | caught by |', '|---|---|---|', ...rows, ''].join('\n');
}

export function withTable(text: string, table: string): string {
  const [before, rest = ''] = text.split(begin);
  const [, after] = rest.split(end);
  if (before === undefined || after === undefined) throw new Error('The page has no place for the list.');
  return `${before}${begin}\n${table}\n${end}${after}`;
}
