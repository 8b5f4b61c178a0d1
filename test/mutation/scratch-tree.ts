/** A copy of the tree in which one file at a time is wrong. The tree itself is never touched. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** What is made of the sources, or is large, or is nobody's business. */
const left = new Set(['.git', '.evenkeel', 'node_modules', 'dist', 'cdk.out', 'coverage', '.vitest']);

export class ScratchTree {
  readonly folder = mkdtempSync(join(tmpdir(), 'evenkeel-mutants-'));

  constructor() {
    cpSync(root, this.folder, {
      recursive: true,
      filter: (source) => !left.has(relative(root, source).split(sep)[0] ?? ''),
    });
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'), 'dir');
  }

  /** What `work` finds while the file says what `change` makes of it. */
  async with<T>(file: string, change: (source: string) => string, work: () => Promise<T>): Promise<T> {
    const path = join(this.folder, file);
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, change(before));
    try {
      return await work();
    } finally {
      writeFileSync(path, before);
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
