import type { Candle } from '../../lib/domain/market/candle.ts';

/** Something about the bars that a person has to know before trusting the picture. */
export interface ChartMark {
  readonly kind: 'gap' | 'backfill' | 'correction' | 'partial';
  /** Start of the bar that it stands at, Unix ms UTC; of a gap, of the first bar after it. */
  readonly atMs: number;
  /** Bars that it is about. */
  readonly bars: number;
}

type MarkedCandle = Pick<
  Candle,
  'startMs' | 'intervalMs' | 'sessionDate' | 'source' | 'partial' | 'revision'
>;

/**
 * Gaps, backfills, corrections and partial bars, in order. Minutes that are missing within a session are a gap; between
 * two sessions the exchange was closed.
 */
export function chartMarks(candles: readonly MarkedCandle[]): readonly ChartMark[] {
  const marks: ChartMark[] = [];
  candles.forEach((candle, at) => {
    const before = candles[at - 1];
    const { startMs, intervalMs, source, partial, revision } = candle;
    if (before !== undefined && before.sessionDate === candle.sessionDate) {
      const missing = Math.round((startMs - before.startMs) / intervalMs) - 1;
      if (missing > 0) marks.push({ kind: 'gap', atMs: startMs, bars: missing });
    }
    const last = marks.at(-1);
    if (source === 'backfill') {
      // Bars that were filled in one after the other are one backfill.
      if (before?.source === 'backfill' && last?.kind === 'backfill')
        marks[marks.length - 1] = { ...last, bars: last.bars + 1 };
      else marks.push({ kind: 'backfill', atMs: startMs, bars: 1 });
    }
    if (revision > 0) marks.push({ kind: 'correction', atMs: startMs, bars: 1 });
    if (partial) marks.push({ kind: 'partial', atMs: startMs, bars: 1 });
  });
  return marks;
}

/** `gap of 3 bars before it` */
export function markText({ kind, bars }: ChartMark): string {
  const many = `${bars} bar${bars === 1 ? '' : 's'}`;
  if (kind === 'gap') return `gap of ${many} before it`;
  if (kind === 'backfill') return `${many} from historical data`;
  return kind === 'correction' ? 'corrected after it was closed' : 'partial: prints may be missing';
}
