/**
 * Which part of an instrument's cumulative volume has been seen. A print of size s at cumulative volume c is the
 * stretch (c-s, c]. The highest c and the holes below it say in little memory whether a print is new, late or a
 * duplicate, and whether prints are missing; the content of a print never does (a fifth of a real tape repeats time,
 * price and size).
 *
 * A count belongs to a session: IB begins again at 0. Several counts are kept, so that a late print of the session
 * before finds its own.
 */
import type { SessionCalendar } from './sessions.ts';

/** A stretch (low, high] of volume that no print has covered. */
export interface Hole {
  low: number;
  high: number;
  /** Times of the prints below and above it: the missing ones lie between. */
  fromMs: number;
  toMs: number;
  /** Told as a gap; or below the first print, where there is nothing to tell. */
  reported: boolean;
}

interface Count {
  fromMs: number;
  toMs: number;
  highest: number;
  /** Time of the last print at the highest volume. */
  highestMs: number;
  latestMs: number;
  /** The first is always the one below the first print, which has no lower end. */
  readonly holes: Hole[];
}

export interface VolumeCoverage {
  /** The latest count is the first. */
  readonly counts: Count[];
  readonly maxHoles: number;
  /** Holes that had to go because there were too many. The builder takes them away. */
  evicted: Hole[];
  evictions: number;
}

/** Counts kept: this session's, the one before, and one more for a reset inside of a session. */
const countsMax = 3;

export function createVolumeCoverage(maxHoles: number): VolumeCoverage {
  return { counts: [], maxHoles, evicted: [], evictions: 0 };
}

/** Takes in a print; false when it is a duplicate. */
export function coverVolume(
  coverage: VolumeCoverage,
  calendar: SessionCalendar,
  timeMs: number,
  size: number,
  cum: number,
): boolean {
  let count = coverage.counts[0];
  if (count === undefined || timeMs < count.fromMs || timeMs >= count.toMs) {
    count = findCount(coverage, calendar, timeMs);
  }
  const low = cum - size;
  if (cum > count.highest) {
    if (count.highest < 0) begin(count, timeMs, low);
    else if (low > count.highest) {
      addHole(coverage, count, count.holes.length, {
        low: count.highest,
        high: low,
        fromMs: count.highestMs,
        toMs: timeMs,
        reported: false,
      });
    }
    count.highest = cum;
    count.highestMs = timeMs;
    if (timeMs > count.latestMs) count.latestMs = timeMs;
    return true;
  }
  // Later than all, and less than half of what it was: the count began again where the calendar shows no new
  // session. A small fall is a busted trade that IB took out of its count.
  if (timeMs > count.latestMs && cum < count.highest / 2) {
    count = splitCount(coverage, count, timeMs);
    begin(count, timeMs, low);
    count.highest = cum;
    count.highestMs = timeMs;
    count.latestMs = timeMs;
    return true;
  }
  if (size === 0) {
    if (cum === count.highest && timeMs > count.highestMs) count.highestMs = timeMs;
    if (timeMs > count.latestMs) count.latestMs = timeMs;
    narrow(coverage, count, timeMs, cum);
    return true;
  }
  return fill(coverage, count, timeMs, low, cum);
}

/** Nothing is known of what lies below the first print: no gap, but late prints may still come from there. */
function begin(count: Count, timeMs: number, low: number): void {
  count.holes.push({
    low: Number.NEGATIVE_INFINITY,
    high: low,
    fromMs: Number.NEGATIVE_INFINITY,
    toMs: timeMs,
    reported: true,
  });
}

function fill(coverage: VolumeCoverage, count: Count, timeMs: number, low: number, cum: number): boolean {
  const index = count.holes.findIndex((hole) => cum > hole.low && cum <= hole.high);
  const hole = count.holes[index];
  if (hole === undefined) return false;
  if (timeMs > count.latestMs) count.latestMs = timeMs;
  split(coverage, count, index, hole, timeMs, low, cum);
  return true;
}

/** A price without volume says up to where the count had come at its time, and so where missing prints are not. */
function narrow(coverage: VolumeCoverage, count: Count, timeMs: number, cum: number): void {
  for (let index = 0; index < count.holes.length; index += 1) {
    const hole = count.holes[index]!;
    if (cum === hole.low) hole.fromMs = Math.max(hole.fromMs, timeMs);
    else if (cum === hole.high) hole.toMs = Math.min(hole.toMs, timeMs);
    else if (cum > hole.low && cum < hole.high) {
      split(coverage, count, index, hole, timeMs, cum, cum);
      return;
    }
  }
}

/** Takes (low, cum] out of a hole; what is left of it lies before and after `timeMs`. */
function split(
  coverage: VolumeCoverage,
  count: Count,
  index: number,
  hole: Hole,
  timeMs: number,
  low: number,
  cum: number,
): void {
  const endless = hole.low === Number.NEGATIVE_INFINITY;
  const { high, toMs, reported } = hole;
  const hasUpper = high > cum;
  if (low > hole.low) {
    hole.high = low;
    hole.toMs = timeMs;
  } else count.holes.splice(index, 1);
  if (!hasUpper) return;
  const upper = { low: cum, high, fromMs: timeMs, toMs, reported: endless ? false : reported };
  addHole(coverage, count, low > hole.low ? index + 1 : index, upper);
}

function addHole(coverage: VolumeCoverage, count: Count, index: number, hole: Hole): void {
  count.holes.splice(index, 0, hole);
  if (count.holes.length <= coverage.maxHoles) return;
  const [oldest] = count.holes.splice(1, 1);
  coverage.evictions += 1;
  if (oldest) coverage.evicted.push(oldest);
}

function findCount(coverage: VolumeCoverage, calendar: SessionCalendar, timeMs: number): Count {
  const known = coverage.counts.find((count) => timeMs >= count.fromMs && timeMs < count.toMs);
  if (known) return known;
  const { fromMs, toMs } = calendar.sessionSpanAt(timeMs);
  // A changed calendar may cut differently: counts never overlap.
  let count: Count = newCount(fromMs, toMs);
  for (const other of coverage.counts) {
    if (other.toMs <= timeMs) count = { ...count, fromMs: Math.max(count.fromMs, other.toMs) };
    else count = { ...count, toMs: Math.min(count.toMs, other.fromMs) };
  }
  insertCount(coverage, count);
  return count;
}

function splitCount(coverage: VolumeCoverage, count: Count, timeMs: number): Count {
  const next = newCount(timeMs, count.toMs);
  count.toMs = timeMs;
  insertCount(coverage, next);
  return next;
}

const newCount = (fromMs: number, toMs: number): Count => ({
  fromMs,
  toMs,
  highest: -1,
  highestMs: Number.NEGATIVE_INFINITY,
  latestMs: Number.NEGATIVE_INFINITY,
  holes: [],
});

function insertCount(coverage: VolumeCoverage, count: Count): void {
  coverage.counts.push(count);
  coverage.counts.sort((a, b) => b.fromMs - a.fromMs);
  if (coverage.counts.length > countsMax) coverage.counts.pop();
}
