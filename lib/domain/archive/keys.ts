/** Keys of the archive's objects, and days. A day is `yyyy-mm-dd`, UTC. */

export type ArchiveFolder = 'candles' | 'positions';

const dayMs = 86_400_000;

/** `candles/` */
export function folderOf(folder: ArchiveFolder): string {
  return `${folder}/`;
}

/** `candles/symbol=GCZ5/`: what the keys of a symbol's days begin with. */
export function symbolPrefix(folder: ArchiveFolder, symbol: string): string {
  return `${folderOf(folder)}symbol=${partitionText(symbol)}/`;
}

/** `candles/symbol=GCZ5/date=2026-01-05/candles.parquet` */
export function archiveKey(folder: ArchiveFolder, symbol: string, day: string): string {
  return `${symbolPrefix(folder, symbol)}date=${day}/${folder}.parquet`;
}

/** The day that a key of the archive is of; undefined for another object. */
export function dayOfKey(key: string): string | undefined {
  return /\/date=(\d{4}-\d{2}-\d{2})\/(?:candles|positions)\.parquet$/.exec(key)?.[1];
}

export const dayMarkers = 'days/';

/** `days/2026-01-05.json`: says that the day is archived, and what there was to archive. */
export function dayMarkerKey(day: string): string {
  return `${dayMarkers}${day}.json`;
}

export function dayOfMarker(key: string): string | undefined {
  return /^days\/(\d{4}-\d{2}-\d{2})\.json$/.exec(key)?.[1];
}

/**
 * A symbol as a partition's value. Letters, digits, `-` and `.` stay; every other byte of its UTF-8 becomes `_` and two
 * hexadecimal digits, so that no symbol can break a path and no two share one. `BRK B` is `BRK_20B`.
 */
export function partitionText(symbol: string): string {
  const escaped = encodeURIComponent(symbol).replaceAll(
    /[_!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return escaped.replaceAll('%', '_');
}

/** The UTC day of a time in Unix milliseconds. */
export function dayOfMs(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Start of a day, Unix milliseconds. */
export function startOfDay(day: string): number {
  return Date.parse(`${day}T00:00:00.000Z`);
}

/** The day that is `count` days later; earlier for a negative count. */
export function dayAfter(day: string, count = 1): string {
  return dayOfMs(startOfDay(day) + count * dayMs);
}

/** Whether it is a day of the calendar, written as `yyyy-mm-dd`. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && Number.isFinite(startOfDay(text)) && dayAfter(text, 0) === text;
}

/** Every day from the first to the last, both inclusive. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let day = first; day <= last; day = dayAfter(day)) days.push(day);
  return days;
}
