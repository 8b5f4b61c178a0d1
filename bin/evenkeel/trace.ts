import type { LogReader } from '../../lib/ports/log-reader.ts';
import { LogGroupMissingError } from '../../lib/ports/log-reader.ts';
import { type Cli, progress } from './cli.ts';
import { logPlace, readLog } from './logs.ts';
import type { Session } from './session.ts';
import { findTrace, type Trace, type TracedEvent, tracedRow, traceIntent } from './trace-read.ts';
import { count, plain, table, time, type View } from './view.ts';

/** The log is written in the second of the booking; a busy function may be late. */
const aroundMs = 60_000;

/** The times that the book-keeper logs with each event. */
type Logged = Partial<Pick<TracedEvent, 'id' | 'occurredAt' | 'recordedAt' | 'queuedAt' | 'receivedAt'>>;
type Times = Pick<TracedEvent, 'occurredAt' | 'recordedAt' | 'queuedAt' | 'receivedAt'>;

/** Everything on the way of what `id` names, oldest first. */
export async function readTrace(session: Session, id: string): Promise<Trace> {
  const { ports, account, io, stage, streamer } = session;
  const { orderKey, intent, rows } = await findTrace(ports, account, id, io.nowMs());
  const events = rows.map(tracedRow);
  const logged = await loggedTimes(ports.logs, logPlace('book-keeper', stage, streamer.name), events);
  return {
    account,
    orderKey,
    intent: intent === undefined ? null : await traceIntent(ports.audit, account, intent),
    events: events.map((event) => ({ ...event, ...logged.get(event.id) })),
  };
}

/** Empty where the log is gone or was never there: the trail still tells when it was booked. */
async function loggedTimes(
  logs: LogReader,
  place: ReturnType<typeof logPlace>,
  events: readonly TracedEvent[],
): Promise<ReadonlyMap<string, Times>> {
  const found = new Map<string, Times>();
  const wanted = new Set(events.map(({ id }) => id));
  const [first] = events;
  const last = events.at(-1);
  if (first === undefined || last === undefined) return found;
  try {
    for await (const { atMs, message } of readLog(logs, place, Date.parse(first.bookedAt) - aroundMs)) {
      if (atMs > Date.parse(last.bookedAt) + aroundMs) break;
      const { id, occurredAt = null, recordedAt, queuedAt = null, receivedAt = null } = parsed(message);
      if (id === undefined || !wanted.has(id) || recordedAt === undefined) continue;
      // A message that came twice: the first delivery is the way that it went.
      if (!found.has(id)) found.set(id, { occurredAt, recordedAt, queuedAt, receivedAt });
      if (found.size === wanted.size) break;
    }
  } catch (error) {
    if (!(error instanceof LogGroupMissingError)) throw error;
  }
  return found;
}

function parsed(message: string): Logged {
  try {
    return message.startsWith('{') ? (JSON.parse(message) as Logged) : {};
  } catch {
    return {};
  }
}

export function showTrace({ account, orderKey, intent, events }: Trace, view: View): string {
  const { colours } = view;
  const parts = [`${account}  ${orderKey === null ? 'no order yet' : `order ${orderKey}`}`];
  if (intent !== null) {
    const { key, command, commandId, issuedBy, issuedAt, states } = intent;
    const rows = [
      [time(view, issuedAt), 'asked for', plain(`${command} by ${issuedBy}, command ${commandId}`)],
      ...states.map(({ at, state, seq }) => [time(view, at), `intent ${state}`, `audit row ${seq}`]),
    ];
    parts.push(
      `${colours.bold(`intent ${key}`)}\n${table(view, [{ name: 'time' }, { name: 'step' }, { name: '' }], rows)}`,
    );
  }
  for (const event of events) parts.push(eventText(event, view));
  if (events.length === 0) parts.push('The book has no event of it.');
  return `${parts.join('\n\n')}\n\n${colours.dim(`${count(events.length, 'event')}; ms since the step before. The broker's clock is not ours.`)}`;
}

function eventText(event: TracedEvent, view: View): string {
  const { id, occurredAt, recordedAt, queuedAt, receivedAt, bookedAt, writer, seq, hash, what } = event;
  const steps: readonly (readonly [string, string | null, string])[] = [
    ['broker', occurredAt, 'it happened, by the clock of the broker'],
    ['streamer', recordedAt, 'from the socket, kept in the outbox'],
    ['queue', queuedAt, 'taken by the queue of the book'],
    ['book-keeper', receivedAt, 'handed over'],
    ['book', bookedAt, `booked, audit row ${writer} ${seq}, ${hash.slice(0, 12)}`],
  ];
  const rows: string[][] = [];
  let before: number | undefined;
  for (const [where, at, words] of steps) {
    if (at === null) continue;
    const atMs = Date.parse(at);
    const since = before === undefined ? '' : `+${atMs - before}`;
    // What the broker's clock says cannot be subtracted from what ours says.
    if (where !== 'broker') before = atMs;
    rows.push([at, since, where, words]);
  }
  const columns = [{ name: 'time, UTC' }, { name: 'ms', right: true }, { name: 'where' }, { name: 'what' }];
  return `${view.colours.bold(event.event)}  ${id}  ${plain(what)}\n${table(view, columns, rows)}`;
}

export function addTrace({ program, run }: Cli): void {
  program
    .command('trace')
    .description(
      'the way of a fill, an order or an event: from the socket to its audit row, with the time of each step',
    )
    .argument(
      '<id>',
      'event (main:7:812), execId, order key, permId, orderRef, or the key or command id of an intent',
    )
    .action(
      run<{ args: readonly [string] }>(async (session, { args: [id] }) => {
        progress(session, `Looking for ${id} in the audit trail and the log ...`);
        const result = await readTrace(session, id);
        return { result, text: () => showTrace(result, session.view) };
      }),
    );
}
