import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { plainKeys } from '../../lib/stacks/plain-keys.ts';

describe('schemas with plain keys', () => {
  it('has the value in the place of the name of a constant, as a key alone', () => {
    const source = 'const _xN = "xmlName";\nexport var Tag$ = [3, n0, _xN, { [_xN]: _xN, [_xF]: 1 }];';
    expect(plainKeys(source)).toBe(
      'const _xN = "xmlName";\nexport var Tag$ = [3, n0, _xN, { "xmlName": _xN, [_xF]: 1 }];',
    );
  });

  it('means the same to JavaScript, a key that is special in a literal included', () => {
    const source =
      'const _a = "one";\nconst _p = "__proto__";\nreturn { [_a]: 1, [_p]: 2, deep: [{ [_a]: [_a] }] };';
    const meaningOf = (text: string): unknown => runInNewContext(`(() => {${text}})()`) as unknown;
    expect(JSON.stringify(Object.entries(meaningOf(plainKeys(source)) as object))).toBe(
      JSON.stringify(Object.entries(meaningOf(source) as object)),
    );
    expect(plainKeys(source)).toContain('"one": [_a]');
  });
});
