import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const hooks = fileURLToPath(new URL('../../.githooks', import.meta.url));

/** git sees neither the developer's own configuration nor the checkout that the tests run in. */
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
const env = { ...clean, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel hooks '));
  cpSync(hooks, join(folder, '.githooks'), { recursive: true });
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...identity, ...args], { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' });
}

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

describe('installing the hooks', () => {
  function install(at = folder): { status: number | null; stdout: string } {
    return spawnSync(process.execPath, [join(at, '.githooks/install.mjs')], {
      cwd: at,
      env,
      encoding: 'utf8',
    });
  }

  it('points a checkout at them, and says nothing the second time either', () => {
    git('init', '--quiet');
    for (let run = 0; run < 2; run++) expect(install()).toMatchObject({ status: 0, stdout: '' });
    expect(git('config', 'core.hooksPath').trim()).toBe('.githooks');
  });

  it('leaves the hooks of a developer alone', () => {
    git('init', '--quiet');
    git('config', 'core.hooksPath', 'my-hooks');
    const { status, stdout } = install();
    expect(status).toBe(0);
    expect(stdout).toContain('core.hooksPath is my-hooks and stays so');
    expect(git('config', 'core.hooksPath').trim()).toBe('my-hooks');
  });

  it('does not fail outside a checkout', () => {
    const { status, stdout } = install();
    expect(status).toBe(0);
    expect(stdout).toContain('not a git checkout of its own');
  });

  it('does not fail without git', () => {
    const script = join(folder, '.githooks/install.mjs');
    const run = spawnSync(process.execPath, [script], {
      cwd: folder,
      env: { ...env, PATH: '' },
      encoding: 'utf8',
    });
    expect(run.status).toBe(0);
    expect(run.stdout).toContain('not a git checkout of its own');
  });

  it('does not change the checkout that an unpacked archive lies in', () => {
    git('init', '--quiet');
    const inner = join(folder, 'vendor/evenkeel');
    cpSync(hooks, join(inner, '.githooks'), { recursive: true });
    expect(install(inner)).toMatchObject({ status: 0 });
    expect(() => git('config', 'core.hooksPath')).toThrow();
  });
});

describe('the pre-commit hook', () => {
  /** Stands in for a tool: notes its arguments, one a line, and ends with the status of the file `<name>.status`. */
  function tool(name: string): void {
    const path = join(folder, 'node_modules/.bin', name);
    const record = `for word in "$@"; do printf '%s\\n' "$word" >> "${folder}/${name}.args"; done`;
    write(
      `node_modules/.bin/${name}`,
      `#!/bin/sh\n${record}\nexit $(cat "${folder}/${name}.status" 2>/dev/null || echo 0)\n`,
    );
    chmodSync(path, 0o755);
  }

  function argumentsOf(name: string): string[] {
    const run = spawnSync('cat', [join(folder, `${name}.args`)], { encoding: 'utf8' });
    return run.stdout.split('\n').filter((line) => line !== '');
  }

  function commit(...options: string[]): { status: number | null; stderr: string } {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'commit.gpgsign=false'];
    return spawnSync('git', [...identity, 'commit', '--quiet', '-m', 'x', ...options], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
  }

  beforeEach(() => {
    for (const name of ['biome', 'oxlint', 'tsc']) tool(name);
    git('init', '--quiet');
    git('config', 'core.hooksPath', '.githooks');
  });

  it('checks what is staged, and only that, with names that hold spaces', () => {
    write('lib/a b.ts', 'export const a = 1;\n');
    write('docs/a.md', 'text\n');
    write('lib/not-staged.ts', 'export const b = 1;\n');
    git('add', 'lib/a b.ts', 'docs/a.md');
    expect(commit()).toMatchObject({ status: 0 });
    expect(argumentsOf('biome').slice(-2)).toEqual(['docs/a.md', 'lib/a b.ts']);
    expect(argumentsOf('oxlint')).toEqual(['--type-aware', 'lib/a b.ts']);
    expect(argumentsOf('tsc')).toContain('--noEmit');
  });

  it('asks for no types where no code is staged', () => {
    write('docs/a.md', 'text\n');
    git('add', 'docs/a.md');
    expect(commit()).toMatchObject({ status: 0 });
    expect(argumentsOf('tsc')).toEqual([]);
  });

  it.each([
    ['biome', /Biome found something.*\n.*npx biome check --write/],
    ['oxlint', /oxlint found something.*\n.*promise/],
    ['tsc', /the types do not fit.*\n.*npx tsc --noEmit/],
  ])('stops the commit when %s fails, says what to do, and lets --no-verify pass', (name, words) => {
    write('lib/a.ts', 'export const a = 1;\n');
    write(`${name}.status`, '1');
    git('add', 'lib/a.ts');
    const refused = commit();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(words);
    expect(refused.stderr).toContain('git commit --no-verify');
    expect(() => git('rev-parse', '--verify', 'HEAD')).toThrow();
    expect(commit('--no-verify')).toMatchObject({ status: 0 });
  });

  it('asks for npm ci where the tools are missing', () => {
    rmSync(join(folder, 'node_modules'), { recursive: true });
    write('lib/a.ts', 'export const a = 1;\n');
    git('add', 'lib/a.ts');
    const refused = commit();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('npm ci');
  });

  it('says so when a staged file has changed since', () => {
    write('lib/a.ts', 'export const a = 1;\n');
    git('add', 'lib/a.ts');
    write('lib/a.ts', 'export const a = 2;\n');
    expect(commit().stderr).toContain('the file as it lies here');
  });

  it('lets a commit that only deletes pass', () => {
    write('lib/a.ts', 'export const a = 1;\n');
    git('add', 'lib/a.ts');
    commit();
    git('rm', '--quiet', 'lib/a.ts');
    write('biome.status', '1');
    expect(commit()).toMatchObject({ status: 0 });
  });
});
