/**
 * What one run of reconcile costs the processor, from a broker that agrees to one that agrees in nothing, and how that
 * grows with the desk. CPU time of the main thread: others on the machine do not count, nor does the reading of the book.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { reconcile } from '../lib/domain/reconcile/engine.ts';
import type { BenchResult, Figure } from './figure.ts';
import { type Drift, type Pictures, picturesOf } from './reconcile-pictures.ts';
import { median } from './statistics.ts';

export interface ReconcileOptions {
  readonly rounds: number;
  readonly say: (text: string) => void;
}

/** 10,000 orders, 2,000 positions, 20,000 executions with their costs. */
const contracts = 2_000;
const scales = [1, 2, 4] as const;
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
    scales.forEach((scale, index) => {
      const orders = contracts * 5 * scale;
      figures.push({
        name: `${name}, ${scale}x`,
        value: best[index]!,
        unit: 'ms',
        ...(hasBudget && scale === 1 && { budget: { kind: 'at-most' as const, value: budgetMs } }),
        detail: `${orders.toLocaleString('en')} orders; first ${times[index]![0]!.toFixed(0)}, median ${median(times[index]!).toFixed(0)}`,
      });
    });
    figures.push({
      name: `${name}, 4x to 1x`,
      value: best[2]! / best[0]!,
      unit: 'times',
      detail: 'linear is 4',
    });
  }
  return {
    name: 'reconcile',
    figures,
    notes: [`CPU time of the main thread, best of ${rounds} rounds of 1x, 2x and 4x`],
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
