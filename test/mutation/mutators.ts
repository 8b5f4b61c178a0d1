/**
 * Small mistakes, one at a time: what a tired hand may do to a line. Each becomes a switch in the source, so that all of
 * them are compiled once and any of them can be turned on while the tests run.
 */
import ts from 'typescript';

/** One mistake in one place. */
export interface Mutant {
  readonly id: number;
  readonly file: string;
  readonly line: number;
  /** The text of the line's part as it is, and as the mistake makes it. */
  readonly before: string;
  readonly after: string;
  /** It is evaluated when the module is loaded: it has to be on before that. */
  readonly atLoad: boolean;
}

export interface Instrumented {
  readonly code: string;
  readonly mutants: readonly Mutant[];
}

/** Name of the global function that says whether a mutant is on. */
export const switchName = '__mutantIsOn';

const binaries: ReadonlyMap<ts.SyntaxKind, readonly ts.BinaryOperator[]> = new Map([
  [ts.SyntaxKind.LessThanToken, [ts.SyntaxKind.LessThanEqualsToken, ts.SyntaxKind.GreaterThanEqualsToken]],
  [ts.SyntaxKind.LessThanEqualsToken, [ts.SyntaxKind.LessThanToken, ts.SyntaxKind.GreaterThanToken]],
  [ts.SyntaxKind.GreaterThanToken, [ts.SyntaxKind.GreaterThanEqualsToken, ts.SyntaxKind.LessThanEqualsToken]],
  [ts.SyntaxKind.GreaterThanEqualsToken, [ts.SyntaxKind.GreaterThanToken, ts.SyntaxKind.LessThanToken]],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, [ts.SyntaxKind.ExclamationEqualsEqualsToken]],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, [ts.SyntaxKind.EqualsEqualsEqualsToken]],
  [ts.SyntaxKind.AmpersandAmpersandToken, [ts.SyntaxKind.BarBarToken]],
  [ts.SyntaxKind.BarBarToken, [ts.SyntaxKind.AmpersandAmpersandToken]],
  [ts.SyntaxKind.MinusToken, [ts.SyntaxKind.PlusToken]],
]);

/** Methods that are mistaken for one another. */
const methods: ReadonlyMap<string, string> = new Map([
  ['lt', 'lte'],
  ['lte', 'lt'],
  ['gt', 'gte'],
  ['gte', 'gt'],
  ['plus', 'minus'],
  ['minus', 'plus'],
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
]);

/** Methods that are forgotten: `rows.filter(own)` becomes `rows`. */
const forgotten: ReadonlySet<string> = new Set(['filter', 'negated', 'abs', 'toReversed', 'sort']);

const listMethods: ReadonlySet<string> = new Set(['map', 'filter', 'flatMap', 'sort', 'toSorted']);

/**
 * @param file path for the report
 * @param firstId id of the first mutant found; ids go on from there
 */
export function instrument(file: string, text: string, firstId: number): Instrumented {
  const mutants: Mutant[] = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2024, true);
  const printer = ts.createPrinter({ removeComments: true });
  const { factory } = ts;

  const found = (node: ts.Node, after: string): ts.Expression => {
    const id = firstId + mutants.length;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    const before = shortened(node.getText(source));
    mutants.push({ id, file, line: line + 1, before, after: shortened(after), atLoad: isAtLoad(node) });
    return factory.createCallExpression(factory.createIdentifier(switchName), undefined, [
      factory.createNumericLiteral(id),
    ]);
  };
  const print = (node: ts.Node) => printer.printNode(ts.EmitHint.Unspecified, node, source);

  const transform: ts.TransformerFactory<ts.SourceFile> = (context) => {
    const visit = (node: ts.Node): ts.Node => {
      if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return node;
      if (ts.isTypeAliasDeclaration(node)) return node;
      const inner = ts.visitEachChild(node, visit, context);
      if (ts.isExpressionStatement(node) || ts.isContinueStatement(node) || ts.isThrowStatement(node)) {
        const isOn = found(node, '(removed)');
        // In braces: an `else` that follows belongs to another `if`.
        const guarded = factory.createIfStatement(factory.createLogicalNot(isOn), inner as ts.Statement);
        return factory.createBlock([guarded]);
      }
      if (!ts.isExpression(node) || !isPlace(node)) return inner;
      return alternatives(node).reduce((whole: ts.Expression, other) => {
        const isOn = found(node, print(other));
        const choice = factory.createConditionalExpression(isOn, undefined, other, undefined, whole);
        return factory.createParenthesizedExpression(choice);
      }, inner as ts.Expression);
    };
    return (root) => ts.visitEachChild(root, visit, context);
  };

  const switched = ts.transform(source, [transform]).transformed[0]!;
  const { outputText } = ts.transpileModule(printer.printFile(switched), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2024,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  });
  return { code: outputText, mutants };
}

