import ts from 'typescript';
import type { Violation } from './import-arrows.ts';
import { closure, type Import, importsOf, lineOf, parse, type Sources } from './source-graph.ts';

/**
 * Pure rules and state machines get the time and all that is random as input; that is what makes replay and
 * simulation exact. This looks for every way in which they could fetch it themselves.
 */
const rule = 'lib/domain and state machines have no clock, no timers, no randomness and no I/O of their own';

/** Names of the global scope that reach a clock, a timer, randomness or the world, whatever is done with them. */
const forbidden = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'process',
  'crypto',
  'fetch',
  'require',
  'globalThis',
  'global',
  'eval',
  'Function',
]);

/** Of these objects only the named members are clocks or random; the object itself must not be passed on. */
const forbiddenMembers: Readonly<Record<string, ReadonlySet<string>>> = {
  Math: new Set(['random']),
  Date: new Set(['now']),
  Temporal: new Set(),
};

/** Files that must be pure: the domain, the machines, and whatever a machine runs of the project. */
export function pureFiles(sources: Sources): string[] {
  const graph = new Map<string, readonly Import[]>();
  for (const [file, text] of sources) graph.set(file, importsOf(file, text));
  const starts = [...sources.keys()].filter((file) => file.startsWith('lib/domain/') || isMachine(file));
  const reached = closure(graph, starts, (edge) => !edge.typeOnly);
  return [...reached.keys()].filter((file) => sources.has(file)).sort();
}

export function isMachine(file: string): boolean {
  return /-machine\.[cm]?ts$/.test(file);
}

/** All places where a pure file reaches for the clock, a timer, randomness or the world. */
export function impurities(sources: Sources): Violation[] {
  return pureFiles(sources).flatMap((file) => [
    ...builtinImports(file, sources.get(file) ?? ''),
    ...globalsUsed(file, sources.get(file) ?? ''),
  ]);
}

function breach(file: string, line: number, what: string): Violation {
  return { file, line, rule, message: `${file}:${line} ${what}. Rule: ${rule}.` };
}

/** `node:timers`, `node:process`, `node:crypto`, `node:fs` and the like; only assertions are pure. */
function builtinImports(file: string, text: string): Violation[] {
  return importsOf(file, text)
    .filter((edge) => edge.specifier?.startsWith('node:') && !edge.typeOnly)
    .filter((edge) => !/^node:assert(?:\/strict)?$/.test(edge.specifier ?? ''))
    .map((edge) => breach(file, edge.line, `imports ${edge.specifier}`));
}

function globalsUsed(file: string, text: string): Violation[] {
  const source = parse(file, text);
  const declared = declaredNames(source);
  const found: Violation[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    // By whatever name `Temporal` was imported: its `Now` is the only member so called.
    if (ts.isPropertyAccessExpression(node) && node.name.text === 'Now') {
      found.push(breach(file, lineOf(source, node), 'uses Temporal.Now'));
    } else if (ts.isIdentifier(node) && !isPlainName(node)) {
      const what = useOf(node, declared);
      if (what !== undefined) found.push(breach(file, lineOf(source, node), `uses ${what}`));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function useOf(node: ts.Identifier, declared: ReadonlySet<string>): string | undefined {
  const name = node.text;
  const parent = node.parent;
  // `Temporal` comes from the polyfill: that the file declares the name does not make it harmless.
  const members = Object.hasOwn(forbiddenMembers, name) ? forbiddenMembers[name] : undefined;
  if (members === undefined) return forbidden.has(name) && !declared.has(name) ? name : undefined;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) {
    return members.has(parent.name.text) ? `${name}.${parent.name.text}` : undefined;
  }
  if (name === 'Date' && ts.isNewExpression(parent) && parent.expression === node) {
    return (parent.arguments?.length ?? 0) === 0 ? 'new Date() without an argument' : undefined;
  }
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword)
    return undefined;
  return `${name} itself, by which its clock or randomness escapes this check`;
}

/** A member, key or label of that name, which has nothing to do with the global one. */
function isPlainName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isShorthandPropertyAssignment(parent)) return false;
  if (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent)) {
    return parent.name === node;
  }
  if (ts.isPropertySignature(parent) || ts.isMethodSignature(parent) || ts.isQualifiedName(parent))
    return true;
  if (ts.isAccessor(parent)) return parent.name === node;
  // Where a name comes from is judged by the import itself.
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return true;
  return ts.isBindingElement(parent) && parent.propertyName === node;
}

/** Names that the file binds itself: a parameter called `process` is not Node's. */
function declaredNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isBindingElement(node)
    ) {
      if (node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}
