import { isBuiltin } from 'node:module';
import { closure, type Import, importsOf, type Sources } from './source-graph.ts';

/** One broken rule, in the words that a developer needs to mend it. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

interface Room {
  readonly name: string;
  /** Rooms that this one may import; itself included. */
  readonly local: readonly string[] | 'anything';
  /** Packages and Node's own modules (`node:`) that it may import. */
  readonly packages: readonly string[] | 'anything';
  readonly rule: string;
}

const product = [
  'lib/domain',
  'lib/events',
  'lib/ports',
  'lib/aws',
  'lib/backup',
  'lib/archive',
  'lib/reconcile',
  'lib/alerts',
  'lib/stacks',
  'functions',
  'streamer',
  'config',
];

/** Who may import whom. The first room whose name begins a path is the path's room. */
const rooms: readonly Room[] = [
  {
    name: 'lib/domain',
    local: ['lib/domain'],
    packages: ['decimal.js', 'temporal-polyfill'],
    rule: 'lib/domain imports nothing but decimal.js, temporal-polyfill and itself',
  },
  {
    name: 'lib/events',
    local: ['lib/events', 'lib/domain'],
    packages: ['zod'],
    rule: 'lib/events imports only lib/domain, zod and itself',
  },
  {
    name: 'lib/ports',
    local: ['lib/ports', 'lib/domain'],
    packages: [],
    rule: 'lib/ports imports only lib/domain and itself',
  },
  {
    name: 'lib/aws',
    local: ['lib/aws', 'lib/ports', 'lib/domain', 'lib/events'],
    packages: 'anything',
    rule: 'lib/aws imports lib/ports, lib/domain, lib/events and itself',
  },
  {
    name: 'lib/backup',
    local: ['lib/backup', 'lib/ports', 'lib/domain', 'lib/events'],
    packages: ['zod', 'node:buffer', 'node:crypto', 'node:events', 'node:util', 'node:zlib'],
    rule: 'lib/backup works over ports: it imports lib/ports, lib/domain, lib/events and itself, and no SDK',
  },
  {
    name: 'lib/archive',
    local: ['lib/archive', 'lib/ports', 'lib/domain', 'lib/events'],
    packages: ['hyparquet', 'hyparquet-writer', 'node:buffer'],
    rule: 'lib/archive works over ports: it imports lib/ports, lib/domain, lib/events and itself, and no SDK',
  },
  {
    name: 'lib/reconcile',
    local: ['lib/reconcile', 'lib/ports', 'lib/domain', 'lib/events'],
    packages: ['zod', 'node:buffer', 'node:crypto', 'node:util'],
    rule: 'lib/reconcile works over ports: it imports lib/ports, lib/domain, lib/events and itself, and no SDK',
  },
  {
    name: 'lib/alerts',
    local: ['lib/alerts', 'lib/ports', 'lib/domain', 'lib/events'],
    packages: ['zod', 'node:crypto'],
    rule: 'lib/alerts works over ports: it imports lib/ports, lib/domain, lib/events and itself, and no SDK',
  },
  {
    name: 'lib/stacks',
    local: ['lib/stacks', 'lib/domain', 'config'],
    packages: 'anything',
    rule: 'lib/stacks imports config, lib/domain and itself; it names functions by path, it does not import them',
  },
  {
    name: 'functions',
    local: [
      'functions',
      'lib/domain',
      'lib/events',
      'lib/ports',
      'lib/aws',
      'lib/backup',
      'lib/archive',
      'lib/reconcile',
      'lib/alerts',
      'config',
    ],
    packages: 'anything',
    rule: 'functions import lib/domain, lib/events, lib/ports, lib/aws, lib/backup, lib/archive, lib/reconcile, lib/alerts, config and themselves',
  },
  {
    name: 'streamer',
    local: ['streamer', 'lib/domain', 'lib/events', 'lib/ports', 'lib/aws', 'config'],
    packages: 'anything',
    rule: 'streamer imports lib/domain, lib/events, lib/ports, lib/aws, config and itself',
  },
  {
    name: 'config',
    local: ['config', 'lib/domain', 'lib/events'],
    packages: 'anything',
    rule: 'config imports only lib/domain, lib/events and itself',
  },
  {
    name: 'bin',
    local: [...product, 'bin', 'console', 'sandbox'],
    packages: 'anything',
    rule: 'bin imports the product and sandbox; nothing imports bench or test',
  },
  {
    name: 'console',
    local: ['console', 'lib/domain', 'lib/events'],
    packages: 'anything',
    rule: 'console imports lib/domain, lib/events and itself',
  },
  {
    name: 'sandbox',
    local: [...product, 'sandbox', 'console'],
    packages: 'anything',
    rule: 'sandbox imports the product and itself; nothing imports bin, bench or test',
  },
  { name: 'bench', local: 'anything', packages: 'anything', rule: 'bench imports anything' },
  { name: 'test', local: 'anything', packages: 'anything', rule: 'test imports anything' },
];

