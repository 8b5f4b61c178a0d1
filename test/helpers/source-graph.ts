import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import ts from 'typescript';

/** Source texts by path from the root, with `/` as separator. In-memory trees have the same shape. */
export type Sources = ReadonlyMap<string, string>;

export interface Import {
  readonly file: string;
  readonly line: number;
  /** The text between the quotes, or `undefined` when the module is computed at run time. */
  readonly specifier: string | undefined;
  /** The path that a relative specifier points to; `undefined` for packages and Node's own modules. */
  readonly target: string | undefined;
  /** True when type stripping erases the import, so that nothing of the target runs. */
  readonly typeOnly: boolean;
}

const codeFile = /\.(?:[cm]?[jt]s|[jt]sx)$/;
const skippedFolder = new Set(['node_modules', 'dist', 'cdk.out', 'coverage']);

/** Every source file below `root`. Dot folders, dependencies and generated folders are left out. */
export function readSources(root: string): Sources {
  const sources = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && !skippedFolder.has(entry.name)) walk(path);
      } else if (codeFile.test(entry.name)) {
        sources.set(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8'));
      }
    }
  };
  walk(root);
  return sources;
}

/** Parses one file; comments and strings that look like imports are not taken for imports. */
export function parse(file: string, text: string): ts.SourceFile {
  const kind = file.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const how = { languageVersion: ts.ScriptTarget.Latest, jsDocParsingMode: ts.JSDocParsingMode.ParseNone };
  return ts.createSourceFile(file, text, how, true, kind);
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/**
 * All ways in which one file names another: import and export declarations, `import x = require()`, `import('x')` as
 * a value and as a type, `require()`, `require.resolve()`, `import.meta.resolve()` and `new Worker(new URL())`.
 */
export function importsOf(file: string, text: string): readonly Import[] {
  const known = read.get(file);
  if (known?.text === text) return known.imports;
  const imports = readImports(file, text);
  read.set(file, { text, imports });
  return imports;
}

/** Every rule asks for the same files. */
const read = new Map<string, { readonly text: string; readonly imports: readonly Import[] }>();
/** A statement without one of these words names no module, but for `export … from`. */
const naming = /\b(?:import|require|Worker)\b/;

function readImports(file: string, text: string): Import[] {
  const source = parse(file, text);
  const found: Import[] = [];
  const add = (node: ts.Node, module: ts.Node | undefined, typeOnly: boolean): void => {
    const specifier = module !== undefined && ts.isStringLiteralLike(module) ? module.text : undefined;
    const target = specifier === undefined ? undefined : resolveLocal(file, specifier);
    found.push({ file, line: lineOf(source, node), specifier, target, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      // A clause of inline `type` names only still runs the module, so it does not count as erased.
      add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node, node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    } else if (ts.isCallExpression(node) && loadsModule(node.expression)) {
      add(node, node.arguments[0], false);
    } else if (ts.isNewExpression(node) && node.expression.getText(source) === 'Worker') {
      const url = node.arguments?.[0];
      if (url !== undefined) add(node, ts.isNewExpression(url) ? url.arguments?.[0] : url, false);
    }
    ts.forEachChild(node, visit);
  };
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement) || naming.test(text.slice(statement.pos, statement.end)))
      visit(statement);
  }
  return found;
}

function loadsModule(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'resolve') return false;
  const owner = callee.expression;
  return ts.isMetaProperty(owner) || (ts.isIdentifier(owner) && owner.text === 'require');
}

function resolveLocal(file: string, specifier: string): string | undefined {
  return /^\.{1,2}(?:\/|$)/.test(specifier) ? posix.join(posix.dirname(file), specifier) : undefined;
}

/** What the starting files reach within the project, themselves included, each with the way to it. */
export function closure(
  imports: ReadonlyMap<string, readonly Import[]>,
  starts: Iterable<string>,
  follow: (edge: Import) => boolean = () => true,
): Map<string, readonly Import[]> {
  const reached = new Map<string, readonly Import[]>();
  const queue: string[] = [];
  for (const start of starts) {
    reached.set(start, []);
    queue.push(start);
  }
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const way = reached.get(file) ?? [];
    for (const edge of imports.get(file) ?? []) {
      if (edge.target === undefined || reached.has(edge.target) || !follow(edge)) continue;
      reached.set(edge.target, [...way, edge]);
      queue.push(edge.target);
    }
  }
  return reached;
}
