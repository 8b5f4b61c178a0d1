import type { Session } from './session.ts';
import type { View } from './view.ts';

const widthMax = 110;

/** Where something is drawn, and when. */
export interface Page {
  readonly view: View;
  readonly columns: number;
  readonly nowMs: number;
}

export function pageOf({ view, io }: Pick<Session, 'view' | 'io'>): Page {
  return { view, columns: io.out.columns, nowMs: io.nowMs() };
}

/** A text in lines that fit, each behind the indent. A word that is longer than a line stands alone. */
export function wrapped(text: string, columns: number, indent: string): string[] {
  const width = Math.max(20, Math.min(columns, widthMax) - indent.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').filter((each) => each !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines.map((each) => indent + each);
}