const sdkRooms = new Set(['lib/aws', 'sandbox', 'bench', 'test']);
const sdkRule = 'only lib/aws (and sandbox, bench, test) imports an AWS SDK';
const cdkRooms = new Set(['lib/stacks', 'bin', 'sandbox', 'bench', 'test']);
const cdkRule = 'only lib/stacks (and bin, sandbox, bench, test) imports the CDK';
const apartRule =
  'streamer and sandbox/gateway share no module, so that errors on the wire cannot cancel out';
const computedRule = 'the product names the modules it loads, so that these rules can be checked';

/** All breaches of the import arrows in a tree, in the order of files and lines. */
export function brokenArrows(sources: Sources): Violation[] {
  const graph = new Map<string, readonly Import[]>();
  for (const [file, text] of sources) graph.set(file, importsOf(file, text));
  const violations = [...graph.values()].flat().flatMap(brokenBy);
  violations.push(...sharedModules(graph));
  return violations.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

function roomOf(path: string): Room | undefined {
  return rooms.find((room) => path.startsWith(`${room.name}/`));
}

function brokenBy(edge: Import): Violation[] {
  const room = roomOf(edge.file);
  if (room === undefined) return [];
  const breach = (rule: string, what: string): Violation[] => [
    { file: edge.file, line: edge.line, rule, message: `${edge.file}:${edge.line} ${what}. Rule: ${rule}.` },
  ];
  if (edge.specifier === undefined) {
    return product.includes(room.name) ? breach(computedRule, 'loads a module whose name is computed') : [];
  }
  if (edge.target !== undefined) {
    const to = roomOf(edge.target);
    if (room.local === 'anything' || (to !== undefined && room.local.includes(to.name))) return [];
    return breach(room.rule, `imports ${edge.target}`);
  }
  const name = packageOf(edge.specifier);
  if (isSdk(name) && !sdkRooms.has(room.name)) return breach(sdkRule, `imports ${name}`);
  if (isCdk(name) && !cdkRooms.has(room.name)) return breach(cdkRule, `imports ${name}`);
  if (room.packages === 'anything' || room.packages.includes(name)) return [];
  return breach(room.rule, `imports ${name}`);
}

/** `@scope/name/deep` is `@scope/name`, `name/deep` is `name`; `fs` and `node:fs/promises` are `node:fs`. */
function packageOf(specifier: string): string {
  const parts = specifier.replace(/^node:/, '').split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
  return isBuiltin(specifier) ? `node:${name}` : name;
}

function isSdk(name: string): boolean {
  return name.startsWith('@aws-sdk/') || name.startsWith('@smithy/') || name === 'aws-sdk';
}

function isCdk(name: string): boolean {
  return (
    name === 'aws-cdk-lib' || name === 'constructs' || name === 'cdk-nag' || name.startsWith('@aws-cdk/')
  );
}

/** A module that both sides reach, over any number of steps and by types as well as values. */
function sharedModules(graph: ReadonlyMap<string, readonly Import[]>): Violation[] {
  const below = (folder: string): string[] => [...graph.keys()].filter((file) => file.startsWith(folder));
  const streamer = closure(graph, below('streamer/'));
  const gateway = closure(graph, below('sandbox/gateway/'));
  const violations: Violation[] = [];
  for (const [file, way] of gateway) {
    const other = streamer.get(file);
    if (other === undefined) continue;
    // Where neither side steps further than this module, the step into it is the one to mend.
    const step = way.at(-1) ?? other.at(-1);
    const [at, line] = step === undefined ? [file, 1] : [step.file, step.line];
    const message = `${at}:${line} makes ${file} a module of both: ${path(way, file)}; ${path(other, file)}. Rule: ${apartRule}.`;
    violations.push({ file: at, line, rule: apartRule, message });
  }
  return violations;
}

function path(way: readonly Import[], end: string): string {
  return [...way.map((edge) => edge.file), end].join(' -> ');
}
