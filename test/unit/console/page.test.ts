import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bundlePage } from '../../../console/server/bundle.ts';

const budgetBytes = 150 * 1024;

describe('the page', async () => {
  const files = await bundlePage();

  it('is under 150 KiB compressed, all of it', () => {
    const bytes = [...files.values()].reduce((sum, { body }) => sum + gzipSync(body).length, 0);
    expect(bytes).toBeLessThan(budgetBytes);
    // It is there at all.
    expect(bytes).toBeGreaterThan(50 * 1024);
  });

  it('loads nothing from elsewhere and has nothing inline', () => {
    const html = files.get('/')!.body.toString();
    expect([...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address)).toEqual([
      '/icon.svg',
      '/page.css',
      '/page.js',
    ]);
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script[^>]*>[^<]/);
    expect(files.get('/page.css')!.body.toString()).not.toMatch(/url\(|@import/);
  });
});

describe('its colours', () => {
  const css = readFileSync(new URL('../../../console/page/style.css', import.meta.url), 'utf8');
  const pairs = new Map(
    [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
      ([, name = '', light = '', dark = '']) => [name, [light, dark]] as const,
    ),
  );
  const grounds = ['ground', 'card', 'card-2'];
  const words = ['text', 'text-2', 'muted', 'accent', 'good', 'warn', 'bad', 'info'];
  const cases = [
    ...words.flatMap((word) => grounds.map((ground) => [word, ground] as const)),
    ...(['good', 'warn', 'bad', 'info', 'accent'] as const).map((name) => [name, `${name}-ground`] as const),
    ...(['good-ground', 'warn-ground', 'bad-ground'] as const).flatMap((ground) =>
      ['text', 'accent'].map((word) => [word, ground] as const),
    ),
    ['on-accent', 'accent'] as const,
    ['card', 'bad'] as const,
  ];

  it.each(cases)('%s on %s can be read, light and dark (WCAG AA, 4.5 to 1)', (word, ground) => {
    for (const theme of [0, 1]) {
      const [front, back] = [pairs.get(word)?.[theme], pairs.get(ground)?.[theme]];
      expect(contrast(front!, back!), `${word} ${front} on ${ground} ${back}`).toBeGreaterThanOrEqual(4.5);
    }
  });
});

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
