/** `evenkeel completion`: a script that offers commands, options and their words where the shell's Tab is pressed. */
import type { Command } from 'commander';
import { chosenArgument } from './choices.ts';
import type { Cli } from './cli.ts';
import { bashScript } from './completion-bash.ts';
import { type Cases, casesOf } from './completion-cases.ts';
import { fishScript } from './completion-fish.ts';
import { offersOf } from './completion-words.ts';
import { zshScript } from './completion-zsh.ts';
import { CliError } from './exit.ts';
import type { Io } from './io.ts';
import { validName } from './valid-names.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const scripts: Readonly<Record<Shell, (cases: Cases) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** No stage is opened for it: a shell reads the script at its start. */
export function addCompletion({ program }: Pick<Cli, 'program'>, io: Io): void {
  program
    .command('completion')
    .description('print a script that completes evenkeel’s commands, options and their words in your shell')
    .addArgument(
      chosenArgument('<shell>', 'your shell', shells, (shell) => validName('shell', shell, shells)),
    )
    .action(function (this: Command) {
      if (this.optsWithGlobals<{ json?: boolean }>().json)
        throw new CliError('OPTION_MISPLACED', 'A script for a shell is no JSON. Leave --json out.');
      const [shell] = this.processedArgs as [Shell];
      io.out.write(scripts[shell](casesOf(offersOf(program))));
    });
}
