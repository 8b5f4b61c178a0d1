/** The list of survivors as Markdown: what was run, file by file, and why each of them survives. */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Mutant } from './mutators.ts';

interface FileFigures {
  readonly file: string;
  readonly tried: number;
  readonly killed: number;
}

const noReason = '**No reason is written down yet.**';

/**
 * @param list path of the list of an earlier run: what survives again keeps the reason that it has there
 * @param about what was run, for its head
 */
export function survivorsList(
  survivors: readonly Mutant[],
  figures: readonly FileFigures[],
  list: string,
  about: string,
): string {
  const before = existsSync(list) ? readFileSync(list, 'utf8') : '';
  const reasons = reasonsOf(before);
  const head = before.includes('\n## ') ? before.slice(0, before.indexOf('\n## ')) : '# Survivors\n';
  const sum = (count: (one: FileFigures) => number) => figures.reduce((total, one) => total + count(one), 0);
  const all = { file: '**all**', tried: sum(({ tried }) => tried), killed: sum(({ killed }) => killed) };
  const lines = [
    head.trimEnd(),
    '',
    '## Figures',
    '',
    about,
    '',
    '| file | killed | of | share |',
    '|---|---|---|---|',
  ];
  for (const { file, tried, killed } of [...figures, all]) {
    lines.push(`| ${basename(file)} | ${killed} | ${tried} | ${((100 * killed) / tried).toFixed(1)} % |`);
  }
  for (const { file } of figures) {
    const left = survivors.filter((mutant) => mutant.file === file);
    if (left.length === 0) continue;
    lines.push('', `## ${basename(file)}`, '');
    for (const { line, before: was, after } of left) {
      const change = `${code(was)} → ${code(after)}`;
      const reason = reasons.get(`${basename(file)} ${change}`)?.shift() ?? noReason;
      lines.push(`- line ${line}, ${change}:`, `  ${reason}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** By file and change, in the order of the lines: places move, what is changed there does not. */
function reasonsOf(list: string): Map<string, string[]> {
  const reasons = new Map<string, string[]>();
  for (const part of list.split('\n## ').slice(1)) {
    const [name = '', ...lines] = part.split('\n');
    for (const [index, line] of lines.entries()) {
      const change = /^- line \d+, (.*):$/.exec(line)?.[1];
      const reason = lines[index + 1]?.trim() ?? '';
      if (change === undefined || reason === noReason) continue;
      const key = `${name} ${change}`;
      reasons.set(key, [...(reasons.get(key) ?? []), reason]);
    }
  }
  return reasons;
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}
