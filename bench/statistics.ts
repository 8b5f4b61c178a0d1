/** Small sums over measurements. All of them leave their input as it is. */

/** Middle value; the mean of the two middle ones for an even count. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]!;
  return sorted.length === 0 ? Number.NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The smallest value that at least `share` of all values do not exceed (nearest rank, no interpolation): a percentile
 * that was really measured. NaN for no values.
 */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

/** Of the straight line that lies nearest to the points (least squares). NaN for fewer than two of them. */
export function slope(x: readonly number[], y: readonly number[]): number {
  if (x.length < 2) return Number.NaN;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [midX, midY] = [mean(x), mean(y)];
  const together = x.reduce((sum, value, index) => sum + (value - midX) * (y[index]! - midY), 0);
  return together / x.reduce((sum, value) => sum + (value - midX) ** 2, 0);
}

/** CPU time of this thread since `start`, in ms: what others do on the machine is not in it. */
export function threadMs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1_000;
}
