import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { isEventName, reservedNames } from '../../lib/events/catalogue.ts';
import { readSources } from './source-graph.ts';

/** What a target of docs/from-the-seeds.md may point to, gathered once. */
export interface Known {
  readonly root: string;
  readonly scripts: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
  readonly config: unknown;
  /** Scenario numbers (`S128`) that begin the title of a test that is not skipped for good. */
  readonly scenarios: ReadonlySet<string>;
}

export function gather(root: string): Known {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const template = readFileSync(join(root, '.env.template'), 'utf8');
  const scenarios = new Set<string>();
  for (const [file, text] of readSources(join(root, 'test'))) {
    if (!file.endsWith('.test.ts')) continue;
    for (const title of text.matchAll(/\b(?:it|test|describe)\b[^'"`\n]*\(\s*['"`](S\d{3})\b/g))
      scenarios.add(title[1] ?? '');
  }
  return {
    root,
    scripts: new Set(Object.keys(manifest.scripts)),
    variables: new Set([...template.matchAll(/^#?\s*([A-Z][A-Z_]*)=/gm)].map((match) => match[1] ?? '')),
    config: loadConfig({ stage: 'sandbox', env: {} }),
    scenarios,
  };
}

/** Why a target does not hold; `undefined` when it does. */
export function missing(target: string, known: Known): string | undefined {
  const [kind, name] = split(target);
  switch (kind) {
    case 'event':
      return isEventName(name) || isReserved(name) ? undefined : 'no such event in lib/events/catalogue.ts';
    case 'command':
      return known.scripts.has(name) ? undefined : 'no such script in package.json';
    case 'env':
      return known.variables.has(name) ? undefined : 'no such variable in .env.template';
    case 'config':
      return hasKey(known.config, name.split('.'))
        ? undefined
        : 'no such key in the configuration of a stage';
    case 'scenario':
      return known.scenarios.has(name) ? undefined : 'no test whose title begins with this number';
    default:
      return missingPath(target, known.root);
  }
}

export function isReserved(name: string): boolean {
  return Object.hasOwn(reservedNames, name);
}

function split(target: string): [kind: string, name: string] {
  const match = /^(event|command|env|config|scenario):(.+)$/.exec(target);
  return match === null ? ['path', target] : [match[1] ?? '', match[2] ?? ''];
}

/** `streamers.gateway.port` means the key of each entry of the list. */
function hasKey(value: unknown, keys: readonly string[]): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((entry) => hasKey(entry, keys));
  const [key, ...rest] = keys;
  if (key === undefined) return true;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
  return hasKey((value as Record<string, unknown>)[key], rest);
}

function missingPath(target: string, root: string): string | undefined {
  const [path = '', word] = target.split('#');
  const full = join(root, path);
  if (!existsSync(full)) return 'no such file or folder';
  if (statSync(full).isDirectory()) {
    return readdirSync(full, { recursive: true }).some((name) => /\.\w+$/.test(String(name)))
      ? undefined
      : 'an empty folder';
  }
  if (word === undefined || readFileSync(full, 'utf8').includes(word)) return undefined;
  return `${path} does not mention ${word}`;
}
