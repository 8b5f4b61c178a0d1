import { describe, expect, it } from 'vitest';
import { faultTypes, parseFault, parseScript, ScriptError } from '../../sandbox/gateway/script.ts';

describe('scripts of faults', () => {
  it('are read with their defaults', () => {
    expect(
      parseScript([
        { type: 'drop', atTapeMs: 1_000 },
        { type: 'restart', downMs: 500, atMs: 20 },
        { type: 'half-open', clientId: 7, atTapeMs: 0 },
      ]),
    ).toEqual([
      { fault: { type: 'drop', how: 'rst' }, atTapeMs: 1_000 },
      { fault: { type: 'restart', downMs: 500 }, atMs: 20 },
      { fault: { type: 'half-open', clientId: 7, keepClientId: false }, atTapeMs: 0 },
    ]);
  });

  it('every problem is told at once, with its place and what is allowed', () => {
    const script = [
      { type: 'explode', atMs: 1 },
      { type: 'drop' },
      { type: 'drop', atMs: 1, atTapeMs: 1 },
      { type: 'drop', atMs: 'soon' },
      { type: 'restart', downMs: -1, atMs: 1 },
      { type: '1100', colour: 'red', atMs: 1 },
      'drop',
    ];
    let message = '';
    try {
      parseScript(script, 'faults.json');
    } catch (problem) {
      expect(problem).toBeInstanceOf(ScriptError);
      message = (problem as ScriptError).message;
    }
    expect(message).toContain('faults.json: [0]: type "explode"; allowed are drop, half-open, 1100');
    for (const index of [1, 2, 3, 6]) expect(message).toContain(`[${index}]: needs either atTapeMs`);
    expect(message).toContain('[4]: downMs');
    expect(message).toContain('[5]: (all): ');
    expect(message).toContain('colour');
  });

  it('must be an array', () => {
    expect(() => parseScript({ type: 'drop' })).toThrow('must be a JSON array');
  });

  it('every fault type stands alone or says what is missing', () => {
    expect(faultTypes.length).toBe(42);
    for (const type of faultTypes) {
      if (type === 'signal') expect(parseFault({ type })).toContain('pid');
      else expect(parseFault({ type })).toMatchObject({ type });
    }
  });
});
