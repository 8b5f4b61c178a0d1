/**
 * Mutation testing of the infrastructure: deliberate mistakes in lib/stacks, one by one, in a copy of the tree. The test
 * that the list names has to fail, or cdk-nag has to stop the synth.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type InfrastructureMutant, infrastructureMutants, testOf } from './infrastructure-mutants.ts';
import { mutantsTable, withTable } from './infrastructure-report.ts';
import { type Failure, MutableTree } from './infrastructure-tree.ts';

const usage = `Usage: npm run mutate:infrastructure -- [options]

Options
  --only TEXT[,TEXT]  mutants whose name has one of these texts
  --workers N         at the same time, each with a copy of the tree (default 1)
  --write             write the list into docs/infrastructure-tests.md, when all are caught
  --help              show this

Exit code: 1 when one is not caught by the test, or the rule of cdk-nag, that test/mutation/infrastructure-mutants.ts names.
`;

/** Loads the template of one stage: enough to see whether a stage can be synthesised. */
const anyTemplate = 'test/infrastructure/schedules.test.ts';
const page = fileURLToPath(new URL('../../docs/infrastructure-tests.md', import.meta.url));

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      workers: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const wanted = values.only.split(',');
  const chosen = infrastructureMutants.filter(({ name }) => wanted.some((text) => name.includes(text)));
  const trees = Array.from({ length: Number(values.workers) }, () => new MutableTree());
  try {
    await baseline(trees[0]!, chosen);
    const queue = [...chosen];
    const missed: InfrastructureMutant[] = [];
    const work = async (tree: MutableTree) => {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const startMs = performance.now();
        const failures = await tree.failuresWith(mutant, [fileOf(mutant)]);
        const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
        const caught = isCaught(mutant, failures);
        if (!caught) missed.push(mutant);
        process.stdout.write(`${caught ? 'caught' : 'MISSED'}  ${seconds.padStart(5)} s  ${mutant.name}\n`);
        process.stdout.write(`                 ${mutant.caughtBy}\n`);
        if (!caught) process.stdout.write(`${otherwise(failures)}\n`);
      }
    };
    await Promise.all(trees.map(work));
    process.stdout.write(`${chosen.length - missed.length} of ${chosen.length} caught\n`);
    if (missed.length > 0) return 1;
    if (values.write) writeFileSync(page, withTable(readFileSync(page, 'utf8'), mutantsTable()));
    return 0;
  } finally {
    for (const tree of trees) tree.remove();
  }
}

/** Without a mistake nothing may fail: else every mutant would seem to be caught. */
async function baseline(tree: MutableTree, chosen: readonly InfrastructureMutant[]): Promise<void> {
  const failures = await tree.failures([...new Set(chosen.map(fileOf))]);
  if (failures.length > 0) throw new Error(`Tests fail without any mutant:\n${otherwise(failures)}`);
}

function fileOf(mutant: InfrastructureMutant): string {
  return testOf(mutant)?.file ?? anyTemplate;
}

function isCaught(mutant: InfrastructureMutant, failures: readonly Failure[]): boolean {
  const test = testOf(mutant);
  if (test === undefined) {
    const rule = mutant.caughtBy.replace('cdk-nag: ', '');
    return failures.some(({ title, message }) => title === '' && message.includes(rule));
  }
  // Titles of tests in rows have the row's values in the place of `%s`.
  const plain = test.title
    .split(/%[sij]/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  const title = new RegExp(`^${plain.join('.*')}$`, 's');
  return failures.some((one) => one.file === test.file && title.test(one.title));
}

function otherwise(failures: readonly Failure[]): string {
  if (failures.length === 0) return '    nothing fails';
  return failures
    .map(
      ({ file, title, message }) => `    ${file}: ${title || `cannot be loaded: ${message.slice(-1_500)}`}`,
    )
    .join('\n');
}

process.exitCode = await main();
