/** The alerts of the desk: raised, counted, told again, escalated, acknowledged, resolved, forgotten. */
import { hasEnd } from './catalogue.ts';
import type { Desk } from './desk.ts';
import { cancelMutedLine, isReferenced, tell } from './desk-channels.ts';
import { holds, newestRaiseMs, noteEnd, noteRaise } from './desk-ends.ts';
import { type AlertRecord, addCount, cut, type DeskMemory, deskBounds } from './memory.ts';
import {
  type AlertEnd,
  type AlertNews,
  type AlertSeverity,
  isAtLeast,
  ownWitness,
  worseOf,
} from './types.ts';

const hourMs = 3_600_000;
/** What is resolved or acknowledged, and was told, is shown so long. */
const settledMs = hourMs;
/** What nobody acknowledges and does not come again is open so long; CRITICAL for ever. */
const openMs: Readonly<Record<Exclude<AlertSeverity, 'CRITICAL'>, number>> = {
  INFO: 6 * hourMs,
  MEDIUM: 24 * hourMs,
  HIGH: 72 * hourMs,
};
/** The wait for an acknowledgement doubles so often. */
const doublingsMax = 4;
const endedBefore = 'It had ended before this was delivered.';

const boundAlert = { alert: 'alert_bound_reached', account: '*', subject: 'alerts', witness: ownWitness };

export function openRecords({ records }: DeskMemory): AlertRecord[] {
  return Object.values(records).filter(({ resolved }) => resolved === null);
}

/** @param except a channel that is not told: the alert is about it */
export function raise(desk: Desk, given: AlertNews, atMs: number, except?: string): void {
  const news = bounded(given);
  const known = Object.values(desk.memory.records).find((record) => keyOf(record) === keyOf(news));
  if (known !== undefined) again(desk, known, news, atMs, except);
  else if (news.alert === boundAlert.alert) fold(desk, news, 1);
  else create(desk, news, atMs, except);
}

function bounded({ alert, severity, account, subject, message, witness }: AlertNews): AlertNews {
  const { nameBytes, subjectBytes, textBytes } = deskBounds;
  return {
    alert: cut(alert, nameBytes),
    severity,
    account: cut(account, nameBytes),
    subject: cut(subject, subjectBytes),
    message: cut(message, textBytes),
    witness: cut(witness, nameBytes),
  };
}

function keyOf({ alert, account, subject }: Pick<AlertNews, 'alert' | 'account' | 'subject'>): string {
  return JSON.stringify([alert, account, subject]);
}

function create(desk: Desk, news: AlertNews, atMs: number, except?: string): void {
  const { memory } = desk;
  if (Object.keys(memory.records).length >= deskBounds.records && !makeRoom(desk, news.severity)) {
    fold(desk, news, 1);
    return;
  }
  const record = add(desk, news, atMs);
  tellNow(desk, record, 'raised', except);
  // Its end came first: it is told, with its end, and nobody waits for one.
  if (!holds(record)) settleRecord(desk, record, endedBefore);
}

function add(desk: Desk, { witness, ...news }: AlertNews, atMs: number): AlertRecord {
  const { memory, nowMs } = desk;
  memory.lastId += 1;
  const record: AlertRecord = {
    ...news,
    id: `a${memory.lastId}`,
    witnesses: {},
    firstMs: nowMs,
    lastMs: nowMs,
    count: 1,
    untold: 0,
    nextTellMs: nowMs,
    escalateMs: null,
    escalations: 0,
    ack: null,
    resolved: null,
    told: [],
  };
  begin(desk, record);
  noteRaise(desk, record, witness, atMs);
  memory.records[record.id] = record;
  return record;
}

/** Nobody has it, and its escalation begins. */
function begin({ rules, nowMs }: Desk, record: AlertRecord): void {
  record.resolved = null;
  record.ack = null;
  record.escalations = 0;
  record.escalateMs = record.severity === 'CRITICAL' ? nowMs + rules.escalateMs : null;
}

function again(desk: Desk, record: AlertRecord, news: AlertNews, atMs: number, except?: string): void {
  const isWorse = record.severity !== news.severity && isAtLeast(news.severity, record.severity);
  const wasResolved = record.resolved !== null;
  if (atMs >= newestRaiseMs(record)) record.message = news.message;
  record.severity = worseOf(record.severity, news.severity);
  record.count += 1;
  record.lastMs = desk.nowMs;
  noteRaise(desk, record, news.witness, atMs);
  if (wasResolved && !holds(record)) {
    // It is older than its end, which was told.
    if (!isWorse) return;
    tellNow(desk, record, 'raised', except);
    settleRecord(desk, record, endedBefore);
    return;
  }
  if (wasResolved || isWorse) begin(desk, record);
  // Who has acknowledged a thing that lasts knows of it until it is over.
  if (record.ack !== null && hasEnd(record.alert)) return;
  record.untold += 1;
  if (isWorse || (wasResolved && record.severity === 'CRITICAL')) tellNow(desk, record, 'raised', except);
  else if (desk.nowMs >= record.nextTellMs) tellAgain(desk, record, except);
}

function tellAgain(desk: Desk, record: AlertRecord, except?: string): void {
  const wasAcknowledged = record.ack !== null;
  if (wasAcknowledged) begin(desk, record);
  tellNow(desk, record, wasAcknowledged ? 'raised' : 'again', except);
}

function tellNow(
  desk: Desk,
  record: AlertRecord,
  kind: 'raised' | 'again' | 'escalated',
  except?: string,
): void {
  record.untold = 0;
  record.nextTellMs = desk.nowMs + desk.rules.dedupMs;
  for (const channel of desk.rules.channels) {
    const isMeant = kind === 'escalated' || channel.receives === 'all' || record.told.includes(channel.name);
    if (channel.name !== except && isMeant && isAtLeast(record.severity, channel.minSeverity))
      tell(desk, channel, record, kind);
  }
}

