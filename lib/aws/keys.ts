/** The one place that builds the keys of tables. */

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const;

/** `60000` to `1m`, `14400000` to `4h`: the largest unit that divides the interval. */
export function intervalName(intervalMs: number): string {
  for (const [unitMs, unit] of units) {
    if (intervalMs >= unitMs && intervalMs % unitMs === 0) return `${intervalMs / unitMs}${unit}`;
  }
  return `${intervalMs}ms`;
}

export interface CandleKey {
  /** `<conId>#<interval>` */
  readonly pk: string;
  /** Start of the bar as ISO-8601 in UTC: text order is time order. */
  readonly sk: string;
}

export function candlePartition(conId: number, intervalMs: number): string {
  return `${conId}#${intervalName(intervalMs)}`;
}

export function candleSort(startMs: number): string {
  return new Date(startMs).toISOString();
}

export function candleKey(candle: { conId: number; intervalMs: number; startMs: number }): CandleKey {
  return { pk: candlePartition(candle.conId, candle.intervalMs), sk: candleSort(candle.startMs) };
}
