/** The channels of the desk: what waits for each, what is under way, and when the next message may leave. */
import { activeResetWindow } from '../safety/reset-windows.ts';
import { commandFor } from './catalogue.ts';
import type { Desk } from './desk.ts';
import { backOffMs, channelPatience } from './desk-outcomes.ts';
import {
  type AlertRecord,
  addCount,
  type ChannelMemory,
  type DeskMemory,
  deskBounds,
  type Sending,
} from './memory.ts';
import {
  type AlertMessage,
  alertSeverities,
  type ChannelRules,
  type DeskEffect,
  type TellingKind,
  type ToldAlert,
  worseOf,
} from './types.ts';

const strength: readonly TellingKind[] = ['again', 'acknowledged', 'raised', 'escalated', 'resolved'];

/** Puts an alert into the line of a channel. One that waits already is told once, for the stronger of the reasons. */
export function tell(desk: Desk, { name }: ChannelRules, { id }: AlertRecord, kind: TellingKind): void {
  const { lines } = channelOf(desk, name);
  const waiting = lines[id];
  if (waiting === undefined || strength.indexOf(kind) > strength.indexOf(waiting)) lines[id] = kind;
}

/** What comes and goes while it is muted is counted, not told; true where that was so. */
export function cancelMutedLine(desk: Desk, channel: ChannelRules, record: AlertRecord): boolean {
  const { lines, passed } = channelOf(desk, channel.name);
  const isUntold = Object.hasOwn(lines, record.id) && !record.told.includes(channel.name);
  if (!isUntold || !isMuted(desk, channel, record)) return false;
  delete lines[record.id];
  addCount(passed, record.alert, record.count);
  return true;
}

export function isReferenced({ channels }: DeskMemory, id: string): boolean {
  return Object.values(channels).some(
    ({ lines, sending }) =>
      Object.hasOwn(lines, id) || (sending?.alerts.some((one) => one.id === id) ?? false),
  );
}

/** The next message of a channel, if one may leave now. */
export function pump(desk: Desk, channel: ChannelRules): DeskEffect | undefined {
  const { nowMs } = desk;
  const memory = channelOf(desk, channel.name);
  memory.sending ??= nextSending(desk, channel, memory);
  const { sending } = memory;
  if (sending === null || nowMs < sending.dueMs) return undefined;
  if (!sending.isToBeBuried) {
    sending.attempts += 1;
    sending.isUnderWay = true;
  }
  sending.dueMs = nowMs + Math.max(channelPatience.lostMs, backOffMs(sending));
  const message = messageOf(desk, channel.name, sending);
  return sending.isToBeBuried
    ? { kind: 'bury', message, problem: sending.problem }
    : { kind: 'send', message };
}

function nextSending(desk: Desk, channel: ChannelRules, memory: ChannelMemory): Sending | null {
  const { nowMs } = desk;
  if (nowMs < memory.nextMs) return null;
  const records = sendable(desk, channel, memory);
  const passed = isQuiet(desk, channel) ? {} : memory.passed;
  if (records.length === 0 && Object.keys(passed).length === 0) return null;
  const alerts = records.slice(0, deskBounds.alertsOfMessage).map((record) => {
    const isFirst = !record.told.includes(channel.name);
    if (isFirst) record.told.push(channel.name);
    const kind = memory.lines[record.id]!;
    delete memory.lines[record.id];
    return { id: record.id, kind, isFirst };
  });
  if (passed === memory.passed) memory.passed = {};
  memory.nextMs = nowMs + channel.rateMs;
  desk.memory.lastNo += 1;
  return {
    no: desk.memory.lastNo,
    alerts,
    passed,
    sinceMs: nowMs,
    attempts: 0,
    dueMs: nowMs,
    isUnderWay: false,
    isToBeBuried: false,
    problem: '',
  };
}

/** What waits and is not muted, the worst first, else in the order it came. */
function sendable(desk: Desk, channel: ChannelRules, { lines }: ChannelMemory): AlertRecord[] {
  const records = Object.keys(lines).flatMap((id) => desk.memory.records[id] ?? []);
  // Asked once, not of each of some hundred records: an answer goes through calendars.
  const muted = records.length > 0 && isQuiet(desk, channel);
  return records
    .filter(({ severity }) => severity === 'CRITICAL' || !muted)
    .toSorted((a, b) => alertSeverities.indexOf(b.severity) - alertSeverities.indexOf(a.severity));
}

function isMuted(desk: Desk, channel: ChannelRules, { severity }: AlertRecord): boolean {
  return severity !== 'CRITICAL' && isQuiet(desk, channel);
}

function isQuiet({ rules, nowMs }: Desk, { quietHours }: ChannelRules): boolean {
  const windows = quietHours === null ? rules.resetWindows : [...rules.resetWindows, quietHours];
  return activeResetWindow(windows, nowMs) !== undefined;
}

export function channelNextMs(desk: Desk, channel: ChannelRules): number | undefined {
  const memory = channelOf(desk, channel.name);
  if (memory.sending !== null) return memory.sending.dueMs;
  const isWaiting =
    sendable(desk, channel, memory).length > 0 ||
    (Object.keys(memory.passed).length > 0 && !isQuiet(desk, channel));
  return isWaiting ? memory.nextMs : undefined;
}

function messageOf(
  { memory }: Desk,
  channel: string,
  { no, alerts, passed, attempts }: Sending,
): AlertMessage {
  const told = alerts.flatMap(({ id, kind, isFirst }): ToldAlert[] => {
    const record = memory.records[id];
    if (record === undefined) return [];
    const { alert, severity, account, subject, message, count, firstMs, lastMs, ack, resolved } = record;
    return [
      {
        id,
        kind: kindNow(kind, record),
        alert,
        severity,
        account,
        subject,
        message: resolved === null ? message : `${message} ${resolved.message}`.trim(),
        count,
        firstMs,
        lastMs,
        isFirst,
        ackedBy: ack?.by ?? null,
        command: commandFor(record),
      },
    ];
  });
  const severity = told.reduce((worst, one) => worseOf(worst, one.severity), told[0]?.severity ?? 'INFO');
  return { channel, no, severity, alerts: told, passed, attempt: attempts };
}

/** What has ended meanwhile is told as ended, and what has come again is not, nor as in somebody's hands. */
function kindNow(kind: TellingKind, { resolved, ack }: AlertRecord): TellingKind {
  if (resolved !== null) return 'resolved';
  const isPast = kind === 'resolved' || (kind === 'acknowledged' && ack === null);
  return isPast ? 'again' : kind;
}

function channelOf({ memory }: Desk, name: string): ChannelMemory {
  const found = memory.channels[name];
  if (found === undefined) throw new RangeError(`the desk has no channel ${name}`);
  return found;
}
