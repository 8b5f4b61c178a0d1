/**
 * Field types of the configuration. Each carries one text that says what is allowed: it is the error message, and the
 * column "allowed" of docs/configuration.md.
 */
import * as z from 'zod';

export function int(min: number, max: number, description: string) {
  const allowed = `an integer from ${min} to ${max}`;
  return z
    .int({ error: allowed })
    .min(min, { error: allowed })
    .max(max, { error: allowed })
    .meta({ allowed, description });
}

export function fraction(min: number, max: number, description: string) {
  const allowed = `a number from ${min} to ${max}`;
  return z
    .number({ error: allowed })
    .min(min, { error: allowed })
    .max(max, { error: allowed })
    .meta({ allowed, description });
}

export function text(description: string, allowed = 'text, not empty', pattern = /\S/) {
  return z.string({ error: allowed }).regex(pattern, { error: allowed }).meta({ allowed, description });
}

export function oneOf<const T extends readonly string[]>(values: T, description: string) {
  const allowed = `one of: ${values.join(', ')}`;
  return z.enum(values, { error: allowed }).meta({ allowed, description });
}

export function oneOfNumbers<const T extends readonly number[]>(values: T, description: string) {
  const allowed = `one of: ${values.join(', ')}`;
  return z.literal(values, { error: allowed }).meta({ allowed, description });
}

export function flag(description: string) {
  const allowed = 'true or false';
  return z.boolean({ error: allowed }).meta({ allowed, description });
}

export function timeZone(description: string) {
  const allowed = 'an IANA time zone, for example Europe/Stockholm';
  return z.string({ error: allowed }).refine(isTimeZone, { error: allowed }).meta({ allowed, description });
}

function isTimeZone(name: string): boolean {
  try {
    // Only a name with a place, or UTC: abbreviations such as EST ignore daylight saving time.
    return (
      (name.includes('/') || name === 'UTC') && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
    );
  } catch {
    return false;
  }
}

/** One strict section: an unknown key is an error. */
export function section<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'keys and values' : undefined),
  });
}
