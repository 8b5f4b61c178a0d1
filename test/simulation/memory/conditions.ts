/** Whether a condition holds for an item. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Attributes, compareValues, sameValue, typeOf } from './attribute-values.ts';
import type { Comparator, Condition, Operand, Parsed } from './condition-syntax.ts';
import { validation } from './dynamodb-errors.ts';
import type { Path } from './expression-tokens.ts';

/** What the placeholders of a request's expressions stand for. */
export interface Bindings {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, AttributeValue>>;
}

const none: Readonly<Record<string, never>> = Object.freeze({});

/**
 * Every placeholder is given, and every one that is given is used.
 *
 * @throws ValidationException
 */
export function bind(
  input: {
    readonly ExpressionAttributeNames?: Record<string, string> | undefined;
    readonly ExpressionAttributeValues?: Attributes | undefined;
  },
  ...expressions: readonly (Parsed<unknown> | undefined)[]
): Bindings {
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
  const used = expressions.filter((one) => one !== undefined);
  if (used.length === 0 && (names !== undefined || values !== undefined))
    throw validation(
      `ExpressionAttribute${names === undefined ? 'Values' : 'Names'} can only be specified when using expressions`,
    );
  for (const { kind, names: inText, values: inTextToo } of used) {
    for (const name of inText) {
      if (names?.[name] === undefined)
        throw validation(
          `Invalid ${kind}: An expression attribute name used in the document path is not defined; attribute name: ${name}`,
        );
    }
    for (const value of inTextToo) {
      if (values?.[value] === undefined)
        throw validation(
          `Invalid ${kind}: An expression attribute value used in expression is not defined; attribute value: ${value}`,
        );
    }
  }
  checkUsed('Names', names, (name) => used.some((one) => one.names.has(name)));
  checkUsed('Values', values, (name) => used.some((one) => one.values.has(name)));
  return { names: names ?? none, values: values ?? none };
}

function checkUsed(what: string, given: object | undefined, isUsed: (name: string) => boolean): void {
  if (given === undefined) return;
  const all = Object.keys(given);
  if (all.length === 0) throw validation(`ExpressionAttribute${what} must not be empty`);
  if (all.every(isUsed)) return;
  const left = all.filter((name) => !isUsed(name));
  throw validation(
    `Value provided in ExpressionAttribute${what} unused in expressions: keys: {${left.join(', ')}}`,
  );
}

/**
 * What DynamoDB refuses before it looks at an item.
 *
 * @throws ValidationException
 */
export function checkCondition({ kind, tree }: Parsed<Condition>, { values }: Bindings): void {
  check(tree);

  function check(condition: Condition): void {
    switch (condition.is) {
      case 'and':
      case 'or':
        condition.parts.forEach(check);
        return;
      case 'not':
        check(condition.part);
        return;
      case 'compare':
        if (condition.by === '=' || condition.by === '<>') return;
        checkOrdered(condition.left, condition.by);
        checkOrdered(condition.right, condition.by);
        return;
      case 'between':
        for (const one of [condition.what, condition.low, condition.high]) checkOrdered(one, 'BETWEEN');
        checkBounds(condition.low, condition.high);
        return;
      case 'begins':
        checkText(condition.prefix);
        return;
      case 'exists':
        return;
    }
  }

  function checkOrdered(operand: Operand, operator: string): void {
    if (!('value' in operand)) return;
    const type = typeOf(values[operand.value]!);
    if (type !== 'S' && type !== 'N') throw wrongType(operator, type);
  }

  function checkText(operand: Operand): void {
    if (!('value' in operand)) return;
    const type = typeOf(values[operand.value]!);
    if (type !== 'S') throw wrongType('begins_with', type);
  }

  function wrongType(operator: string, type: string): Error {
    return validation(
      `Invalid ${kind}: Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`,
    );
  }

  function checkBounds(low: Operand, high: Operand): void {
    if (!('value' in low && 'value' in high)) return;
    const [from, to] = [values[low.value]!, values[high.value]!];
    const order = compareValues(from, to);
    if (order === undefined)
      throw validation(
        `Invalid ${kind}: The BETWEEN operator requires same data type for lower and upper bounds`,
      );
    if (order > 0)
      throw validation(
        `Invalid ${kind}: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: ${shown(from)}, upper bound operand: AttributeValue: ${shown(to)}`,
      );
  }
}

function shown(value: AttributeValue): string {
  return value.S === undefined ? `{N:${value.N}}` : `{S:${value.S}}`;
}

export function holds(condition: Condition, item: Attributes | undefined, bindings: Bindings): boolean {
  switch (condition.is) {
    case 'and':
      return condition.parts.every((part) => holds(part, item, bindings));
    case 'or':
      return condition.parts.some((part) => holds(part, item, bindings));
    case 'not':
      return !holds(condition.part, item, bindings);
    case 'exists':
      return (at(condition.path, item, bindings) !== undefined) === condition.wanted;
    case 'compare': {
      const left = operandValue(condition.left, item, bindings);
      const right = operandValue(condition.right, item, bindings);
      // What is not there is equal to nothing, so it differs from everything.
      if (left === undefined || right === undefined) return condition.by === '<>';
      return compares(condition.by, left, right);
    }
    case 'between': {
      const what = operandValue(condition.what, item, bindings);
      const low = operandValue(condition.low, item, bindings);
      const high = operandValue(condition.high, item, bindings);
      if (what === undefined || low === undefined || high === undefined) return false;
      return compares('>=', what, low) && compares('<=', what, high);
    }
    case 'begins': {
      const text = operandValue(condition.what, item, bindings)?.S;
      const prefix = operandValue(condition.prefix, item, bindings)?.S;
      return text !== undefined && prefix !== undefined && text.startsWith(prefix);
    }
  }
}

function compares(by: Comparator, left: AttributeValue, right: AttributeValue): boolean {
  if (by === '=') return sameValue(left, right);
  if (by === '<>') return !sameValue(left, right);
  const order = compareValues(left, right);
  if (order === undefined) return false;
  if (by === '<') return order < 0;
  if (by === '<=') return order <= 0;
  return by === '>' ? order > 0 : order >= 0;
}

export function operandValue(
  operand: Operand,
  item: Attributes | undefined,
  bindings: Bindings,
): AttributeValue | undefined {
  return 'value' in operand ? bindings.values[operand.value] : at(operand.path, item, bindings);
}

function at(path: Path, item: Attributes | undefined, { names }: Bindings): AttributeValue | undefined {
  if (item === undefined) return undefined;
  let found: AttributeValue | undefined;
  for (const [step, part] of path.entries()) {
    if (typeof part === 'number') found = found?.L?.[part];
    else {
      const members: Attributes | undefined = step === 0 ? item : found?.M;
      found = members?.[nameOf(part, names)];
    }
    if (found === undefined) return undefined;
  }
  return found;
}

export function nameOf(part: string, names: Bindings['names']): string {
  return part.startsWith('#') ? (names[part] ?? part) : part;
}
