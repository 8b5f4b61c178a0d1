import { Argument, Option } from 'commander';

/**
 * An option whose words the help lists and the shell completes.
 *
 * @param parse refuses other words as we say it, with the one most likely meant; without it they are refused elsewhere
 */
export function chosenOption(
  flags: string,
  description: string,
  words: readonly string[],
  parse: (text: string) => unknown = (text) => text,
): Option {
  return new Option(flags, description).choices(words).argParser(parse);
}

/** The same for an argument. */
export function chosenArgument(
  name: string,
  description: string,
  words: readonly string[],
  parse: (text: string) => unknown,
): Argument {
  return new Argument(name, description).choices(words).argParser(parse);
}
