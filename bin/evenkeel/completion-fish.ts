import type { Case, Cases } from './completion-cases.ts';
import type { Word } from './completion-words.ts';

export function fishScript({ commands, values, words, options, global }: Cases): string {
  return `function __evenkeel_offer
    set -l at ''
    set -l value ''
    set -l place 0
    set -l before ''
    set -l typed (commandline -ct)
    set -l given (commandline -opc)
    set -e given[1]
    for word in $given
        if test -n "$value"
            set value ''
            continue
        end
        if string match -q -- '-*' $word
            switch "$at:$word"
                case ${patterns(values)}
                    set value $word
            end
            continue
        end
        switch "$at:$word"
${lines(commands, (at) => `set at ${quoted(at)}; set place 0`)}
            case '*'
                set place (math $place + 1)
        end
    end
    if test -z "$value"; and string match -q -- '--*=*' "$typed"
        set value (string replace -r '=.*' '' -- $typed)
        set before "$value="
    end
    if test -n "$value"
        switch "$at:$value"
${lines(values, (value) => {
  if (value === 'folder')
    return '__fish_complete_directories (string replace -- "$before" "" "$typed") | string replace -r -- "^" "$before"';
  return value === 'any'
    ? 'true'
    : `printf '%s\\n' ${value.map((word) => `"$before"${quoted(word)}`).join(' ')}`;
})}
        end
        return
    end
    set -l offered
    switch "$at:$place"
${lines(words, (found) => `set offered ${described(found)}`)}
    end
    if not string match -q -- '-*' "$typed"; and test (count $offered) -gt 0
        printf '%s\\n' $offered
        return
    end
    switch "$at"
${lines(options, (found) => `printf '%s\\n' ${described(found)}`)}
    end
    printf '%s\\n' ${described(global)}
end
complete -c evenkeel -f -a '(__evenkeel_offer)'
`;
}

function lines<T>(cases: readonly Case<T>[], then: (leadsTo: T) => string): string {
  return cases
    .map(
      ({ patterns: found, leadsTo }) =>
        `            case ${found.map(quoted).join(' ')}\n                ${then(leadsTo)}`,
    )
    .join('\n');
}

function patterns(cases: readonly Case<unknown>[]): string {
  return cases.flatMap((each) => each.patterns.map(quoted)).join(' ');
}

/** A tab stands between the word and what it is. */
function described(words: readonly Word[]): string {
  return words
    .map(({ text, about }) => (about === '' ? quoted(text) : `${quoted(text)}\\t${quoted(about)}`))
    .join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
