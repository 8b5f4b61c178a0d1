import { pattern, quoted } from './completion-bash.ts';
import type { Case, Cases } from './completion-cases.ts';
import type { Word } from './completion-words.ts';

/** For a file `_evenkeel` in a folder of `fpath`, or for `source` after `compinit`. */
export function zshScript({ commands, values, words, options, global }: Cases): string {
  return `#compdef evenkeel
_evenkeel() {
  local at='' value='' word
  local -i place=0 i
  local -a offered
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $value ]]; then value=''; continue; fi
    if [[ $word == -* ]]; then
      case "$at:$word" in
        (${patterns(values)}) value=$word ;;
      esac
      continue
    fi
    case "$at:$word" in
${lines(commands, (at) => `at=${quoted(at)}; place=0`)}
      (*) place=$((place + 1)) ;;
    esac
  done
  if [[ -z $value && $PREFIX == --*=* ]]; then
    value=\${PREFIX%%=*}
    compset -P '*='
  fi
  if [[ -n $value ]]; then
    case "$at:$value" in
${lines(values, (value) => {
  if (value === 'folder') return '_files -/';
  return value === 'any' ? `_message 'a value'` : `compadd -- ${value.map(quoted).join(' ')}`;
})}
    esac
    return
  fi
  case "$at:$place" in
${lines(words, (found) => `offered=(${described(found)})`)}
  esac
  if [[ $PREFIX != -* && \${#offered} -gt 0 ]]; then
    _describe -t words 'evenkeel' offered
    return
  fi
  offered=()
  case "$at" in
${lines(options, (found) => `offered=(${described(found)})`)}
  esac
  offered+=(${described(global)})
  _describe -o 'option' offered
}
if [[ "\${funcstack[1]}" == _evenkeel ]]; then _evenkeel "$@"; else compdef _evenkeel evenkeel; fi
`;
}

function lines<T>(cases: readonly Case<T>[], then: (leadsTo: T) => string): string {
  return cases
    .map(({ patterns: found, leadsTo }) => `      (${found.map(pattern).join('|')}) ${then(leadsTo)} ;;`)
    .join('\n');
}

function patterns(cases: readonly Case<unknown>[]): string {
  return cases.flatMap((each) => each.patterns.map(pattern)).join('|');
}

/** \`'set:change one flag'\`: a colon ends the word. */
function described(words: readonly Word[]): string {
  return words
    .map(({ text, about }) => {
      const word = text.replaceAll(':', '\\:');
      return quoted(about === '' ? word : `${word}:${about}`);
    })
    .join(' ');
}
