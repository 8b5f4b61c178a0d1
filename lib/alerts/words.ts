/** The words that every channel shares. */
import type { ToldAlert } from '../domain/alerts/types.ts';
import type { ChannelMessage } from '../ports/alert-channel.ts';

/** `CRITICAL unprotected_position: position 495512563` */
export function titleOf(alert: ToldAlert): string {
  return `${markOf(alert)} ${alert.alert}: ${alert.subject}`;
}

function markOf({ kind, severity, isFirst, count }: ToldAlert): string {
  switch (kind) {
    case 'raised':
      return severity;
    case 'again':
      return count > 1 && !isFirst ? `${severity} (again)` : severity;
    case 'escalated':
      return `${severity} (not acknowledged)`;
    case 'acknowledged':
      return `Acknowledged, ${severity}`;
    case 'resolved':
      return isFirst ? `Raised and resolved, ${severity}` : `Resolved, ${severity}`;
  }
}

/** How often and when it was raised, who has it, and how it is acknowledged. */
export function factsOf({ id, count, firstMs, lastMs, ackedBy, kind }: ToldAlert): string {
  const times = count === 1 ? iso(firstMs) : `×${count}, first ${iso(firstMs)}, last ${iso(lastMs)}`;
  if (kind === 'resolved') return times;
  return ackedBy === null
    ? `${times} · acknowledge: evenkeel alerts ack ${id} --reason …`
    : `${times} · acknowledged by ${ackedBy}`;
}

/** What came and went while it was muted; '' for nothing. */
export function passedOf({ passed }: ChannelMessage): string {
  const kinds = Object.entries(passed).map(([alert, count]) => `${alert} ×${count}`);
  return kinds.length === 0 ? '' : `Raised and resolved while muted: ${kinds.join(', ')}.`;
}

/** One line for the whole message. */
export function headOf(message: ChannelMessage): string {
  const { stage, alerts, test } = message;
  if (test !== null) return `[${stage}] Test of this channel`;
  const [first] = alerts;
  if (first === undefined) return `[${stage}] What came and went while alerts were muted`;
  return alerts.length === 1
    ? `[${stage}] ${titleOf(first)}`
    : `[${stage}] ${alerts.length} alerts, the worst: ${titleOf(first)}`;
}

export function testWords({ test }: ChannelMessage): string {
  return `This is a test, asked for by ${test ?? 'nobody'}. Nothing is wrong and nothing is to be done.`;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The first so many characters, none of them half. */
export function short(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return `${text
    .slice(0, charsMax - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '')}…`;
}
