import type { StageSession } from './session.ts';
import { count } from './view.ts';

const barWidth = 24;
const lineEveryMs = 5_000;
/** A terminal is drawn at most so often. */
const drawEveryMs = 80;

/** How far a piece of work is. */
export interface Step {
  /** What is done, for example `Restoring the book`. */
  readonly what: string;
  readonly done: number;
  /** Undefined where nobody knows the end: a count without a bar. */
  readonly total?: number | undefined;
  /** What stands behind the bar, for example `3,120 of 8,400 items`. */
  readonly detail: string;
}

export interface Meter {
  show(step: Step): void;
  /** Takes the bar away; what comes next has the line for itself. */
  clear(): void;
}

/**
 * A bar in one line of standard error where that is a terminal; elsewhere a plain line every five seconds, so that a log
 * shows that it goes on; nothing with `--json`.
 */
export function createMeter({ io, json }: Pick<StageSession, 'io' | 'json'>): Meter {
  if (json) return { show: () => undefined, clear: () => undefined };
  return io.err.isTTY ? terminalMeter(io) : plainMeter(io);
}

/** What comes, counted while it comes: `Reading candles  12,345 candles, 3 s`. */
export async function* counted<T>(
  coming: AsyncIterable<T>,
  meter: Meter,
  { what, noun }: { readonly what: string; readonly noun: string },
): AsyncGenerator<T, void, undefined> {
  let done = 0;
  for await (const one of coming) {
    done += 1;
    meter.show({ what, done, detail: count(done, noun) });
    yield one;
  }
}

function terminalMeter({ err, nowMs }: StageSession['io']): Meter {
  let drawnAtMs = 0;
  let what = '';
  let startedAtMs = 0;
  return {
    show: (step) => {
      const now = nowMs();
      const isNew = step.what !== what;
      if (isNew) [what, startedAtMs] = [step.what, now];
      const ends = step.total !== undefined && step.done >= step.total;
      if (!isNew && !ends && now - drawnAtMs < drawEveryMs) return;
      drawnAtMs = now;
      // A line that wraps could not be drawn over.
      err.write(`\r\u001B[K${barLine(step, now - startedAtMs).slice(0, Math.max(20, err.columns - 1))}`);
    },
    clear: () => {
      if (drawnAtMs > 0) err.write('\r\u001B[K');
      drawnAtMs = 0;
      what = '';
    },
  };
}

function plainMeter({ err, nowMs }: StageSession['io']): Meter {
  let saidAtMs = nowMs();
  return {
    show: ({ what, done, total, detail }) => {
      if (nowMs() - saidAtMs < lineEveryMs) return;
      saidAtMs = nowMs();
      err.write(`${what}: ${total === undefined ? '' : `${percent(done, total)} %, `}${detail}\n`);
    },
    clear: () => undefined,
  };
}

/** `Restoring the book  ██████████░░░░░░░░░░░░░░  42 %  3,520 of 8,400 items, about 8 s left` */
export function barLine({ what, done, total, detail }: Step, elapsedMs: number): string {
  if (total === undefined) return `${what}  ${detail}, ${seconds(elapsedMs)}`;
  const filled = Math.round((barWidth * Math.min(done, total)) / Math.max(1, total));
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  const left =
    elapsedMs >= 2_000 && done > 0 && done < total ? (elapsedMs / done) * (total - done) : undefined;
  const rest = left === undefined ? '' : `, about ${seconds(left)} left`;
  return `${what}  ${bar} ${String(percent(done, total)).padStart(3)} %  ${detail}${rest}`;
}

function percent(done: number, total: number): number {
  // 100 is said only of what is done.
  return total <= 0 || done >= total ? 100 : Math.min(99, Math.floor((100 * done) / total));
}

function seconds(ms: number): string {
  const whole = Math.round(ms / 1000);
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
