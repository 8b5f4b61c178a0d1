/** Values that stand where a secret should: they come out of examples, and a login with one of them counts as a failed one. */

export type Filled = 'filled' | 'empty' | 'placeholder';

const whole =
  /^(?:\.{2,}|…|-+|\*+|x{2,}|<.*>|\[.*\]|\{.*\}|\$\{?\w+\}?|none|null|undefined|secret|pass(?:word)?|user(?:name|id)?|dummy|test|todo|tbd)$/i;
const anywhere =
  /change[-_ ]?me|place[-_ ]?holder|replace[-_ ]?(?:me|this|with)|your[-_ ]|example\.(?:com|org|net)\b/i;

/** What a value is, without saying it. An object is as bad as the worst of its values. */
export function filled(value: unknown): Filled {
  if (typeof value === 'object' && value !== null) {
    const states = Object.values(value).map(filled);
    if (states.length === 0 || states.includes('empty')) return 'empty';
    return states.includes('placeholder') ? 'placeholder' : 'filled';
  }
  const text = value === null || value === undefined ? '' : String(value).trim();
  if (text === '') return 'empty';
  return whole.test(text) || anywhere.test(text) ? 'placeholder' : 'filled';
}
