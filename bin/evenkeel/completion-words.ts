/** What a shell can offer, read from the program itself. */
import type { Argument, Command, Option } from 'commander';

export interface Word {
  readonly text: string;
  readonly about: string;
}

export interface OfferedOption {
  /** `--follow`, and `-f` where there is one. */
  readonly names: readonly string[];
  readonly about: string;
  /** Nothing for a switch; else what may follow: the words, a folder, or anything. */
  readonly value: 'none' | 'any' | 'folder' | readonly string[];
}

/** One command, or the program itself. */
export interface Offer {
  /** `flags set`; empty for the program. */
  readonly at: string;
  readonly commands: readonly Word[];
  /** Words of each argument in turn; empty where anything may stand. */
  readonly arguments: readonly (readonly string[])[];
  readonly options: readonly OfferedOption[];
}

export interface Offers {
  readonly commands: readonly Offer[];
  /** Options of every command. */
  readonly global: readonly OfferedOption[];
}

export function offersOf(program: Command): Offers {
  const helper = program.createHelp();
  return {
    commands: below(program, ''),
    global: helper.visibleOptions(program).map(offered),
  };
}

function below(command: Command, at: string): Offer[] {
  const helper = command.createHelp();
  const named = helper.visibleCommands(command);
  const own: Offer = {
    at,
    commands: named.map((each) => ({ text: each.name(), about: each.description() })),
    arguments: command.registeredArguments.map(({ argChoices }: Argument) => argChoices ?? []),
    options: command.parent === null ? [] : command.options.filter(({ hidden }) => !hidden).map(offered),
  };
  const further = named.flatMap((each) => {
    const path = `${at} ${each.name()}`.trim();
    if (command.commands.includes(each)) return below(each, path);
    // The command `help` of the library is none of the program's own: it takes the names of its neighbours.
    const names = command.commands.map((neighbour) => neighbour.name());
    return [{ at: path, commands: [], arguments: [names], options: [] }];
  });
  return [own, ...further];
}

function offered({ short, long, description, argChoices, required, optional, flags }: Option): OfferedOption {
  const names = [long, short].filter((name) => name !== undefined);
  if (!required && !optional) return { names, about: description, value: 'none' };
  return { names, about: description, value: argChoices ?? (flags.includes('<dir>') ? 'folder' : 'any') };
}
