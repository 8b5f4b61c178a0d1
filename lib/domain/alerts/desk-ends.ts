/**
 * Which alerts are over. The queue brings raises and ends in any order, so neither is what counts: for each witness of an
 * alert the time of its newest raise and of its newest end are kept, and it holds while one raise is newer than its end.
 */
import type { Desk } from './desk.ts';
import { type AlertRecord, cut, deskBounds, type KnownEnd } from './memory.ts';
import type { AlertEnd, AlertNews } from './types.ts';

/** The queue brings what failed again after five minutes, and up to twenty times: an end waits so long for its alert. */
const overtakenMs = 2 * 3_600_000;
/** All that have no place of their own; only an end that is meant for all ends it. */
const otherWitnesses = 'others';

type Thing = Pick<AlertNews, 'alert' | 'account' | 'subject'>;

/** @param atMs of the raise */
export function noteRaise({ memory }: Desk, record: AlertRecord, witness: string, atMs: number): void {
  const { witnesses } = record;
  const isKnown = Object.hasOwn(witnesses, witness);
  const hasRoom = Object.keys(witnesses).length < deskBounds.witnesses;
  const name = isKnown || hasRoom ? witness : otherWitnesses;
  const { raisedAtMs, endedAtMs } = witnesses[name] ?? { raisedAtMs: 0, endedAtMs: 0 };
  const overtaken = memory.ends.filter((end) => isMeant(end, record) && isOf(end, name));
  witnesses[name] = {
    raisedAtMs: Math.max(raisedAtMs, atMs),
    endedAtMs: Math.max(endedAtMs, ...overtaken.map((end) => end.atMs)),
  };
}

/** What the end says of each alert that it is meant for, and of those that are still on their way. */
export function noteEnd(
  desk: Desk,
  { alerts, account, subject, witness }: AlertEnd,
  atMs: number,
): AlertRecord[] {
  const { memory, nowMs } = desk;
  const { nameBytes, subjectBytes, ends: endsMax } = deskBounds;
  const ends = alerts.map(
    (alert): KnownEnd => ({
      alert: cut(alert, nameBytes),
      account: cut(account, nameBytes),
      subject: subject === null ? null : cut(subject, subjectBytes),
      witness: witness === null ? null : cut(witness, nameBytes),
      atMs,
      heardMs: nowMs,
    }),
  );
  for (const end of ends) {
    const known = memory.ends.find((one) => isSame(one, end));
    const newest = known === undefined || known.atMs < atMs ? end : { ...known, heardMs: nowMs };
    memory.ends = [...memory.ends.filter((one) => one !== known), newest].slice(-endsMax);
  }
  const meant = Object.values(memory.records).filter((record) => ends.some((end) => isMeant(end, record)));
  for (const { witnesses } of meant) {
    for (const [name, { raisedAtMs, endedAtMs }] of Object.entries(witnesses))
      if (ends.some((end) => isOf(end, name)))
        witnesses[name] = { raisedAtMs, endedAtMs: Math.max(endedAtMs, atMs) };
  }
  return meant;
}

export function forgetEnds({ memory, nowMs }: Desk): void {
  memory.ends = memory.ends.filter(({ heardMs }) => nowMs - heardMs <= overtakenMs);
}

/** Of the same time: it is over. */
export function holds({ witnesses }: AlertRecord): boolean {
  return Object.values(witnesses).some(({ raisedAtMs, endedAtMs }) => raisedAtMs > endedAtMs);
}

export function newestRaiseMs({ witnesses }: AlertRecord): number {
  return Math.max(...Object.values(witnesses).map(({ raisedAtMs }) => raisedAtMs));
}

function isMeant(end: KnownEnd, { alert, account, subject }: Thing): boolean {
  return (
    end.alert === alert &&
    (end.account === '*' || account === '*' || end.account === account) &&
    (end.subject === null || end.subject === subject)
  );
}

function isOf({ witness }: KnownEnd, name: string): boolean {
  return witness === null || witness === name;
}

function isSame(one: KnownEnd, other: KnownEnd): boolean {
  return (['alert', 'account', 'subject', 'witness'] as const).every((key) => one[key] === other[key]);
}
