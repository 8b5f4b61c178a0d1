import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { denialCodes } from '../../lib/domain/safety/gate-types.ts';
import { standardPort } from '../../lib/domain/safety/paper-or-live.ts';
import { positionSize } from '../../lib/domain/safety/sizing.ts';
import { noLimits } from '../helpers/gate-picture.ts';

const page = readFileSync(join(fileURLToPath(new URL('../..', import.meta.url)), 'docs/risk.md'), 'utf8');

/** Rows of the table of a section, as cells. */
function rows(heading: string): string[][] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| (.+) \|$/gm)].slice(1).map((match) => match[1]!.split(' | '));
}

describe('docs/risk.md', () => {
  it('has every code, in order, with what it means, what is looked at and what to do', () => {
    expect(rows('The codes').map(([code]) => code)).toEqual(denialCodes.map((code) => `\`${code}\``));
    expect(
      rows('The codes').filter((cells) => cells.length !== 4 || cells.some((cell) => cell === '')),
    ).toEqual([]);
  });

  it('names every limit', () => {
    expect(Object.keys(noLimits).filter((name) => !page.includes(`risk.${name}\``))).toEqual([]);
  });

  it('names the ports by their kind', () => {
    const cell = rows('The codes').find(([code]) => code === '`PORT_MISMATCH`')![2]!;
    const [live, paper] = ['live', 'paper'].map((kind) =>
      (new RegExp(`([\\d, ]+) ${kind}`).exec(cell)?.[1] ?? '').split(',').map(Number),
    );
    expect(live!.map((port) => standardPort(port)?.kind)).toEqual(['live', 'live', 'live']);
    expect(paper!.map((port) => standardPort(port)?.kind)).toEqual(['paper', 'paper', 'paper']);
  });

  it('has sizes that are computed', () => {
    const sizes = rows('Size from risk').map(([risk, prices, multiplier]) => {
      const [entry = '', stop = ''] = prices!.split(', ');
      const riskAmount = risk === 'any' ? '1' : risk!;
      const sizing = positionSize({
        riskAmount,
        entry,
        stop,
        multiplier: multiplier!.split(' ')[0]!,
        lotSize: '1',
      });
      return sizing.ok ? [sizing.riskPerContract, sizing.quantity] : ['0', 'none'];
    });
    const written = rows('Size from risk').map((cells) => [cells[3], cells[4]!.split(':')[0]]);
    expect(written.length).toBeGreaterThan(3);
    expect(sizes).toEqual(written);
  });
});