/** What came again meanwhile, and what nobody has acknowledged. */
export function tellDue(desk: Desk): void {
  const { memory, nowMs, rules } = desk;
  for (const record of openRecords(memory)) {
    if (record.escalateMs !== null && nowMs >= record.escalateMs) {
      record.escalations += 1;
      record.escalateMs = nowMs + rules.escalateMs * 2 ** Math.min(record.escalations, doublingsMax);
      tellNow(desk, record, 'escalated');
    } else if (record.untold > 0 && nowMs >= record.nextTellMs) {
      tellAgain(desk, record, aboutChannel(record));
    }
  }
}

/** A channel that fails is not told of it. */
function aboutChannel({ alert, subject }: AlertRecord): string | undefined {
  return alert === 'alert_channel_failing' ? subject.split(' ').at(-1) : undefined;
}

export function resolve(desk: Desk, end: AlertEnd, atMs: number): void {
  const open = noteEnd(desk, end, atMs).filter(({ resolved }) => resolved === null);
  for (const record of open) if (!holds(record)) settleRecord(desk, record, end.message);
  if (open.length === 0 && end.otherwise !== null) raise(desk, end.otherwise, atMs);
}

function settleRecord(desk: Desk, record: AlertRecord, message: string): void {
  record.resolved = { atMs: desk.nowMs, message: cut(message, deskBounds.subjectBytes) };
  record.escalateMs = null;
  record.untold = 0;
  for (const channel of desk.rules.channels) {
    if (cancelMutedLine(desk, channel, record)) continue;
    const { lines } = desk.memory.channels[channel.name]!;
    if (record.told.includes(channel.name) || Object.hasOwn(lines, record.id))
      tell(desk, channel, record, 'resolved');
  }
}

export function acknowledge(
  desk: Desk,
  { id, by, reason }: { readonly id: string; readonly by: string; readonly reason: string },
): void {
  const record = desk.memory.records[id];
  if (record === undefined) return;
  record.ack = {
    by: cut(by, deskBounds.reasonBytes),
    reason: cut(reason, deskBounds.reasonBytes),
    atMs: desk.nowMs,
  };
  record.escalateMs = null;
  record.untold = 0;
  for (const channel of desk.rules.channels) {
    // Who waits to be told of it is told of both at once.
    if (record.told.includes(channel.name) && record.resolved === null)
      tell(desk, channel, record, 'acknowledged');
  }
}

export function forgetOld({ memory, nowMs }: Desk): void {
  for (const record of Object.values(memory.records)) {
    if (isReferenced(memory, record.id)) continue;
    const settledAtMs = record.resolved?.atMs ?? record.ack?.atMs;
    const isOld =
      settledAtMs === undefined
        ? record.severity !== 'CRITICAL' &&
          record.untold === 0 &&
          nowMs - record.lastMs > openMs[record.severity]
        : record.untold === 0 && nowMs - Math.max(settledAtMs, record.lastMs) > settledMs;
    if (!isOld) continue;
    if (record.alert === boundAlert.alert) memory.folded = {};
    delete memory.records[record.id];
  }
}

/** A place for an alert of this severity: that of one that was told and is over, or, for a CRITICAL one, of a lesser one. */
function makeRoom(desk: Desk, severity: AlertSeverity): boolean {
  const { memory } = desk;
  const others = Object.values(memory.records).filter(({ alert }) => alert !== boundAlert.alert);
  const byAge = others.toSorted((a, b) => a.lastMs - b.lastMs);
  const isFree = (record: AlertRecord) => record.untold === 0 && !isReferenced(memory, record.id);
  const over =
    byAge.find((record) => record.resolved !== null && isFree(record)) ??
    byAge.find((record) => record.ack !== null && isFree(record)) ??
    byAge.find((record) => record.severity !== 'CRITICAL' && isFree(record));
  if (over !== undefined) {
    delete memory.records[over.id];
    return true;
  }
  if (severity !== 'CRITICAL') return false;
  const lesser = byAge.find(
    (record) =>
      record.severity !== 'CRITICAL' &&
      !Object.values(memory.channels).some((one) => isSent(one.sending, record.id)),
  );
  if (lesser === undefined) return false;
  for (const channel of Object.values(memory.channels)) delete channel.lines[lesser.id];
  delete memory.records[lesser.id];
  fold(desk, lesser, lesser.count);
  return true;
}

function isSent(
  sending: { readonly alerts: readonly { readonly id: string }[] } | null,
  id: string,
): boolean {
  return sending?.alerts.some((one) => one.id === id) ?? false;
}

/** Counted by kind in the one alert that says that there are too many. */
function fold(desk: Desk, { alert, severity }: Pick<AlertNews, 'alert' | 'severity'>, count: number): void {
  const { memory } = desk;
  addCount(memory.folded, alert, count);
  const kinds = Object.entries(memory.folded).map(([kind, times]) => `${kind} ×${times}`);
  const message = `More than ${deskBounds.records} alerts are open; these have no line of their own: ${kinds.join(', ')}.`;
  const news = bounded({ ...boundAlert, severity, message });
  const known = Object.values(memory.records).find((record) => keyOf(record) === keyOf(news));
  if (known === undefined) {
    // Its place is beside the bound.
    tellNow(desk, add(desk, news, desk.nowMs), 'raised');
    return;
  }
  const isCritical = severity === 'CRITICAL';
  // Who has acknowledged the ones before has not seen this one.
  if (isCritical && known.ack !== null) begin(desk, known);
  again(desk, known, news, desk.nowMs);
  if (isCritical) tellNow(desk, known, 'raised');
}
