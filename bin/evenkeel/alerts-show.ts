import { adviceFor, commandFor } from '../../lib/domain/alerts/catalogue.ts';
import type { AlertRecord, DeskMemory } from '../../lib/domain/alerts/memory.ts';
import { type AlertSeverity, alertSeverities } from '../../lib/domain/alerts/types.ts';
import { type Page, wrapped } from './page.ts';
import { age, count, iso, plain, time, type View } from './view.ts';

/** What waits for a channel, and how it fares. */
export interface ChannelState {
  readonly channel: string;
  readonly waiting: number;
  /** Attempts in a row that failed. */
  readonly failures: number;
  readonly problem: string | null;
}

/** Open ones first, the worst before the others, the newest before the older. */
export function listed(
  { records }: Pick<DeskMemory, 'records'>,
  all: boolean,
  account?: string,
): AlertRecord[] {
  const rank = ({ severity }: AlertRecord) => alertSeverities.indexOf(severity);
  return Object.values(records)
    .filter((record) => all || record.resolved === null)
    .filter((record) => account === undefined || record.account === account || record.account === '*')
    .toSorted(
      (a, b) =>
        Number(a.resolved !== null) - Number(b.resolved !== null) || rank(b) - rank(a) || b.lastMs - a.lastMs,
    );
}

export function channelStates({ channels }: Pick<DeskMemory, 'channels'>): ChannelState[] {
  return Object.entries(channels).map(([channel, { lines, sending, failures }]) => ({
    channel,
    waiting: Object.keys(lines).length + (sending?.alerts.length ?? 0),
    failures,
    problem: failures > 0 ? (sending?.problem ?? null) : null,
  }));
}

/** For `--json`. */
export function asResult(record: AlertRecord) {
  const { id, alert, severity, account, subject, message, firstMs, lastMs, escalations, ack, resolved } =
    record;
  return {
    id,
    alert,
    severity,
    account,
    subject,
    message,
    count: record.count,
    firstAt: iso(firstMs),
    lastAt: iso(lastMs),
    escalations,
    acknowledged: ack === null ? null : { by: ack.by, reason: ack.reason, at: iso(ack.atMs) },
    resolvedAt: resolved === null ? null : iso(resolved.atMs),
    command: commandFor(record),
  };
}

export function showAlerts(
  records: readonly AlertRecord[],
  channels: readonly ChannelState[],
  page: Page,
): string {
  const { view } = page;
  const lines = records.flatMap((record) => [...showAlert(record, page), '']);
  if (records.length === 0) lines.push(view.colours.green('No alert is open.'), '');
  return [...lines, ...channels.flatMap((channel) => showChannel(channel, view))].join('\n').trimEnd();
}

function showAlert(record: AlertRecord, page: Page): string[] {
  const { view, columns, nowMs } = page;
  const { colours } = view;
  const { id, severity, alert, subject, firstMs, lastMs, ack, resolved, escalations, message } = record;
  const times =
    record.count === 1
      ? `${time(view, firstMs)}, ${age(nowMs - firstMs)} ago`
      : `×${record.count}, first ${time(view, firstMs)}, last ${time(view, lastMs)}, ${age(nowMs - lastMs)} ago`;
  const state =
    resolved !== null
      ? colours.green(`resolved ${time(view, resolved.atMs)}: ${plain(resolved.message)}`)
      : ack !== null
        ? `acknowledged by ${plain(ack.by)} ${time(view, ack.atMs)}: ${plain(ack.reason)}`
        : escalations > 0
          ? colours.red(`nobody has acknowledged it, sent again ${count(escalations, 'time')}`)
          : colours.dim(`not acknowledged: alerts ack ${id} --reason …`);
  return [
    `${colours.bold(id)}  ${painted(severity, view)}  ${plain(alert)}  ${plain(subject)}`,
    ...wrapped(plain(message), columns, '     '),
    ...wrapped(adviceFor(record).action, columns, '     '),
    `     ${colours.cyan(commandFor(record))}`,
    `     ${times}`,
    `     ${state}`,
  ];
}

function painted(severity: AlertSeverity, { colours }: View): string {
  const paint = { INFO: colours.dim, MEDIUM: colours.yellow, HIGH: colours.yellow, CRITICAL: colours.red };
  return paint[severity](severity);
}

function showChannel({ channel, waiting, failures, problem }: ChannelState, { colours }: View): string[] {
  if (waiting === 0 && failures === 0) return [];
  const why =
    failures === 0 ? '' : `, ${count(failures, 'attempt')} in a row failed: ${plain(problem ?? '')}`;
  return [colours.yellow(`channel ${channel}: ${count(waiting, 'alert')} waiting${why}`)];
}
