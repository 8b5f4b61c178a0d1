import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

const frame = /(file:\/\/[^\s():]+|\/[^\s():]+):(\d+):(\d+)/g;

/**
 * An error's stack with the lines of the sources where the program is a bundle with a map beside it. The map is read
 * only now: Node's own `--enable-source-maps` reads it at the start and keeps it, which is 90 MiB of memory for a program
 * that is not meant to fail. A stack that cannot be mapped stays as it is.
 */
export function readableStack(error: Error): string {
  const stack = error.stack ?? error.message;
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replaceAll(frame, (place, file: string, line: string, column: string) => {
    if (!maps.has(file)) maps.set(file, mapOf(file));
    const entry = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !('originalSource' in entry)) return place;
    return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function mapOf(file: string): SourceMap | undefined {
  try {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    return new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')) as SourceMapPayload);
  } catch {
    return undefined;
  }
}
