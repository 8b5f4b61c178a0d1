import { nearest } from '../../config/nearest.ts';
import { CliError } from './exit.ts';

/**
 * The known name that was given, in any case; else a CliError that lists the valid ones and the one most likely meant.
 *
 * @param what for the message, for example `flag`
 */
export function validName<T extends string>(what: string, given: string, valid: readonly T[]): T {
  const exact = valid.find((name) => name === given) ?? onlyMatch(given, valid);
  if (exact !== undefined) return exact;
  throw unknownName(what, given, valid);
}

export function unknownName(what: string, given: string, valid: readonly string[], where = ''): CliError {
  const meant = nearest(given, valid);
  const list = valid.length === 0 ? 'there is none' : `valid: ${valid.join(', ')}`;
  return new CliError(
    `${what.toUpperCase().replaceAll(/\W+/g, '_')}_UNKNOWN`,
    `There is no ${what} ${given}${where}; ${list}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
  );
}

/** Case does not matter where it leaves one name. */
function onlyMatch<T extends string>(given: string, valid: readonly T[]): T | undefined {
  const matching = valid.filter((name) => name.toLowerCase() === given.toLowerCase());
  return matching.length === 1 ? matching[0] : undefined;
}
