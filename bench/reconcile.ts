/**
 * What one run of reconcile costs the processor, from a broker that agrees to one that agrees in nothing, and how that
 * grows with the desk. CPU time of the main thread: others on the machine do not count, nor does the reading of the book.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { reconcile } from '../lib/domain/reconcile/engine.ts';
import type { BenchResult, Figure } from './figure.ts';
import { type Drift, type Pictures, picturesOf } from './reconcile-pictures.ts';
import { median, slope } from './statistics.ts';

export interface ReconcileOptions {
  readonly rounds: number;
  readonly say: (text: string) => void;
}

/** 10,000 orders, 2,000 positions, 20,000 executions with their costs; and desks from a quarter of it to four times as large. */
const contracts = 2_000;
const scales = [0.25, 0.5, 1, 2, 4] as const;
/** Time as a power of the size, by least squares through all sizes: 1 is linear. */
const exponentMax = 1.2;
const budgetMs = 300;

const cases: readonly { readonly drift: Drift; readonly name: string; readonly hasBudget: boolean }[] = [
  { drift: 'none', name: 'all agrees', hasBudget: true },
  { drift: 'some', name: '5 % differs', hasBudget: true },
  { drift: 'positions', name: 'all positions differ', hasBudget: false },
  { drift: 'ended', name: 'all orders have ended', hasBudget: false },
];

export function reconcileBench({ rounds, say }: ReconcileOptions): BenchResult {
  const figures: Figure[] = [];
  const wrong: string[] = [];
  for (const { drift, name, hasBudget } of cases) {
    say(`reconcile: ${name}`);
    const pictures = scales.map((scale) => picturesOf(contracts * scale, drift));
    const times: number[][] = scales.map(() => []);
    // All sizes in each round, so that what disturbs one of them disturbs the others as well.
    for (let round = 0; round < rounds; round += 1) {
      pictures.forEach((picture, index) => {
        const { ms, problem } = timed(picture);
        times[index]!.push(ms);
        if (problem) wrong.push(`${name}, ${scales[index]}x: ${problem}`);
      });
    }
    const best = times.map((all) => Math.min(...all));
    const at = (scale: (typeof scales)[number]) => best[scales.indexOf(scale)]!;
    for (const scale of [1, 4] as const) {
      const all = times[scales.indexOf(scale)]!;
      figures.push({
        name: `${name}, ${scale}x`,
        value: at(scale),
        unit: 'ms',
        ...(hasBudget && scale === 1 && { budget: { kind: 'at-most' as const, value: budgetMs } }),
        detail: `${(contracts * 5 * scale).toLocaleString('en')} orders; first ${all[0]!.toFixed(0)}, median ${median(all).toFixed(0)}`,
      });
    }
    figures.push({
      name: `${name}, growth`,
      value: slope(
        scales.map(Math.log),
        scales.map((scale) => Math.log(at(scale))),
      ),
      unit: '',
      ...(hasBudget && { budget: { kind: 'at-most' as const, value: exponentMax } }),
      detail: `exponent over ${scales.map((scale) => (contracts * 5 * scale).toLocaleString('en')).join(', ')} orders: ${scales.map((scale) => at(scale).toFixed(0)).join(', ')} ms; linear is 1`,
    });
  }
  return {
    name: 'reconcile',
    figures,
    notes: [`CPU time of the main thread, best of ${rounds} rounds, all sizes in each`],
    ...(wrong.length > 0 ? { invalid: wrong.slice(0, 3).join('; ') } : {}),
  };
}

/** One run, and whether it has found what was planted. */
function timed({ input, planted }: Pictures): { readonly ms: number; readonly problem?: string } {
  const start = process.threadCpuUsage();
  const { discrepancies, pending, unjudged } = reconcile(input, digest);
  const { user, system } = process.threadCpuUsage(start);
  const ms = (user + system) / 1_000;
  if (discrepancies.length === planted && pending.length === 0 && unjudged.length === 0) return { ms };
  const found = `${discrepancies.length} discrepancies, ${pending.length} pending, ${unjudged.length} not judged`;
  return { ms, problem: `${found} instead of ${planted}` };
}

function digest(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex');
}