/** What could stand there by mistake. */
function alternatives(node: ts.Expression): ts.Expression[] {
  const { factory } = ts;
  const others: ts.Expression[] = [];
  if (isCondition(node)) others.push(factory.createTrue(), factory.createFalse());
  if (ts.isBinaryExpression(node)) {
    const { left, right, operatorToken } = node;
    // What is sorted by has no two that are equal.
    const isSorting = isOfSign(node);
    for (const operator of binaries.get(operatorToken.kind) ?? []) {
      if (isSorting && operator === ts.SyntaxKind.LessThanEqualsToken) continue;
      others.push(
        factory.createParenthesizedExpression(factory.createBinaryExpression(left, operator, right)),
      );
    }
    if (operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) others.push(right);
    if (operatorToken.kind === ts.SyntaxKind.MinusToken) {
      others.push(
        factory.createParenthesizedExpression(factory.createBinaryExpression(right, operatorToken, left)),
      );
    }
    return others;
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    return [...others, node.operand];
  }
  if (ts.isNumericLiteral(node)) {
    const value = Number(node.text);
    // Sorting asks only whether a number is negative: 2 and 0 say the same as 1.
    const isSign = value === 1 && isOfSign(node);
    if (!isSign && !isOfSign(node.parent)) others.push(factory.createNumericLiteral(value + 1));
    if (value > 0 && !isSign) others.push(factory.createNumericLiteral(value - 1));
    return others;
  }
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [...others, factory.createFalse()];
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [...others, factory.createTrue()];
  if (isReturned(node) && isList(node)) others.push(factory.createArrayLiteralExpression());
  if (ts.isCallExpression(node)) others.push(...otherCalls(node));
  return others;
}

function otherCalls(call: ts.CallExpression): ts.Expression[] {
  const { factory } = ts;
  const { expression: callee, arguments: given } = call;
  const others: ts.Expression[] = [];
  if (ts.isIdentifier(callee) && callee.text.startsWith('compare') && given.length === 2) {
    others.push(factory.createCallExpression(callee, undefined, [given[1]!, given[0]!]));
  }
  if (!ts.isPropertyAccessExpression(callee) || ts.isOptionalChain(call)) return others;
  const name = callee.name.text;
  const other = methods.get(name);
  if (other !== undefined) {
    const access = factory.createPropertyAccessExpression(callee.expression, other);
    others.push(factory.createCallExpression(access, undefined, given));
  }
  if (forgotten.has(name)) others.push(callee.expression);
  return others;
}

/** In `a < b ? -1 : 1`. */
function isOfSign(node: ts.Node): boolean {
  const { parent } = node;
  return ts.isConditionalExpression(parent) && parent.whenTrue.getText() === '-1';
}

/** The condition of a branch: always, and never. */
function isCondition(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isIfStatement(parent)) return parent.expression === node;
  return ts.isConditionalExpression(parent) && parent.condition === node;
}

function isReturned(node: ts.Expression): boolean {
  const { parent } = node;
  return ts.isReturnStatement(parent) || (ts.isArrowFunction(parent) && parent.body === node);
}

function isList(node: ts.Expression): boolean {
  if (ts.isArrayLiteralExpression(node)) return node.elements.length > 0;
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  return listMethods.has(node.expression.name.text);
}

/** Whether an expression can be put in brackets here: not in the middle of a chain, nor as a name. */
function isPlace(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isOptionalChain(node) && 'expression' in parent && parent.expression === node) {
    if (ts.isPropertyAccessExpression(parent) || ts.isCallExpression(parent)) return false;
    if (ts.isElementAccessExpression(parent) || ts.isNonNullExpression(parent)) return false;
  }
  return !((ts.isPropertyAssignment(parent) || ts.isEnumMember(parent)) && parent.name === node);
}

function isAtLoad(node: ts.Node): boolean {
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isFunctionLike(at)) return false;
    if (
      ts.isPropertyDeclaration(at) &&
      !at.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)
    ) {
      return false;
    }
  }
  return true;
}

const shownMax = 90;

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > shownMax ? `${line.slice(0, shownMax)}…` : line;
}
