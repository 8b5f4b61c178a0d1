/** The tables of a completion script: the same questions in all shells, asked as `command:word`. */
import type { Offer, OfferedOption, Offers, Word } from './completion-words.ts';

/** One line of a `case`: patterns, and what they lead to. */
export interface Case<T> {
  readonly patterns: readonly string[];
  readonly leadsTo: T;
}

export interface Cases {
  /** `flags:set` leads to the command `flags set`. */
  readonly commands: readonly Case<string>[];
  /** `order place:--side` leads to what may follow; switches are not in it. */
  readonly values: readonly Case<Exclude<OfferedOption['value'], 'none'>>[];
  /** `flags set:0`: words of the first argument; where a command has commands below it, these. */
  readonly words: readonly Case<readonly Word[]>[];
  /** By command. */
  readonly options: readonly Case<readonly Word[]>[];
  /** Of every command. */
  readonly global: readonly Word[];
}

export function casesOf({ commands, global }: Offers): Cases {
  return {
    commands: commands.flatMap((offer) =>
      offer.commands.map(({ text }) => ({
        patterns: [`${offer.at}:${text}`],
        leadsTo: `${offer.at} ${text}`.trim(),
      })),
    ),
    // Those of a command stand before those of all.
    values: [...commands.flatMap((offer) => valuesOf(offer.at, offer.options)), ...valuesOf('*', global)],
    words: commands.flatMap(wordsOf),
    options: commands
      .filter(({ options }) => options.length > 0)
      .map(({ at, options }) => ({ patterns: [at], leadsTo: optionWords(options) })),
    global: optionWords(global),
  };
}

function valuesOf(at: string, options: readonly OfferedOption[]): Cases['values'] {
  return options.flatMap(({ names, value }) =>
    value === 'none' ? [] : [{ patterns: names.map((name) => `${at}:${name}`), leadsTo: value }],
  );
}

function wordsOf({ at, commands, arguments: args }: Offer): Cases['words'] {
  const first: readonly Word[] = [...commands, ...plainWords(args[0] ?? [])];
  return [first, ...args.slice(1).map(plainWords)]
    .map((leadsTo, place) => ({ patterns: [`${at}:${place}`], leadsTo }))
    .filter(({ leadsTo }) => leadsTo.length > 0);
}

function plainWords(words: readonly string[]): readonly Word[] {
  return words.map((text) => ({ text, about: '' }));
}

function optionWords(options: readonly OfferedOption[]): readonly Word[] {
  return options.flatMap(({ names, about }) => names.map((text) => ({ text, about })));
}
