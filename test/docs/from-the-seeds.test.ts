import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/events/catalogue.ts';
import { codeIn, type SeedRow, seedRows } from '../helpers/seed-map.ts';
import { plainName, seedNames } from '../helpers/seed-names.ts';
import { gather, isReserved, missing } from '../helpers/seed-targets.ts';
import { sharedDataDir } from '../helpers/shared-data.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/from-the-seeds.md'), 'utf8');
const rows = seedRows(page);

/** What is wrong with rows, each complaint with line and label, so that a failure reads like a list of work. */
function complaints(check: (row: SeedRow) => readonly string[]): string[] {
  return rows.flatMap((row) =>
    check(row).map((what) => `docs/from-the-seeds.md:${row.line} ${row.label}: ${what}`),
  );
}

describe('docs/from-the-seeds.md', () => {
  it('has rows for each of the five seeds', () => {
    expect([...new Set(rows.map((row) => row.seed))]).toEqual(['000', '001', '002', '003', '004']);
    expect(rows.length).toBeGreaterThan(300);
  });

  it('gives every row a name, a kind, a state, a place and, where something went, the reason', () => {
    const wrong = complaints(({ label, kind, state, place, note }) => {
      const found: string[] = [];
      if (label === '' || kind === '') found.push('no name or no kind');
      if (!['built', 'gone'].includes(state)) found.push(`state ${state} is neither built nor gone`);
      if (state === 'gone' && (place !== '—' || note.length < 10))
        found.push('gone needs — as place and a reason');
      if (state === 'built' && codeIn(place).length === 0)
        found.push('built needs a target between backticks');
      return found;
    });
    expect(wrong).toEqual([]);
  });

  it('names nothing twice for one seed', () => {
    const seen = new Set<string>();
    const wrong = complaints(({ seed, label }) => {
      const key = `${seed} ${label}`;
      const again = seen.has(key);
      seen.add(key);
      return again ? ['a second row of this name'] : [];
    });
    expect(wrong).toEqual([]);
  });

  it('refers to rows that exist where it says "See `name`"', () => {
    const labels = new Set(rows.flatMap((row) => row.names));
    const wrong = complaints(({ note }) =>
      [...note.matchAll(/[Ss]ee `([^`]+)`/g)]
        .filter((match) => !labels.has(match[1] ?? ''))
        .map((match) => match[0]),
    );
    expect(wrong).toEqual([]);
  });
});

describe('what the page calls built', () => {
  const known = gather(root);

  it('exists', () => {
    const wrong = complaints(({ state, place }) =>
      (state === 'built' ? codeIn(place) : []).flatMap((target) => {
        const why = missing(target, known);
        return why === undefined ? [] : [`\`${target}\`: ${why}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('is not an event whose name is only reserved, unless the note says so', () => {
    const wrong = complaints(({ place, note }) =>
      codeIn(place)
        .filter((target) => target.startsWith('event:') && isReserved(target.slice('event:'.length)))
        .filter(() => !/\breserved\b/i.test(note))
        .map((target) => `${target} is only a reserved name`),
    );
    expect(wrong).toEqual([]);
  });

  it('agrees with the event catalogue about the names of the seeds', () => {
    for (const [event, { seedNames: names }] of Object.entries(catalogue)) {
      for (const name of names) {
        const row = rows.find((candidate) => candidate.names.includes(name));
        expect(codeIn(row?.place ?? ''), `${name} on the page`).toContain(`event:${event}`);
      }
    }
  });

  it.each([
    ['lib/domain/nowhere.ts', 'no such file'],
    ['lib/domain/market/candle.ts#nobodyWroteThis', 'does not mention'],
    ['event:tick.invented', 'no such event'],
    ['command:invented', 'no such script'],
    ['env:INVENTED', 'no such variable'],
    ['config:marketData.invented', 'no such key'],
    ['config:streamers.gateway.invented', 'no such key'],
    ['scenario:S999', 'no test'],
  ])('would be found missing: %s', (target, why) => {
    expect(missing(target, known)).toContain(why);
  });
});

describe('the reader of the tables', () => {
  const table = '## Seed 000\n\n| Seed name | Kind | State | Place | Note |\n|---|---|---|---|---|\n';

  it('keeps an escaped bar within its cell', () => {
    expect(seedRows(`${table}| \`f(a\\|b)\` | k | gone | — | note |\n`)).toMatchObject([
      { names: ['f(a|b)'], line: 5 },
    ]);
  });

  it('refuses a row with a cell too many, and a table without its header', () => {
    expect(() => seedRows(`${table}| \`f(a|b)\` | k | gone | — | note |\n`)).toThrow('line 5: 6 cells');
    expect(() => seedRows('## Seed 000\n| a | b | c | d | e |\n')).toThrow('line 2');
  });
});

describe('the finder of names', () => {
  it('finds names by their form', () => {
    const text = [
      'Uses `reqMktData()` and TickBuffer from src/tick_buffer.py; run `./x.sh --fast`, set SAFE_MODE, not this prose.',
      '```yaml',
      'broker:',
      '  port: 7497',
      '```',
      '```sql',
      'CREATE TABLE bars (',
      '    close REAL NOT NULL',
      ');',
      '```',
    ].join('\n');
    for (const name of [
      'reqMktData',
      'TickBuffer',
      'src/tick_buffer.py',
      'x.sh --fast',
      'SAFE_MODE',
      'port',
      'bars',
      'close',
    ]) {
      expect(seedNames(text)).toContain(name);
    }
    expect(seedNames(text)).not.toContain('prose');
  });
});

const seedsDir = sharedDataDir === undefined ? undefined : join(sharedDataDir, '../seeds');
const present = seedsDir !== undefined && existsSync(seedsDir);

describe.skipIf(!present)('completeness (needs the seed documents in ../shared/seeds)', () => {
  it.each(['000', '001', '002', '003', '004'])(
    'seed %s: every name of the document is on the page',
    (seed) => {
      const folder = seedsDir ?? '';
      const file = readdirSync(folder).find((name) => name.startsWith(`${seed}_`));
      expect(file, `a document ${seed}_*.txt in ../shared/seeds`).toBeDefined();
      const names = seedNames(readFileSync(join(folder, file ?? ''), 'utf8'));
      expect(names.length).toBeGreaterThan(20);
      const covered = new Set(
        rows.filter((row) => row.seed === seed).flatMap((row) => row.names.flatMap(spellings)),
      );
      expect(names.filter((name) => !covered.has(name))).toEqual([]);
    },
  );
});

/** A name on the page also stands for its parts: the file and folders of a path, the keys of a dotted key. */
function spellings(name: string): string[] {
  const plain = plainName(name);
  const found = [plain];
  if (/^[\w./-]+$/.test(plain) && plain.includes('/')) {
    const folders = plain.split('/');
    found.push(...folders, ...folders.map((_, index) => folders.slice(0, index + 1).join('/')));
  }
  if (/^[a-z_]+(?:\.[a-z_]+)+$/.test(plain)) found.push(...plain.split('.'));
  return found;
}
