/** Reads the tables of docs/from-the-seeds.md. */

export interface SeedRow {
  /** Number of the seed: `000` to `004`. */
  readonly seed: string;
  /** Line of the page, from 1. */
  readonly line: number;
  /** The first cell as it stands. */
  readonly label: string;
  /** What stands between backticks in the first cell. */
  readonly names: readonly string[];
  readonly kind: string;
  readonly state: string;
  readonly place: string;
  readonly note: string;
}

const header = ['Seed name', 'Kind', 'State', 'Place', 'Note'];

/** Every row of the tables below the headings `## Seed NNN`. Throws on a table or row of another form. */
export function seedRows(markdown: string): SeedRow[] {
  const rows: SeedRow[] = [];
  let seed: string | undefined;
  let inTable = false;
  for (const [index, text] of markdown.split('\n').entries()) {
    const line = index + 1;
    if (text.startsWith('## ')) seed = /^## Seed (\d{3})\b/.exec(text)?.[1];
    if (!text.startsWith('|')) inTable = false;
    if (seed === undefined || !text.startsWith('|')) continue;
    const cells = cellsOf(text);
    if (cells.length !== header.length)
      throw new Error(`line ${line}: ${cells.length} cells, not ${header.length}`);
    if (!inTable) {
      if (cells.join() !== header.join())
        throw new Error(`line ${line}: a table that does not begin with its header`);
      inTable = true;
    } else if (!cells.every((cell) => /^-+$/.test(cell))) {
      const [label = '', kind = '', state = '', place = '', note = ''] = cells;
      rows.push({ seed, line, label, names: codeIn(label), kind, state, place, note });
    }
  }
  return rows;
}

/** The spans between backticks of a cell. */
export function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}

function cellsOf(row: string): string[] {
  const inner = row
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}
