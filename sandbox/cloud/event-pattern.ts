import { BlockList, isIP } from 'node:net';
import { CloudError } from './errors.ts';

/** A compiled EventBridge pattern. */
export type EventMatcher = (event: Readonly<Record<string, unknown>>) => boolean;

/** A test of the value at one key; undefined when the key is absent. */
type ValueTest = (value: unknown) => boolean;

/**
 * Compiles an EventBridge event pattern: exact values, prefix, suffix, anything-but (also with prefix, suffix,
 * equals-ignore-case, wildcard), numeric, exists, equals-ignore-case, wildcard, cidr and $or. Pure.
 * Throws CloudError PATTERN_UNSUPPORTED on any other operator.
 */
export function compilePattern(pattern: unknown, at = 'EventPattern'): EventMatcher {
  if (!isObject(pattern) || Object.keys(pattern).length === 0)
    throw patternError(at, 'it must be an object with at least one field');
  return compileObject(pattern, at);
}

function compileObject(pattern: Readonly<Record<string, unknown>>, at: string): EventMatcher {
  const tests = Object.entries(pattern).map(([key, rule]): EventMatcher => {
    const where = `${at}.${key}`;
    if (key === '$or') return compileOr(rule, where);
    if (isObject(rule)) return compileField(key, compileObject(rule, where));
    if (!Array.isArray(rule)) throw patternError(where, 'a field takes a list of values or an object');
    if (rule.length === 0) throw patternError(where, 'a list of values is empty, so the rule never matches');
    const alternatives = rule.map((item, index) => compileItem(item, `${where}[${index}]`));
    return (event) => alternatives.some((test) => matchesField(event, key, test));
  });
  return (event) => tests.every((test) => test(event));
}

function compileField(key: string, inner: EventMatcher): EventMatcher {
  return (event) => {
    const value = event[key];
    // EventBridge looks into each object of an array; an absent object can still satisfy `exists: false`.
    const objects = Array.isArray(value) ? value.filter(isObject) : [];
    if (objects.length > 0) return objects.some(inner);
    return inner(isObject(value) ? value : {});
  };
}

function compileOr(rule: unknown, at: string): EventMatcher {
  if (!Array.isArray(rule) || rule.length < 2)
    throw patternError(at, '$or takes a list of at least two patterns');
  const branches = rule.map((item, index) => {
    if (!isObject(item)) throw patternError(`${at}[${index}]`, '$or takes objects');
    return compileObject(item, `${at}[${index}]`);
  });
  return (event) => branches.some((branch) => branch(event));
}

const ABSENT = Symbol('absent');

/** An array in the event matches when any of its elements does. */
function matchesField(event: Readonly<Record<string, unknown>>, key: string, test: ValueTest): boolean {
  const value: unknown = Object.hasOwn(event, key) ? event[key] : ABSENT;
  if (Array.isArray(value)) return value.length === 0 ? test(ABSENT) : value.some(test);
  return test(value);
}

function compileItem(item: unknown, at: string): ValueTest {
  if (item === null || typeof item === 'string' || typeof item === 'boolean')
    return (value) => value === item;
  if (typeof item === 'number') return (value) => value === item;
  if (!isObject(item)) throw patternError(at, 'a value is text, a number, true, false, null or an operator');
  const [operator, ...more] = Object.entries(item);
  if (operator === undefined || more.length > 0)
    throw patternError(at, 'an operator object has exactly one key');
  return compileOperator(operator[0], operator[1], `${at}.${operator[0]}`);
}

function compileOperator(name: string, argument: unknown, at: string): ValueTest {
  switch (name) {
    case 'exists': {
      if (typeof argument !== 'boolean') throw patternError(at, 'exists takes true or false');
      // A leaf only: an object is not a value. An empty list counts as absent.
      return (value) => (value !== ABSENT && !isObject(value)) === argument;
    }
    case 'prefix':
      return textTest(argument, at, (text, expected) => text.startsWith(expected));
    case 'suffix':
      return textTest(argument, at, (text, expected) => text.endsWith(expected));
    case 'equals-ignore-case':
      return equalsIgnoreCase(text(argument, at));
    case 'wildcard':
      return wildcardTest(argument, at);
    case 'numeric':
      return numericTest(argument, at);
    case 'cidr':
      return cidrTest(argument, at);
    case 'anything-but':
      return anythingBut(argument, at);
    default:
      throw patternError(at, `the operator ${name} is not known`);
  }
}

