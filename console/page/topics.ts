/** What the page knows: a signal for each topic that it follows, fed by the stream. */
import { type Signal, signal } from '@preact/signals';
import { type Stale, staleness } from '../wire/freshness.ts';
import type { Freshness, Hello, Message } from '../wire/messages.ts';
import { withChange } from '../wire/rows.ts';

export interface TopicData {
  /** False until the first word. */
  readonly isKnown: boolean;
  /** As of when it was when it was told, Unix ms UTC. */
  readonly atMs: number;
  readonly head: unknown;
  readonly rows: ReadonlyMap<string, unknown>;
  /** Why it could not be read the last time; null where it could. */
  readonly fault: { readonly code: string; readonly message: string } | null;
}

const unknown: TopicData = { isKnown: false, atMs: 0, head: null, rows: new Map(), fault: null };
const topics = new Map<string, Signal<TopicData>>();

export const hello = signal<Hello | undefined>(undefined);
/** `denied`: this page does not have the token. */
export const link = signal<'connecting' | 'live' | 'lost' | 'denied' | 'resting'>('connecting');
/** The server's clock, moved on every second. */
export const nowMs = signal(Date.now());
/** What the latest look said of the topics that are followed. */
const freshness = signal<Readonly<Record<string, Freshness>>>({});
/** Of a topic that no look has spoken of yet: the shortest. */
const paceMsByDefault = 3_000;

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly kind: 'good' | 'bad';
}

/** What a screen reader says, and the page shows for a while: the latest last. */
export const notices = signal<readonly Notice[]>([]);
const noticesMax = 3;
const noticeMs = 15_000;

let aheadMs = 0;

export function topic(name: string): Signal<TopicData> {
  const known = topics.get(name);
  if (known !== undefined) return known;
  const made = signal(unknown);
  topics.set(name, made);
  return made;
}

/** What stands above a topic's list, or the whole of it; undefined until it is known. */
export function headOf<T>(name: string): T | undefined {
  const { isKnown, head } = topic(name).value;
  return isKnown ? (head as T) : undefined;
}

export function rowsOf<T>(name: string): readonly T[] {
  return [...topic(name).value.rows.values()] as readonly T[];
}

/** As of when what is shown of a topic is, Unix ms UTC; 0 where nothing is. */
export function asOfMs(name: string): number {
  const { isKnown, atMs } = topic(name).value;
  return isKnown ? Math.max(atMs, freshness.value[name]?.atMs ?? 0) : 0;
}

/** What a person has to know of first where not all of these topics are live. */
export function staleOf(names: readonly string[]): Stale | undefined {
  const shown = names.map((name) => {
    const { isKnown, fault } = topic(name).value;
    const { paceMs } = freshness.value[name] ?? { paceMs: paceMsByDefault };
    return { name, isKnown, isFaulty: fault !== null, atMs: asOfMs(name), paceMs };
  });
  return staleness(shown, nowMs.value);
}

export function take(message: Message): void {
  switch (message.t) {
    case 'hello':
      aheadMs = message.nowMs - Date.now();
      hello.value = message;
      tick();
      return;
    case 'beat':
      aheadMs = message.nowMs - Date.now();
      freshness.value = message.topics;
      return;
    case 'whole':
      topic(message.topic).value = {
        isKnown: true,
        atMs: message.atMs,
        head: message.head,
        rows: new Map(message.rows ?? []),
        fault: null,
      };
      return;
    case 'change': {
      const known = topic(message.topic);
      const rows =
        message.rows.length + message.gone.length === 0
          ? known.value.rows
          : withChange(known.value.rows, message);
      known.value = { isKnown: true, atMs: message.atMs, head: message.head, rows, fault: null };
      return;
    }
    case 'fault': {
      const known = topic(message.topic);
      known.value = { ...known.value, fault: { code: message.code, message: message.message } };
    }
  }
}

export function tick(): void {
  nowMs.value = Date.now() + aheadMs;
}

let said = 0;

export function say(text: string, kind: Notice['kind'] = 'good'): void {
  said += 1;
  const id = said;
  notices.value = [...notices.value, { id, text, kind }].slice(-noticesMax);
  setTimeout(() => {
    notices.value = notices.value.filter((each) => each.id !== id);
  }, noticeMs);
}
