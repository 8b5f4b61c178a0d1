/** What was told last about each bar, for revisions and for the question whether history may replace it. */
export type Told = 'partial' | 'flat' | 'backfill' | 'live';

const kinds: readonly Told[] = ['partial', 'flat', 'backfill', 'live'];

export interface ToldBars {
  /** By bar start; revision times four plus the index of the kind. */
  readonly bars: Map<number, number>;
  readonly max: number;
  forgotten: number;
}

export function createToldBars(max: number): ToldBars {
  return { bars: new Map(), max, forgotten: 0 };
}

export function toldKind(told: ToldBars, startMs: number): Told | undefined {
  const entry = told.bars.get(startMs);
  return entry === undefined ? undefined : kinds[entry % kinds.length];
}

/** Notes that a bar is told, and answers with the revision to tell it by. */
export function tell(told: ToldBars, startMs: number, kind: Told): number {
  const before = told.bars.get(startMs);
  const revision = before === undefined ? 0 : Math.floor(before / kinds.length) + 1;
  told.bars.set(startMs, revision * kinds.length + kinds.indexOf(kind));
  if (told.bars.size > told.max) {
    // Insertion order is nearly time order, and the table that stores candles ranks them itself.
    for (const oldest of told.bars.keys()) {
      told.bars.delete(oldest);
      break;
    }
    told.forgotten += 1;
  }
  return revision;
}
