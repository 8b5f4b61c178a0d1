/**
 * The commands of a page that begin so, in their order: from its code blocks, without comments, as the words that a shell makes
 * of them (double quotes only).
 */
export function commandsOf(markdown: string, beginning: string): string[][] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text]) => text ?? '');
  return blocks
    .flatMap((block) => block.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line.startsWith(`${beginning} `))
    .map((line) => wordsOf(line.slice(beginning.length)));
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [, quoted, bare] of text.matchAll(/"([^"]*)"|(\S+)/g)) {
    if (bare?.startsWith('#')) break;
    words.push(quoted ?? bare ?? '');
  }
  return words;
}
