import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../sandbox/cloud/event-pattern.ts';

type Row = [what: string, pattern: unknown, event: Record<string, unknown>, matches: boolean];

const detail = (value: unknown): Record<string, unknown> => ({ detail: { x: value } });
const on = (rule: unknown): unknown => ({ detail: { x: rule } });

const table: Row[] = [
  ['an exact text', on(['a']), detail('a'), true],
  ['another text', on(['a']), detail('b'), false],
  ['one of several values', on(['a', 'b']), detail('b'), true],
  ['an exact number', on([5]), detail(5), true],
  ['a number written as text', on([5]), detail('5'), false],
  ['true', on([true]), detail(true), true],
  ['null', on([null]), detail(null), true],
  ['null against an absent field', on([null]), { detail: {} }, false],
  ['every field must match', { a: ['1'], b: ['2'] }, { a: '1', b: '3' }, false],
  ['an array of the event by any element', on(['b']), detail(['a', 'b']), true],
  ['an array without the value', on(['c']), detail(['a', 'b']), false],
  [
    'objects in an array',
    { detail: { legs: { side: ['BUY'] } } },
    { detail: { legs: [{ side: 'SELL' }, { side: 'BUY' }] } },
    true,
  ],
  [
    'two fields within one object of an array',
    { detail: { legs: { side: ['BUY'], n: [1] } } },
    {
      detail: {
        legs: [
          { side: 'BUY', n: 2 },
          { side: 'SELL', n: 1 },
        ],
      },
    },
    false,
  ],
  ['prefix', on([{ prefix: 'can' }]), detail('candle'), true],
  ['prefix elsewhere', on([{ prefix: 'dle' }]), detail('candle'), false],
  ['prefix, any case', on([{ prefix: { 'equals-ignore-case': 'CAN' } }]), detail('candle'), true],
  ['suffix', on([{ suffix: 'dle' }]), detail('candle'), true],
  ['suffix elsewhere', on([{ suffix: 'can' }]), detail('candle'), false],
  ['suffix, any case', on([{ suffix: { 'equals-ignore-case': 'DLE' } }]), detail('candle'), true],
  ['equals-ignore-case', on([{ 'equals-ignore-case': 'Candle' }]), detail('cANDLE'), true],
  ['anything-but a text', on([{ 'anything-but': 'a' }]), detail('b'), true],
  ['anything-but the same text', on([{ 'anything-but': 'a' }]), detail('a'), false],
  ['anything-but a list', on([{ 'anything-but': ['a', 'b'] }]), detail('b'), false],
  ['anything-but numbers', on([{ 'anything-but': [1, 2] }]), detail(3), true],
  ['anything-but against an absent field', on([{ 'anything-but': 'a' }]), { detail: {} }, false],
  ['anything-but prefix', on([{ 'anything-but': { prefix: 'can' } }]), detail('tick'), true],
  ['anything-but prefix of the value', on([{ 'anything-but': { prefix: 'can' } }]), detail('candle'), false],
  ['anything-but suffixes', on([{ 'anything-but': { suffix: ['a', 'b'] } }]), detail('xb'), false],
  [
    'anything-but equals-ignore-case',
    on([{ 'anything-but': { 'equals-ignore-case': ['A'] } }]),
    detail('a'),
    false,
  ],
  ['anything-but wildcard', on([{ 'anything-but': { wildcard: '*dl*' } }]), detail('candle'), false],
  ['numeric above', on([{ numeric: ['>', 5] }]), detail(6), true],
  ['numeric on its bound', on([{ numeric: ['>', 5] }]), detail(5), false],
  ['numeric range', on([{ numeric: ['>', 0, '<=', 5] }]), detail(5), true],
  ['numeric equal', on([{ numeric: ['=', 3] }]), detail(3.0), true],
  ['numeric against text', on([{ numeric: ['>', 5] }]), detail('6'), false],
  ['exists', on([{ exists: true }]), detail('anything'), true],
  ['exists with null', on([{ exists: true }]), detail(null), true],
  ['exists, absent', on([{ exists: true }]), { detail: {} }, false],
  ['exists false, absent', on([{ exists: false }]), { detail: {} }, true],
  ['exists false, the parent absent too', { a: { b: [{ exists: false }] } }, {}, true],
  ['exists false, present', on([{ exists: false }]), detail(1), false],
  ['exists on an object, which is no leaf', on([{ exists: true }]), detail({ y: 1 }), false],
  ['exists false or a value', on([{ exists: false }, 'a']), detail('a'), true],
  ['a replay is left out', { 'replay-name': [{ exists: false }] }, { 'replay-name': 'again' }, false],
  ['wildcard', on([{ wildcard: 'a*c*e' }]), detail('abcde'), true],
  ['wildcard matches nothing too', on([{ wildcard: 'a*b' }]), detail('ab'), true],
  ['wildcard with another end', on([{ wildcard: 'a*b' }]), detail('abc'), false],
  ['wildcard, dots are literal', on([{ wildcard: 'a.c*' }]), detail('abc'), false],
  ['wildcard, an escaped star', on([{ wildcard: String.raw`a\**` }]), detail('a*bc'), true],
  ['wildcard, an escaped star is no wildcard', on([{ wildcard: String.raw`a\*` }]), detail('abc'), false],
  ['wildcard, an escaped backslash', on([{ wildcard: String.raw`a\\*` }]), detail(String.raw`a\b`), true],
  ['cidr', on([{ cidr: '10.0.0.0/24' }]), detail('10.0.0.255'), true],
  ['cidr, outside', on([{ cidr: '10.0.0.0/24' }]), detail('10.0.1.0'), false],
  ['cidr, version 6', on([{ cidr: '2001:db8::/32' }]), detail('2001:db8::1'), true],
  ['cidr, no address', on([{ cidr: '10.0.0.0/24' }]), detail('ten'), false],
  ['$or, the first', { $or: [{ a: ['1'] }, { b: ['2'] }] }, { a: '1', b: 'x' }, true],
  ['$or, the second', { $or: [{ a: ['1'] }, { b: ['2'] }] }, { a: 'x', b: '2' }, true],
  ['$or, neither', { $or: [{ a: ['1'] }, { b: ['2'] }] }, { a: 'x', b: 'x' }, false],
  ['$or beside a field', { c: ['3'], $or: [{ a: ['1'] }, { b: ['2'] }] }, { a: '1', c: 'x' }, false],
  [
    '$or inside a field',
    { detail: { $or: [{ n: [{ numeric: ['>', 5] }] }, { s: ['GC'] }] } },
    { detail: { n: 1, s: 'GC' } },
    true,
  ],
];

