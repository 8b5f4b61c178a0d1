import { ServiceError } from './aws-errors.ts';

/**
 * Compiles a filter pattern of CloudWatch Logs, as far as it is made of terms: `ERROR`, `"two words"`, `-debug` (must
 * not be there) and `?ERROR ?WARN` (at least one). Patterns of JSON fields, columns and regular expressions are refused.
 */
export function compileLogFilter(pattern: unknown): (message: string) => boolean {
  const text = String(pattern ?? '').trim();
  if (/^[{[%]/.test(text))
    throw new ServiceError(
      'InvalidParameterException',
      'The local cloud filters logs by terms only (ERROR, "two words", -debug, ?ERROR ?WARN), not by fields, columns or expressions.',
    );
  const all: string[] = [];
  const none: string[] = [];
  const some: string[] = [];
  for (const [, sign = '', quoted, plain] of text.matchAll(/([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)) {
    const term = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '';
    if (sign === '-') none.push(term);
    else if (sign === '?') some.push(term);
    else all.push(term);
  }
  return (message) =>
    all.every((term) => message.includes(term)) &&
    !none.some((term) => message.includes(term)) &&
    (some.length === 0 || some.some((term) => message.includes(term)));
}
