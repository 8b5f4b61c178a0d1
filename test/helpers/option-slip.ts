/** What `parseArgs` of node:util says of a wrong option, with the option that was most likely meant. */
import { nearest } from '../../config/nearest.ts';

/** @param valid names without their dashes */
export function optionProblem(error: Error, valid: readonly string[]): string {
  const [, given] = /^Unknown option '--([^'=]+)/.exec(error.message) ?? [];
  if (given === undefined) return error.message;
  const meant = nearest(given, valid);
  const advice =
    meant === undefined
      ? `Valid: ${valid.map((name) => `--${name}`).join(', ')}.`
      : `Did you mean --${meant}?`;
  return `There is no option --${given}. ${advice}`;
}
