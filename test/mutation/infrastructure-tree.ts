/** What the tests say of a mutant in a copy of the tree. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import type { InfrastructureMutant } from './infrastructure-mutants.ts';
import { root, ScratchTree } from './scratch-tree.ts';

export interface Failure {
  /** The test's file, from the root. */
  readonly file: string;
  /** Title of the test alone; empty where the file could not even be loaded. */
  readonly title: string;
  readonly message: string;
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

export class MutableTree extends ScratchTree {
  /** What fails of these files while the mutant is in the copy. */
  async failuresWith(mutant: InfrastructureMutant, files: readonly string[]): Promise<readonly Failure[]> {
    return this.with(
      pathOf(mutant),
      (source) => mutated(mutant, source),
      () => this.failures(files),
    );
  }

  /** What fails of these files in the copy as it is. */
  async failures(files: readonly string[]): Promise<readonly Failure[]> {
    const report = join(this.folder, 'report.json');
    rmSync(report, { force: true });
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const args = [vitest, 'run', ...files, '--reporter=json', `--outputFile=${report}`];
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CI: 'true' },
    });
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    let told: Report;
    try {
      told = JSON.parse(readFileSync(report, 'utf8')) as Report;
    } catch {
      throw new Error(`vitest made no report of ${files.join(', ')}: ${stderr.slice(-2_000)}`);
    }
    return told.testResults.flatMap(({ name, status, message, assertionResults }) => {
      const file = relative(this.folder, name);
      const failed = assertionResults
        .filter((one) => one.status === 'failed')
        .map(({ title, failureMessages }) => ({ file, title, message: failureMessages?.join('\n') ?? '' }));
      return status === 'failed' && failed.length === 0 ? [{ file, title: '', message }] : failed;
    });
  }
}

export function pathOf({ file }: InfrastructureMutant): string {
  return `lib/stacks/${file}.ts`;
}

/** The file with the mistake in it. Throws where the place is not there, or not only once: the list is out of date. */
export function mutated(mutant: InfrastructureMutant, source: string): string {
  const [before, after, ...more] = source.split(mutant.find);
  if (before === undefined || after === undefined || more.length > 0) {
    const count = source.split(mutant.find).length - 1;
    throw new Error(
      `The mutant "${mutant.name}" finds its place ${count} times in ${pathOf(mutant)}; correct infrastructure-mutants.ts.`,
    );
  }
  return `${before}${mutant.replace}${after}`;
}
