import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeFolder } from '../../sandbox/desk/folder.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-folder-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("the sandbox's data folder", () => {
  it('--fresh deletes what a sandbox has made, and nothing that a person keeps there', () => {
    for (const name of ['cloud', 'logs', 'thesis']) mkdirSync(join(dir, name));
    for (const name of ['streamer.db', 'streamer.db-wal', 'thesis/chapter.txt', 'day.csv']) {
      writeFileSync(join(dir, name), 'x');
    }
    takeFolder(dir, true).release();
    expect(
      ['cloud', 'logs', 'streamer.db', 'streamer.db-wal'].filter((name) => existsSync(join(dir, name))),
    ).toEqual([]);
    expect(['thesis/chapter.txt', 'day.csv'].filter((name) => existsSync(join(dir, name)))).toHaveLength(2);
  });

  it('belongs to one sandbox at a time: a second one is refused before it deletes anything', () => {
    const first = takeFolder(dir, false);
    writeFileSync(join(dir, 'streamer.db'), 'x');
    expect(() => takeFolder(dir, true)).toThrow(/Another sandbox runs in the data folder .* --data DIR/);
    expect(existsSync(join(dir, 'streamer.db'))).toBe(true);
    first.release();
    takeFolder(dir, true).release();
    expect(existsSync(join(dir, 'streamer.db'))).toBe(false);
  });

  it('a path that is no folder is a clear error', () => {
    const file = join(dir, 'file');
    writeFileSync(file, 'x');
    expect(() => takeFolder(file, false)).toThrow(/cannot be used .* --data DIR/);
  });
});
