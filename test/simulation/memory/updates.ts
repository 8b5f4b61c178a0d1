/** Update expressions: SET with + and -, REMOVE, ADD of numbers, each on a whole attribute. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Attributes, typeOf } from './attribute-values.ts';
import { type Operand, operand, type Parsed, parsedOnce } from './condition-syntax.ts';
import { type Bindings, nameOf, operandValue } from './conditions.ts';
import { MemoryDynamoDbError, validation } from './dynamodb-errors.ts';
import type { Path, Tokens } from './expression-tokens.ts';
import { addNumbers } from './number-text.ts';

type Change =
  | {
      readonly do: 'set';
      readonly name: string;
      readonly to: Operand;
      readonly plus?: readonly [1 | -1, Operand];
    }
  | { readonly do: 'remove'; readonly name: string }
  | { readonly do: 'add'; readonly name: string; readonly value: string };

export type Update = readonly Change[];

export const parseUpdate = parsedOnce('UpdateExpression', read);

function read(tokens: Tokens): Update {
  const changes: Change[] = [];
  const sections = new Set<string>();
  while (tokens.peek() !== undefined) {
    const { text } = tokens.next();
    const section = text.toUpperCase();
    if (section === 'DELETE') throw new MemoryDynamoDbError('DELETE in an update expression');
    if (section !== 'SET' && section !== 'REMOVE' && section !== 'ADD') throw tokens.unexpected(text);
    if (sections.has(section))
      throw tokens.invalid(`The "${section}" section can only be used once in an update expression;`);
    sections.add(section);
    do changes.push(change(section, tokens));
    while (tokens.take(','));
  }
  return changes;
}

function change(section: 'SET' | 'REMOVE' | 'ADD', tokens: Tokens): Change {
  const name = topName(tokens.path());
  if (section === 'REMOVE') return { do: 'remove', name };
  if (section === 'ADD') return { do: 'add', name, value: tokens.value() };
  tokens.expect('=');
  const to = operand(tokens);
  const sign = tokens.take('+') ? 1 : tokens.take('-') ? -1 : undefined;
  return { do: 'set', name, to, ...(sign === undefined ? {} : { plus: [sign, operand(tokens)] as const }) };
}

function topName(path: Path): string {
  const [name] = path;
  if (path.length !== 1 || typeof name !== 'string')
    throw new MemoryDynamoDbError(`an update of a part of an attribute (${path.join('.')})`);
  return name;
}

/**
 * The item as the update makes it, and the names of what it touched.
 *
 * @throws ValidationException
 */
export function updated(
  { tree }: Parsed<Update>,
  before: Attributes,
  bindings: Bindings,
): { after: Attributes; touched: readonly string[] } {
  const after = { ...before };
  const touched = tree.map(({ name }) => nameOf(name, bindings.names));
  const twice = touched.find((name, at) => touched.indexOf(name) !== at);
  if (twice !== undefined)
    throw validation(
      `Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [${twice}], path two: [${twice}]`,
    );
  for (const [at, one] of tree.entries()) {
    const name = touched[at]!;
    // Operands are those of the item before the update, whatever order the changes come in.
    if (one.do === 'remove') delete after[name];
    else if (one.do === 'add') after[name] = sum(before[name], bindings.values[one.value]!);
    else after[name] = setTo(one, before, bindings);
  }
  return { after, touched };
}

function sum(before: AttributeValue | undefined, value: AttributeValue): AttributeValue {
  const type = typeOf(value);
  if (type !== 'N')
    throw validation(
      `Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: ${type}`,
    );
  if (before === undefined) return value;
  return added(before, value, 1);
}

function setTo(
  { to, plus }: Extract<Change, { do: 'set' }>,
  before: Attributes,
  bindings: Bindings,
): AttributeValue {
  const value = existing(to, before, bindings);
  return plus === undefined ? value : added(value, existing(plus[1], before, bindings), plus[0]);
}

function existing(what: Operand, before: Attributes, bindings: Bindings): AttributeValue {
  const value = operandValue(what, before, bindings);
  if (value !== undefined) return value;
  throw validation('The provided expression refers to an attribute that does not exist in the item');
}

function added(left: AttributeValue, right: AttributeValue, sign: 1 | -1): AttributeValue {
  if (left.N === undefined || right.N === undefined)
    throw validation('An operand in the update expression has an incorrect data type');
  return { N: addNumbers(left.N, right.N, sign) };
}
