import { setTimeout as sleep } from 'node:timers/promises';
import type { Invocation } from '../cloud/lambda.ts';

/** What a stop waits for, and how it looks at it. */
export interface RestingParts {
  /** Invocations that have not ended. */
  underWay(): readonly Invocation[];
  /** Deliveries, invocations of events included, and messages that are not done: everything that is written down. */
  left(): Promise<number>;
  /** Grows with everything that gets done. */
  progress(): number;
  /** False when it has ended already. */
  streamerRuns(): boolean;
  /** Ends the streamer in its own order; nobody answers a question to it after that. */
  endStreamer(): Promise<void>;
  /** For a person: what takes longer than a moment. */
  say(text: string): void;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

export const realTime = { nowMs: Date.now, sleep: async (ms: number) => sleep(ms) };

/** A run of reconcile that has asked for a snapshot has it within this, unless the gateway does not answer. */
const RUNS_END_MS = 3_000;
/** What does not move for so long will not: longer than a function takes to start on a busy machine. */
const STILL_MS = 5_000;
const DRAIN_MAX_MS = 15_000;
const SAY_AFTER_MS = 1_000;
const LOOK_MS = 25;
/** Waits for a snapshot, which the streamer alone can take. */
const ASKS_STREAMER = /-reconcile$/;

/**
 * Brings everything to rest: runs of functions end while the streamer can still answer them, then the streamer ends, then
 * what it gave out is delivered. What does not end is cut off, and told: deliveries and messages are on disk, and the next
 * start goes on with them; a run that was cut off has changed nothing but its record.
 *
 * @returns false when something was cut off
 */
export async function bringToRest(parts: RestingParts): Promise<boolean> {
  const aloud = teller(parts);
  // Those of this moment alone: as long as the streamer runs, more come.
  const asked = new Set(parts.underWay().map(({ requestId }) => requestId));
  const now = (): Invocation[] =>
    parts
      .underWay()
      .filter((run) => asked.has(run.requestId) && (parts.streamerRuns() || !asksStreamer(run)));
  for (const untilMs = parts.nowMs() + RUNS_END_MS; now().length > 0 && parts.nowMs() < untilMs; ) {
    aloud(now());
    await parts.sleep(LOOK_MS);
  }
  await streamerEnded(parts, aloud);
  await drained(parts, aloud);
  const cut = parts.underWay();
  const left = await parts.left();
  if (cut.length > 0)
    parts.say(
      `Cut off: ${list(cut, parts.nowMs())}. What events asked for begins again with the next start.`,
    );
  else if (left > 0) parts.say(`Not delivered: ${left}. The next start goes on with it.`);
  return cut.length === 0;
}

async function streamerEnded(parts: RestingParts, aloud: ReturnType<typeof teller>): Promise<void> {
  let isOver = false;
  const ended = parts.endStreamer().finally(() => {
    isOver = true;
  });
  // Its failure is thrown below, and not while nobody listens.
  ended.catch(() => undefined);
  while (!isOver) {
    aloud([], 'the streamer, which sends what it still has');
    await parts.sleep(LOOK_MS);
  }
  await ended;
}

async function drained(parts: RestingParts, aloud: ReturnType<typeof teller>): Promise<void> {
  const untilMs = parts.nowMs() + DRAIN_MAX_MS;
  let seen = '';
  let movedMs = parts.nowMs();
  for (;;) {
    const left = await parts.left();
    const underWay = parts.underWay();
    // Nobody answers these any more.
    if (left <= underWay.filter(asksStreamer).length) return;
    const nowMs = parts.nowMs();
    const state = `${left} left, ${parts.progress()} done`;
    if (state !== seen) movedMs = nowMs;
    seen = state;
    if (nowMs >= untilMs || nowMs - movedMs >= STILL_MS) return;
    aloud(underWay, 'deliveries', `, ${left} left`);
    await parts.sleep(LOOK_MS);
  }
}

function asksStreamer({ functionName }: Invocation): boolean {
  return ASKS_STREAMER.test(functionName);
}

/** Says what is waited for once it has taken a second, and again when it is something else. */
function teller(
  parts: RestingParts,
): (underWay: readonly Invocation[], other?: string, how?: string) => void {
  const startMs = parts.nowMs();
  let said = '';
  return (underWay, other = '', how = '') => {
    if (parts.nowMs() - startMs < SAY_AFTER_MS) return;
    const what = [...new Set(underWay.map(({ functionName }) => functionName))].join(', ') || other;
    if (what === said) return;
    said = what;
    parts.say(`Waiting for ${list(underWay, parts.nowMs()) || `${other}${how}`} ...`);
  };
}

/** `evenkeel-sandbox-reconcile (4 s)`, each with the time that it has run. */
function list(underWay: readonly Invocation[], nowMs: number): string {
  return underWay
    .map(({ functionName, sinceMs }) => `${functionName} (${Math.round((nowMs - sinceMs) / 1_000)} s)`)
    .join(', ');
}
