import { type Intent, readIntent } from '../../lib/domain/orders/intent.ts';
import type { BookReader, BookRef } from '../../lib/ports/book.ts';
import { CliError, exit } from './exit.ts';
import { createMeter } from './meter.ts';
import type { Session } from './session.ts';

const lookEveryMs = 250;

/** What the streamer has recorded of a command, `'interrupted'` after Ctrl-C, undefined when nothing final came in time. */
export type Answer<T> = T | 'interrupted' | undefined;

export async function readIntents(
  book: Pick<BookReader, 'read'>,
  account: string,
  keys: readonly string[],
): Promise<readonly (Intent | undefined)[]> {
  const refs = keys.map((id): BookRef => ({ kind: 'intent', id }));
  const items = await book.read(account, refs);
  return items.map((item, at) => {
    if (item === undefined) return undefined;
    try {
      return readIntent(item.body);
    } catch {
      throw new CliError(
        'INTENT_INVALID',
        `The item INTENT#${keys[at]} of the book is no intent of this program: another version wrote it. Use the version of the streamer. Look at evenkeel orders; do not order again.`,
        exit.fault,
      );
    }
  });
}

export async function readAnswer(
  { ports, account }: Pick<Session, 'ports' | 'account'>,
  key: string,
): Promise<Intent | undefined> {
  const [intent] = await readIntents(ports.book, account, [key]);
  return intent;
}

/**
 * Looks until `settled` gives something, the time is over, or Ctrl-C. The command itself goes on in any case. Called inside
 * `session.uncut`: Ctrl-C must end with what it means for the order.
 */
export async function watch<T>(
  session: Session,
  seconds: number,
  look: () => Promise<{ readonly settled: T | undefined; readonly detail: string }>,
): Promise<Answer<T>> {
  const { io } = session;
  const meter = createMeter(session);
  const untilMs = io.nowMs() + seconds * 1_000;
  try {
    for (;;) {
      const { settled, detail } = await look();
      if (settled !== undefined) return settled;
      if (io.signal.aborted) return 'interrupted';
      if (io.nowMs() >= untilMs) return undefined;
      meter.show({ what: 'Waiting for the streamer', done: 0, detail });
      await io.sleep(lookEveryMs);
    }
  } finally {
    meter.clear();
  }
}

/** Waits for the end of an intent: `sending` is none yet. */
export async function awaitIntent(session: Session, key: string, seconds: number): Promise<Answer<Intent>> {
  return watch(session, seconds, async () => {
    const intent = await readAnswer(session, key);
    const isOver = intent !== undefined && intent.state !== 'sending';
    const detail = intent === undefined ? 'the command lies in its queue' : 'recorded, waiting for IB';
    return { settled: isOver ? intent : undefined, detail };
  });
}

/** Ctrl-C: the command is on its way, and only the watching ends. */
export function sayInterrupted({ io, json }: Session, what: string): void {
  const code = 'WATCHING_INTERRUPTED';
  const message = `You no longer watch; ${what} is on its way and is not taken back by this. Look at what becomes of it with orders and status.`;
  io.err.write(
    json
      ? `${JSON.stringify({ error: { code, message, exitCode: exit.interrupted } })}\n`
      : `${code}: ${message}\n`,
  );
}