describe('event patterns', () => {
  it.each(table)('%s', (_what, pattern, event, matches) => {
    expect(compilePattern(pattern)(event)).toBe(matches);
  });

  it.each([
    [
      'an unknown operator',
      on([{ regex: 'a' }]),
      'EventPattern.detail.x[0].regex: the operator regex is not known',
    ],
    [
      'an unknown operator inside anything-but',
      on([{ 'anything-but': { numeric: ['>', 5] } }]),
      'the operator numeric is not known inside anything-but',
    ],
    ['two operators in one object', on([{ prefix: 'a', suffix: 'b' }]), 'exactly one key'],
    ['a value outside a list', { source: 'evenkeel.streamer' }, 'EventPattern.source: a field takes a list'],
    ['an empty list', { source: [] }, 'never matches'],
    ['an empty pattern', {}, 'at least one field'],
    ['a missing pattern', undefined, 'must be an object'],
    ['a comparison that is not known', on([{ numeric: ['!=', 5] }]), 'the comparison != is not known'],
    ['consecutive wildcards', on([{ wildcard: 'a**b' }]), 'consecutive wildcard'],
    ['a bad address block', on([{ cidr: '10.0.0.0' }]), 'address block'],
    ['an address block beyond its bits', on([{ cidr: '10.0.0.0/33' }]), 'address block'],
    ['exists with text', on([{ exists: 'yes' }]), 'true or false'],
    ['$or with one branch', { $or: [{ a: ['1'] }] }, 'at least two'],
  ])('refuses %s', (_what, pattern, message) => {
    expect(() => compilePattern(pattern)).toThrowError(
      expect.objectContaining({ code: 'PATTERN_UNSUPPORTED' }),
    );
    expect(() => compilePattern(pattern)).toThrowError(message);
  });

  it('property: a list of exact values matches those values and no others', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), fc.string(), (values, value) => {
        expect(compilePattern(on(values))(detail(value))).toBe(values.includes(value));
      }),
    );
  });

  it('property: anything-but is the complement of the exact match for a present value', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), fc.string(), (values, value) => {
        const exact = compilePattern(on(values))(detail(value));
        expect(compilePattern(on([{ 'anything-but': values }]))(detail(value))).toBe(!exact);
      }),
    );
  });

  it('property: prefix, suffix and wildcard agree with the text functions', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '('), minLength: 1 });
    fc.assert(
      fc.property(letters, letters, (part, text) => {
        expect(compilePattern(on([{ prefix: part }]))(detail(text))).toBe(text.startsWith(part));
        expect(compilePattern(on([{ suffix: part }]))(detail(text))).toBe(text.endsWith(part));
        expect(compilePattern(on([{ wildcard: `${part}*` }]))(detail(text))).toBe(text.startsWith(part));
        expect(compilePattern(on([{ wildcard: `*${part}*` }]))(detail(text))).toBe(text.includes(part));
      }),
    );
  });

  it('property: $or matches exactly when a branch does', () => {
    const value = fc.constantFrom('1', '2', '3');
    fc.assert(
      fc.property(value, value, value, value, (wantedA, wantedB, a, b) => {
        expect(compilePattern({ $or: [{ a: [wantedA] }, { b: [wantedB] }] })({ a, b })).toBe(
          a === wantedA || b === wantedB,
        );
      }),
    );
  });

  it('property: numeric ranges agree with comparison', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.integer(), fc.integer(), (value, low, high) => {
        expect(compilePattern(on([{ numeric: ['>=', low, '<', high] }]))(detail(value))).toBe(
          value >= low && value < high,
        );
      }),
    );
  });
});
