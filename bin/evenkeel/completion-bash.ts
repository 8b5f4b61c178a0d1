import type { Case, Cases } from './completion-cases.ts';
import type { Word } from './completion-words.ts';

/** For bash from 3.2 on, which macOS still has: no associative arrays, no `mapfile`. */
export function bashScript({ commands, values, words, options, global }: Cases): string {
  return `_evenkeel() {
  local at='' value='' place=0 offered='' word i
  local typed=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # Bash takes --stage=paper for three words, and so 14:30, of which the last is none of its own.
    if [[ $word == '=' ]]; then continue; fi
    if [[ $word == ':' ]]; then i=$((i + 1)); continue; fi
    if [[ -n $value ]]; then value=''; continue; fi
    if [[ $word == -* ]]; then
      case "$at:$word" in
        ${patterns(values)}) value=$word ;;
      esac
      continue
    fi
    case "$at:$word" in
${lines(commands, (at) => `at=${quoted(at)}; place=0`)}
      *) place=$((place + 1)) ;;
    esac
  done
  if [[ $typed == '=' ]]; then typed=''; fi
  if [[ -n $value ]]; then
    case "$at:$value" in
${lines(values, (value) => {
  if (value === 'folder') return `COMPREPLY=($(compgen -d -- "$typed")); return`;
  return value === 'any' ? 'return' : `offered=${quoted(value.join(' '))}`;
})}
    esac
  else
    case "$at:$place" in
${lines(words, (found) => `offered=${listed(found)}`)}
    esac
    if [[ $typed == -* || -z $typed$offered ]]; then
      case "$at" in
${lines(options, (found) => `offered=${listed(found)}`)}
        *) offered='' ;;
      esac
      offered="$offered "${listed(global)}
    fi
  fi
  COMPREPLY=($(compgen -W "$offered" -- "$typed"))
}
complete -F _evenkeel evenkeel
`;
}

function lines<T>(cases: readonly Case<T>[], then: (leadsTo: T) => string): string {
  return cases
    .map(({ patterns: found, leadsTo }) => `      ${found.map(pattern).join(' | ')}) ${then(leadsTo)} ;;`)
    .join('\n');
}

function patterns(cases: readonly Case<unknown>[]): string {
  return cases.flatMap((each) => each.patterns.map(pattern)).join(' | ');
}

/** Quoted, but for the star that stands for every command. */
export function pattern(text: string): string {
  return text.startsWith('*:') ? `*${quoted(text.slice(1))}` : quoted(text);
}

function listed(words: readonly Word[]): string {
  return quoted(words.map(({ text }) => text).join(' '));
}

/** For bash and zsh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
