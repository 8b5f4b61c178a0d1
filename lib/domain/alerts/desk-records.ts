/** The alerts of the desk: raised, counted, told again, escalated, acknowledged, resolved, forgotten. */
import type { Desk } from './desk.ts';
import { cancelMutedLine, isReferenced, tell } from './desk-channels.ts';
import { type AlertRecord, addCount, cut, type DeskMemory, deskBounds } from './memory.ts';
import { type AlertEnd, type AlertNews, type AlertSeverity, isAtLeast, worseOf } from './types.ts';

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
/** An end is remembered so long for the alert that it overtook. */
const overtakenMs = 10 * 60_000;

const boundAlert = { alert: 'alert_bound_reached', account: '*', subject: 'alerts' };

export function openRecords({ records }: DeskMemory): AlertRecord[] {
  return Object.values(records).filter(({ resolved }) => resolved === null);
}

/** @param except a channel that is not told: the alert is about it */
export function raise(desk: Desk, given: AlertNews, atMs: number, except?: string): void {
  const news = bounded(given);
  const known = Object.values(desk.memory.records).find((record) => keyOf(record) === keyOf(news));
  if (known !== undefined) again(desk, known, news, except);
  else if (news.alert === boundAlert.alert) fold(desk, news, 1);
  else create(desk, news, atMs, except);
}

function bounded({ alert, severity, account, subject, message }: AlertNews): AlertNews {
  const { nameBytes, subjectBytes, textBytes } = deskBounds;
  return {
    alert: cut(alert, nameBytes),
    severity,
    account: cut(account, nameBytes),
    subject: cut(subject, subjectBytes),
    message: cut(message, textBytes),
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
  const record = add(desk, news);
  tellNow(desk, record, 'raised', except);
  const end = memory.ends.find(({ key }) => key === keyOf(news));
  if (end === undefined || end.atMs < atMs) return;
  // Its end came first: it is told, with its end, and nobody waits for one.
  memory.ends = memory.ends.filter((one) => one !== end);
  settleRecord(desk, record, 'It had ended before this was delivered.');
}

function add({ memory, rules, nowMs }: Desk, news: AlertNews): AlertRecord {
  memory.lastId += 1;
  const record: AlertRecord = {
    ...news,
    id: `a${memory.lastId}`,
    firstMs: nowMs,
    lastMs: nowMs,
    count: 1,
    untold: 0,
    nextTellMs: nowMs,
    escalateMs: news.severity === 'CRITICAL' ? nowMs + rules.escalateMs : null,
    escalations: 0,
    ack: null,
    resolved: null,
    told: [],
  };
  memory.records[record.id] = record;
  return record;
}

function again(desk: Desk, record: AlertRecord, news: AlertNews, except?: string): void {
  const { nowMs, rules } = desk;
  const isWorse = record.severity !== news.severity && isAtLeast(news.severity, record.severity);
  const isReopened = record.resolved !== null;
  record.severity = worseOf(record.severity, news.severity);
  record.message = news.message;
  record.count += 1;
  record.lastMs = nowMs;
  if (isReopened || isWorse) {
    record.resolved = null;
    record.ack = null;
    record.escalations = 0;
    record.escalateMs = record.severity === 'CRITICAL' ? nowMs + rules.escalateMs : null;
  }
  if (record.ack !== null) return;
  record.untold += 1;
  const isNewsToTell = isWorse || (isReopened && record.severity === 'CRITICAL');
  if (isNewsToTell) tellNow(desk, record, 'raised', except);
  else if (nowMs >= record.nextTellMs) tellNow(desk, record, 'again', except);
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
    if (record.ack !== null) continue;
    if (record.escalateMs !== null && nowMs >= record.escalateMs) {
      record.escalations += 1;
      record.escalateMs = nowMs + rules.escalateMs * 2 ** Math.min(record.escalations, doublingsMax);
      tellNow(desk, record, 'escalated');
    } else if (record.untold > 0 && nowMs >= record.nextTellMs) {
      tellNow(desk, record, 'again', aboutChannel(record));
    }
  }
}

/** A channel that fails is not told of it. */
function aboutChannel({ alert, subject }: AlertRecord): string | undefined {
  return alert === 'alert_channel_failing' ? subject.split(' ').at(-1) : undefined;
}

export function resolve(desk: Desk, end: AlertEnd, atMs: number): void {
  const meant = openRecords(desk.memory).filter(
    ({ alert, account, subject }) =>
      end.alerts.includes(alert) &&
      (end.account === '*' || account === '*' || account === cut(end.account, deskBounds.nameBytes)) &&
      (end.subject === null || subject === cut(end.subject, deskBounds.subjectBytes)),
  );
  for (const record of meant) settleRecord(desk, record, end.message);
  if (meant.length > 0) return;
  remember(desk, end, atMs);
  if (end.otherwise !== null) raise(desk, end.otherwise, atMs);
}

/** For the alert that this end has overtaken on its way. */
function remember({ memory }: Desk, { alerts, account, subject }: AlertEnd, atMs: number): void {
  if (subject === null) return;
  for (const alert of alerts) {
    const { account: ofAccount, subject: of } = bounded({
      alert,
      severity: 'INFO',
      account,
      subject,
      message: '',
    });
    const key = keyOf({ alert, account: ofAccount, subject: of });
    memory.ends = [...memory.ends.filter((one) => one.key !== key), { key, atMs }].slice(-deskBounds.ends);
  }
}

function settleRecord(desk: Desk, record: AlertRecord, message: string): void {
  record.resolved = { atMs: desk.nowMs, message: cut(message, deskBounds.subjectBytes) };
  record.escalateMs = null;
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
        : nowMs - Math.max(settledAtMs, record.lastMs) > settledMs;
    if (!isOld) continue;
    if (record.alert === boundAlert.alert) memory.folded = {};
    delete memory.records[record.id];
  }
  const oldestMs = nowMs - overtakenMs;
  memory.ends = memory.ends.filter(({ atMs }) => atMs >= oldestMs);
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
  // Its place is beside the bound.
  if (known === undefined) tellNow(desk, add(desk, news), 'raised');
  else again(desk, known, news);
}