/** prefix and suffix take text, or `{ "equals-ignore-case": text }`. */
function textTest(
  argument: unknown,
  at: string,
  compare: (text: string, expected: string) => boolean,
): ValueTest {
  if (isObject(argument)) {
    const { 'equals-ignore-case': inner, ...others } = argument;
    const other = Object.keys(others)[0];
    if (other !== undefined) throw patternError(at, `the operator ${other} is not known here`);
    const expected = text(inner, at).toLowerCase();
    return (value) => typeof value === 'string' && compare(value.toLowerCase(), expected);
  }
  const expected = text(argument, at);
  return (value) => typeof value === 'string' && compare(value, expected);
}

function equalsIgnoreCase(expected: string): ValueTest {
  const lower = expected.toLowerCase();
  return (value) => typeof value === 'string' && value.toLowerCase() === lower;
}

/** `*` matches any text, `\*` a star, `\\` a backslash; two stars in a row are refused, as EventBridge does. */
function wildcardTest(argument: unknown, at: string): ValueTest {
  const pattern = text(argument, at);
  if (/(?<!\\)\*\*/.test(pattern)) throw patternError(at, 'consecutive wildcard characters are not allowed');
  const source = pattern.replaceAll(/\\[*\\]|\*|[.+?^${}()|[\]\\/]/g, (part) => {
    if (part === '*') return '.*';
    if (part.length === 2) return `\\${part[1]}`;
    if (part === '\\') throw patternError(at, 'a backslash may only stand before * or \\');
    return `\\${part}`;
  });
  const expression = new RegExp(`^${source}$`, 's');
  return (value) => typeof value === 'string' && expression.test(value);
}

const COMPARISONS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '=': (value, limit) => value === limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
};

function numericTest(argument: unknown, at: string): ValueTest {
  if (!Array.isArray(argument) || (argument.length !== 2 && argument.length !== 4)) {
    throw patternError(at, 'numeric takes one or two comparisons, such as [">", 0, "<=", 5]');
  }
  const tests: ((value: number) => boolean)[] = [];
  for (let i = 0; i < argument.length; i += 2) {
    const compare = COMPARISONS[String(argument[i])];
    const limit: unknown = argument[i + 1];
    if (compare === undefined) throw patternError(at, `the comparison ${String(argument[i])} is not known`);
    if (typeof limit !== 'number') throw patternError(at, 'numeric compares with numbers');
    tests.push((value) => compare(value, limit));
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

function cidrTest(argument: unknown, at: string): ValueTest {
  const [, address = '', bits = ''] = /^(.+)\/(\d+)$/.exec(text(argument, at)) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128))
    throw patternError(at, 'cidr takes an address block such as 10.0.0.0/24');
  const block = new BlockList();
  block.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return (value) => {
    const valueFamily = typeof value === 'string' ? isIP(value) : 0;
    return valueFamily === family && block.check(value as string, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/** True for a present value that is none of the given; an absent field never matches. */
function anythingBut(argument: unknown, at: string): ValueTest {
  const tests: ValueTest[] = [];
  if (isObject(argument)) {
    const [operator, ...more] = Object.entries(argument);
    if (operator === undefined || more.length > 0)
      throw patternError(at, 'an operator object has exactly one key');
    const [name, inner] = operator;
    if (!['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(name)) {
      throw patternError(at, `the operator ${name} is not known inside anything-but`);
    }
    for (const one of Array.isArray(inner) ? (inner as unknown[]) : [inner]) {
      tests.push(compileOperator(name, text(one, at), `${at}.${name}`));
    }
  } else {
    const values = Array.isArray(argument) ? (argument as unknown[]) : [argument];
    if (values.length === 0 || !values.every((v) => typeof v === 'string' || typeof v === 'number')) {
      throw patternError(at, 'anything-but takes text or numbers');
    }
    tests.push((value) => values.includes(value as string));
  }
  return (value) => value !== ABSENT && !isObject(value) && !tests.some((test) => test(value));
}

function text(value: unknown, at: string): string {
  if (typeof value !== 'string') throw patternError(at, 'the operator takes text');
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function patternError(at: string, what: string): CloudError {
  return new CloudError(
    'PATTERN_UNSUPPORTED',
    `The event pattern cannot be used at ${at}: ${what}.`,
    'See docs/local-cloud.md for the operators that are known; a rule that cannot be evaluated is never guessed at.',
  );
}
