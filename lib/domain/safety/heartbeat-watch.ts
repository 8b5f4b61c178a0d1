/** Whether an account's streamer is alive, by its heartbeat: seen from outside of it, because the dead raise no alarm. */
import { type LatenessNote, step as stepLateness } from './lateness-watch.ts';
import type { WatchAlert } from './protection-watch.ts';

export interface HeartbeatRules {
  readonly account: string;
  /** Its name in the configuration. */
  readonly streamer: string;
  /** An older heartbeat is missing. */
  readonly oldMs: number;
  /** A streamer that has never written one is given so long: a stage that is deployed needs minutes to start. */
  readonly firstMs: number;
  /** Between two alerts while it stays away. */
  readonly repeatMs: number;
}

export const heartbeatDefaults = { oldMs: 60_000, firstMs: 10 * 60_000, repeatMs: 15 * 60_000 } as const;

export type HeartbeatNote = LatenessNote;

export interface HeartbeatInput {
  /** Of the last heartbeat, Unix ms; undefined where there has never been one. */
  readonly atMs: number | undefined;
  /** The broker's reset window that is running; undefined for none. */
  readonly resetWindow: string | undefined;
}

export interface HeartbeatStep {
  /** Null while all is well. */
  readonly note: HeartbeatNote | null;
  readonly effects: readonly WatchAlert[];
}

/** One look. `nowMs` is the system clock, Unix ms. Inside a reset window nothing is raised and nothing forgotten. */
export function step(
  rules: HeartbeatRules,
  before: HeartbeatNote | null,
  { atMs, resetWindow }: HeartbeatInput,
  nowMs: number,
): HeartbeatStep {
  const { oldMs, firstMs, repeatMs } = rules;
  const { note, tell } = stepLateness(
    { lateMs: atMs === undefined ? firstMs : oldMs, repeatMs },
    before,
    { doneMs: atMs, excused: resetWindow !== undefined },
    nowMs,
  );
  if (tell === 'late' && note !== null) return { note, effects: [missing(rules, note, nowMs)] };
  return { note, effects: tell === 'over' && before !== null ? [back(rules, before)] : [] };
}

function missing(
  { account, streamer }: HeartbeatRules,
  { sinceMs, isFirst, tellings }: HeartbeatNote,
  nowMs: number,
): WatchAlert {
  const since = new Date(sinceMs).toISOString();
  const what = isFirst
    ? `has never written a heartbeat, and was first missed at ${since}`
    : `has written no heartbeat since ${since}, ${Math.round((nowMs - sinceMs) / 1000)} s ago`;
  return {
    key: `heartbeat_missing:${sinceMs}:${tellings - 1}`,
    alert: 'heartbeat_missing',
    severity: 'CRITICAL',
    subject: `streamer ${streamer}`,
    message: `${account}: the streamer ${streamer} ${what}. Nobody takes in ticks and fills, sends orders or guards stops; stops that are at the broker stay there. Look at its task and its log, and at \`evenkeel status --account ${account}\`; it goes on by itself once it runs.`,
  };
}

function back({ account, streamer }: HeartbeatRules, { sinceMs }: HeartbeatNote): WatchAlert {
  return {
    key: `heartbeat_back:${sinceMs}`,
    alert: 'heartbeat_back',
    severity: 'INFO',
    subject: `streamer ${streamer}`,
    message: `${account}: the streamer ${streamer} writes heartbeats again; it was away since ${new Date(sinceMs).toISOString()}. It asks the broker for what it missed, and a reconcile follows.`,
  };
}
