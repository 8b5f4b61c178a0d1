import { CliError } from './exit.ts';

/** The functions take no longer one. */
const reasonMax = 500;

/** @throws CliError REASON_NEEDED, REASON_TOO_LONG */
export function reasonOf(reason: string | undefined, longest = reasonMax): string {
  const text = reason?.trim() ?? '';
  if (text === '')
    throw new CliError(
      'REASON_NEEDED',
      'Say why: --reason "..." must not be empty; the audit trail keeps it.',
    );
  if (text.length <= longest) return text;
  throw new CliError('REASON_TOO_LONG', `The reason has ${text.length} characters; allowed: ${longest}.`);
}
