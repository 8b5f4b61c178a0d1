/**
 * The marker of a day: that it was archived, and how many rows each symbol has. Weekends have no bars, so that a file is
 * missing does not say it.
 */
export interface DayMarker {
  /** `yyyy-mm-dd`, UTC. */
  readonly date: string;
  /** Rows in the archive by symbol. */
  readonly candles: Readonly<Record<string, number>>;
  readonly positions: Readonly<Record<string, number>>;
}

/** The marker as text: the same content is the same text, in whatever order it was found. */
export function markerText({ date, candles, positions }: DayMarker): string {
  return `${JSON.stringify({ date, candles: sorted(candles), positions: sorted(positions) }, null, 2)}\n`;
}

/** The marker of a text; undefined for what is none. */
export function markerOf(text: string): DayMarker | undefined {
  try {
    const { date, candles, positions } = JSON.parse(text) as Partial<DayMarker>;
    if (typeof date !== 'string' || !isCount(candles) || !isCount(positions)) return undefined;
    return { date, candles, positions };
  } catch {
    return undefined;
  }
}

/** What a later run found joins what an earlier one did: the tables forget symbols, the archive does not. */
export function mergeMarkers(former: DayMarker | undefined, next: DayMarker): DayMarker {
  return {
    date: next.date,
    candles: { ...former?.candles, ...next.candles },
    positions: { ...former?.positions, ...next.positions },
  };
}

function sorted(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isCount(value: unknown): value is Record<string, number> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((count) => typeof count === 'number')
  );
}
