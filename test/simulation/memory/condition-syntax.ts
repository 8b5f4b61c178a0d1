/** Conditions as they are written, as trees: the grammar of DynamoDB's condition and key condition expressions. */
import { MemoryDynamoDbError } from './dynamodb-errors.ts';
import { type ExpressionKind, type Path, Tokens } from './expression-tokens.ts';

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type Operand = { readonly path: Path } | { readonly value: string };

export type Condition =
  | { readonly is: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly is: 'not'; readonly part: Condition }
  | {
      readonly is: 'compare';
      readonly by: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | {
      readonly is: 'between';
      readonly what: Operand;
      readonly low: Operand;
      readonly high: Operand;
    }
  | { readonly is: 'begins'; readonly what: Operand; readonly prefix: Operand }
  | { readonly is: 'exists'; readonly path: Path; readonly wanted: boolean };

/** An expression with the placeholders that are in it. */
export interface Parsed<Tree> {
  readonly kind: ExpressionKind;
  readonly tree: Tree;
  readonly names: ReadonlySet<string>;
  readonly values: ReadonlySet<string>;
}

const comparators: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

/** Each text is read once: the adapters have some twenty, and send them a million times. */
export function parsedOnce<Tree>(
  kind: ExpressionKind,
  read: (tokens: Tokens) => Tree,
): (text: string) => Parsed<Tree> {
  const known = new Map<string, Parsed<Tree>>();
  return (text) => {
    const former = known.get(text);
    if (former !== undefined) return former;
    const tokens = new Tokens(kind, text);
    const tree = read(tokens);
    tokens.end();
    const parsed = { kind, tree, names: tokens.names, values: tokens.values };
    known.set(text, parsed);
    return parsed;
  };
}

export const parseCondition = parsedOnce('ConditionExpression', anyOf);
export const parseKeyCondition = parsedOnce('KeyConditionExpression', anyOf);

function anyOf(tokens: Tokens): Condition {
  return listOf('or', 'OR', allOf, tokens);
}

function allOf(tokens: Tokens): Condition {
  return listOf('and', 'AND', term, tokens);
}

function listOf(
  is: 'and' | 'or',
  word: string,
  read: (tokens: Tokens) => Condition,
  tokens: Tokens,
): Condition {
  const first = read(tokens);
  const parts = [first];
  while (tokens.take(word)) parts.push(read(tokens));
  return parts.length === 1 ? first : { is, parts };
}

function term(tokens: Tokens): Condition {
  if (tokens.take('NOT')) return { is: 'not', part: term(tokens) };
  if (tokens.take('(')) {
    const inner = anyOf(tokens);
    tokens.expect(')');
    return inner;
  }
  const [word, bracket] = [tokens.peek(), tokens.peek(1)];
  if (word?.kind === 'word' && bracket?.text === '(') return call(tokens);
  const left = operand(tokens);
  if (tokens.take('BETWEEN')) {
    const low = operand(tokens);
    tokens.expect('AND');
    return { is: 'between', what: left, low, high: operand(tokens) };
  }
  const sign = tokens.next();
  if (sign.kind === 'word' && sign.text.toUpperCase() === 'IN')
    throw new MemoryDynamoDbError('IN in a condition');
  if (!comparators.has(sign.text)) throw tokens.unexpected(sign.text);
  return { is: 'compare', by: sign.text as Comparator, left, right: operand(tokens) };
}

const otherFunctions: ReadonlySet<string> = new Set(['attribute_type', 'contains', 'size']);

function call(tokens: Tokens): Condition {
  const { text: name } = tokens.next();
  if (otherFunctions.has(name)) throw new MemoryDynamoDbError(`the function ${name}`);
  tokens.expect('(');
  let made: Condition;
  if (name === 'attribute_exists' || name === 'attribute_not_exists') {
    made = { is: 'exists', path: tokens.path(), wanted: name === 'attribute_exists' };
  } else if (name === 'begins_with') {
    const what = operand(tokens);
    tokens.expect(',');
    made = { is: 'begins', what, prefix: operand(tokens) };
  } else {
    throw tokens.invalid(`Invalid function name; function: ${name}`);
  }
  tokens.expect(')');
  return made;
}

export function operand(tokens: Tokens): Operand {
  const found = tokens.peek();
  if (found?.kind === 'value') return { value: tokens.value() };
  const path = tokens.path();
  if (tokens.peek()?.text === '(') throw new MemoryDynamoDbError(`the function ${path.join('.')}`);
  return { path };
}
