/** What the desk of alerts remembers: one row of a table, so everything in it is bounded. */
import type { AlertSeverity, TellingKind } from './types.ts';

/** DynamoDB takes items of 400 KB; a test fills everything to its bound and weighs it. */
export const deskBounds = {
  records: 120,
  channels: 10,
  textBytes: 600,
  subjectBytes: 160,
  nameBytes: 60,
  reasonBytes: 160,
  /** Slack takes 50 blocks. */
  alertsOfMessage: 10,
  kindsCounted: 20,
  eventIds: 500,
  ends: 50,
  /** Of one alert; all others count as one more. */
  witnesses: 3,
} as const;

/** One alert, however often it was raised. Times are Unix ms of the desk's clock. */
export interface AlertRecord {
  readonly id: string;
  readonly alert: string;
  severity: AlertSeverity;
  readonly account: string;
  readonly subject: string;
  message: string;
  /** Times of its newest raise and its newest end, by the senders' clocks; 0 for none. */
  witnesses: Record<string, { readonly raisedAtMs: number; readonly endedAtMs: number }>;
  firstMs: number;
  lastMs: number;
  count: number;
  /** Times it was raised since it was last told. */
  untold: number;
  /** Not told again before. */
  nextTellMs: number;
  /** Null for what is not CRITICAL. */
  escalateMs: number | null;
  escalations: number;
  ack: { readonly by: string; readonly reason: string; readonly atMs: number } | null;
  resolved: { readonly atMs: number; readonly message: string } | null;
  /** Channels that were sent it. */
  told: string[];
}

/** An end, which may have overtaken what it ends. */
export interface KnownEnd {
  readonly alert: string;
  readonly account: string;
  readonly subject: string | null;
  readonly witness: string | null;
  /** By the sender's clock. */
  readonly atMs: number;
  readonly heardMs: number;
}

/** A message on its way. It stays until the channel, or the dead-letter queue, has taken it. */
export interface Sending {
  readonly no: number;
  readonly alerts: readonly { readonly id: string; readonly kind: TellingKind; readonly isFirst: boolean }[];
  readonly passed: Readonly<Record<string, number>>;
  readonly sinceMs: number;
  attempts: number;
  /** When it is sent next; while it is under way, when it is taken for lost. */
  dueMs: number;
  /** It was sent, and nobody has said yet what became of it. */
  isUnderWay: boolean;
  isToBeBuried: boolean;
  problem: string;
}

export interface ChannelMemory {
  /** What waits, in order: the alert's id, and why it is told. */
  lines: Record<string, TellingKind>;
  /** What came and went while it was muted. */
  passed: Record<string, number>;
  sending: Sending | null;
  /** No new message before. */
  nextMs: number;
  /** Attempts in a row that failed. */
  failures: number;
}

export interface DeskMemory {
  readonly form: 2;
  lastId: number;
  lastNo: number;
  records: Record<string, AlertRecord>;
  channels: Record<string, ChannelMemory>;
  /** Kinds and counts of alerts that had no place of their own. */
  folded: Record<string, number>;
  eventIds: string[];
  /** The newest ones. */
  ends: KnownEnd[];
}

export function emptyMemory(): DeskMemory {
  return {
    form: 2,
    lastId: 0,
    lastNo: 0,
    records: {},
    channels: {},
    folded: {},
    eventIds: [],
    ends: [],
  };
}

export function emptyChannel(): ChannelMemory {
  return { lines: {}, passed: {}, sending: null, nextMs: 0, failures: 0 };
}

/** The first so many bytes of a text as JSON in UTF-8, with a mark where it was cut; control characters are spaces. */
export function cut(text: string, bytesMax: number): string {
  const clean = text.toWellFormed().replaceAll(/\p{Cc}+/gu, ' ');
  let bytes = 0;
  let whole = 0;
  for (const sign of clean) {
    bytes += bytesOf(sign);
    if (bytes > bytesMax) return `${clean.slice(0, whole)}…`;
    // Three bytes are left for the mark.
    if (bytes <= bytesMax - 3) whole += sign.length;
  }
  return clean;
}

function bytesOf(sign: string): number {
  if (sign === '"' || sign === '\\') return 2;
  const point = sign.codePointAt(0) ?? 0;
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/** Adds to a count by name; beyond the bound all others are one name. */
export function addCount(counts: Record<string, number>, name: string, by: number): void {
  const isKnown = Object.hasOwn(counts, name) || Object.keys(counts).length < deskBounds.kindsCounted;
  const at = isKnown ? name : 'others';
  counts[at] = (counts[at] ?? 0) + by;
}
