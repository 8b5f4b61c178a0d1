/**
 * The names that a seed document mentions, found by their form alone: files, folders, classes, flags, environment
 * variables, configuration keys, events, enum values, commands, tests. What the form cannot tell from prose (single
 * lower-case words in running text) is left out unless it stands between backticks.
 */
export function seedNames(text: string): string[] {
  const names = new Set<string>();
  for (const span of codeSpans(text)) names.add(plainName(span));
  for (const block of fencedBlocks(text)) {
    for (const line of block.lines)
      for (const name of keyNames(line, block.language)) names.add(plainName(name));
  }
  // Blanks take the place of what was found, so that a path is not found again in pieces.
  let rest = text.replaceAll(/https?:\/\/\S+/g, ' ').replaceAll(/^```.*$/gm, '');
  for (const form of forms) {
    rest = rest.replaceAll(form, (found) => {
      names.add(plainName(found));
      return ' ';
    });
  }
  names.delete('');
  return [...names].sort();
}

/** One spelling for a name: no `./`, no call brackets with nothing in them, no closing slash, single blanks. */
export function plainName(text: string): string {
  return text
    .trim()
    .replace(/^(?:\.\.?\/)+/, '')
    .replace(/\(\)$/, '')
    .replace(/[/:.,]+$/, '')
    .replaceAll(/\s+/g, ' ');
}

/** In the order in which they are taken out of the text. */
const forms: readonly RegExp[] = [
  // Container images and distribution names with a tag.
  /\bghcr\.io\/[\w./:-]+/g,
  // Dated backups, before the paths that they are part of.
  /db_backup_YYYYMMDD_HHMMSS(?:\.\w+)?/g,
  // Files, with or without folders; `.env.template` and the like too.
  /(?:[\w.-]+\/)*[\w-]+\.(?:py|sh|md|ya?ml|json|db|sql|log|rs|toml|txt)\b/g,
  /(?<![\w/])\.env(?:\.template)?\b/g,
  // Folders: at least one slash at the end, or a leading `./`.
  /(?<![\w<])(?:\.\/)?[\w-]+(?:\/[\w-]+)*\/(?=[\s`'")]|$)/gm,
  // Options of commands.
  /(?<![\w-])--[a-z][a-z-]*\w/g,
  // ALL_CAPS, snake_case and _private names.
  /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g,
  /(?<![\w.])_?[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b(?:\(\))?/g,
  // CamelCase and camelCase with at least two humps.
  /\b(?:[A-Z]{2,}[a-z]+|[A-Z][a-z0-9]+)(?:[A-Z][a-z0-9]+)+\b/g,
  /\b[A-Z]{2,}[a-z]{3,}\b/g,
  /\b[a-z]+(?:[A-Z][a-z]+)+\b/g,
];

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

function fencedBlocks(text: string): Block[] {
  return [...text.matchAll(/^[ ]*```(\w*)\n([\s\S]*?)^[ ]*```/gm)].map((match) => ({
    language: match[1] ?? '',
    lines: (match[2] ?? '').split('\n'),
  }));
}

function codeSpans(text: string): string[] {
  const prose = text.replaceAll(/^[ ]*```\w*\n[\s\S]*?^[ ]*```/gm, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
}

/** Single words that only their place in a block makes a name: keys, columns, keywords, members, tree entries. */
function keyNames(line: string, language: string): string[] {
  const of = (form: RegExp): string[] => [...line.matchAll(form)].map((match) => match[1] ?? '');
  switch (language) {
    case 'yaml':
      return of(/^\s*([a-z_]+):/g);
    case 'json':
      return of(/"([a-z_]+)":/g);
    case 'sql':
      return [...of(/^\s+([a-z_]+) [A-Z]+/g), ...of(/(?:TABLE|INDEX) (\w+)/g)];
    case 'python':
      return [
        ...of(/^\s+(\w+): \w+/g),
        ...of(/(?<![.\w])\w+\.([a-z]\w*)\(/g),
        ...of(/[(\s](\w+)=(?=[\w'"[])/g),
      ];
    case 'bash':
      return [
        ...of(/^([A-Z_]+)=/g),
        ...of(/^(?:\.\/)?([a-z][\w-]*)(?= [^=]|$)/g),
        ...of(/\b([A-Z_]+): (?:true|false)/g),
      ];
    default:
      return [...of(/^([a-z][\w-]+)[>=]=/g), ...of(/[├└]── ([\w./-]+)/g)];
  }
}
