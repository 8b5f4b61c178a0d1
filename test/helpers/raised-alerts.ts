/** Finds every alert that the code raises, with its severities: literals, and what is handed to helpers that raise. */
import ts from 'typescript';
import { lineOf, parse, type Sources } from './source-graph.ts';

export interface RaisedAlert {
  readonly alert: string;
  readonly severities: readonly string[];
  /** `file:line` */
  readonly at: string;
}

/** A function or method that raises what it is given. */
interface Helper {
  readonly name: string;
  readonly file: string;
  readonly isPrivate: boolean;
  readonly alertAt: number;
  /** Index of the severity among the parameters, or the severities themselves. */
  readonly severity: number | readonly string[];
}

/** @returns what is raised, and places where it cannot be seen which alert or severity that is */
export function raisedAlerts(sources: Sources): { raised: RaisedAlert[]; unclear: string[] } {
  const raised: RaisedAlert[] = [];
  const unclear: string[] = [];
  const helpers: Helper[] = [];
  const files = [...sources].map(([file, text]) => [file, parse(file, text)] as const);
  for (const [file, source] of files) {
    visit(source, (node) => {
      if (!ts.isObjectLiteralExpression(node)) return;
      const alert = propertyOf(node, 'alert');
      const severity = propertyOf(node, 'severity');
      if (alert === undefined || severity === undefined) return;
      const at = `${file}:${lineOf(source, node)}`;
      if (ts.isStringLiteral(alert)) {
        const severities = literals(severity);
        if (severities.length === 0) unclear.push(`${at}: the severity of ${alert.text}`);
        else raised.push({ alert: alert.text, severities, at });
      } else {
        const helper = helperOf(node, alert, severity, file);
        if (helper === undefined) unclear.push(`${at}: ${alert.getText()}`);
        else helpers.push(helper);
      }
    });
  }
  for (const [file, source] of files) {
    visit(source, (node) => {
      if (!ts.isCallExpression(node)) return;
      const helper = helpers.find((one) => calls(node, one, file));
      if (helper === undefined) return;
      const at = `${file}:${lineOf(source, node)}`;
      const alert = node.arguments[helper.alertAt];
      const severities =
        typeof helper.severity === 'number' ? literals(node.arguments[helper.severity]) : helper.severity;
      if (alert === undefined || !ts.isStringLiteral(alert) || severities.length === 0)
        unclear.push(`${at}: a call of ${helper.name}`);
      else raised.push({ alert: alert.text, severities, at });
    });
  }
  return { raised, unclear };
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

function propertyOf(node: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  for (const property of node.properties) {
    if (property.name?.getText() !== name) continue;
    if (ts.isPropertyAssignment(property)) return property.initializer;
    if (ts.isShorthandPropertyAssignment(property)) return property.name;
  }
  return undefined;
}

/** `'HIGH'`, or both of `x ? 'HIGH' : 'CRITICAL'`; a text that is compared with is none. */
function literals(node: ts.Expression | undefined): string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteral(node)) return [node.text];
  if (ts.isConditionalExpression(node)) {
    const [one, other] = [literals(node.whenTrue), literals(node.whenFalse)];
    return one.length === 0 || other.length === 0 ? [] : [...one, ...other];
  }
  return ts.isAsExpression(node) || ts.isParenthesizedExpression(node) ? literals(node.expression) : [];
}

function helperOf(
  node: ts.Node,
  alert: ts.Expression,
  severity: ts.Expression,
  file: string,
): Helper | undefined {
  let around: ts.Node | undefined = node;
  while (around !== undefined && !ts.isFunctionDeclaration(around) && !ts.isMethodDeclaration(around))
    around = around.parent;
  if (around?.name === undefined) return undefined;
  const names = around.parameters.map(({ name }) => name.getText());
  const alertAt = names.indexOf(alert.getText());
  const severityAt = names.indexOf(severity.getText());
  const given = literals(severity);
  if (alertAt < 0 || (severityAt < 0 && given.length === 0)) return undefined;
  return {
    name: around.name.getText(),
    file,
    isPrivate: ts.isFunctionDeclaration(around),
    alertAt,
    severity: severityAt < 0 ? given : severityAt,
  };
}

function calls({ expression }: ts.CallExpression, { name, file, isPrivate }: Helper, at: string): boolean {
  if (isPrivate) return at === file && ts.isIdentifier(expression) && expression.text === name;
  return ts.isPropertyAccessExpression(expression) && expression.name.text === name;
}
