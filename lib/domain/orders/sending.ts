/**
 * From an order that has left to what became of it. An order is acknowledged when the broker names its reference or its id,
 * refused when an error says so, and ambiguous when the link was lost, the answer did not come, or a program before this one
 * ended in between. An ambiguous one is looked for in open orders, completed orders and executions, and is never sent again.
 */
import type { BrokerFact, OrderErrorFact } from './broker-facts.ts';
import { statusOfCompleted, statusOfWord } from './broker-words.ts';
import { amount } from './decimals.ts';
import { errorVerdict } from './error-verdict.ts';
import type { Intent, IntentLeg } from './intent.ts';
import { isTerminal } from './legal-moves.ts';
import type { OrderStatus } from './order-report.ts';

export interface SendingConfig {
  /** API client: ids of orders are its own. */
  readonly clientId: number;
  /** Without an answer for so long an order is ambiguous. */
  readonly acknowledgeMs: number;
  /** Complete rounds of the broker's lists without it, before a person is told. */
  readonly roundsMax: number;
}

/** The gateway itself turned the request down, and so nothing of it went on: no such contract, not valid (or read-only), no account. */
const neverTaken: ReadonlySet<number> = new Set([200, 321, 435]);

/** An error of the broker comes with the word Inactive, before it or behind it. */
const REFUSAL_MS = 1_000;

/** `seen`: the broker has it, or has had it at work. `ended`: it came to nothing, and not by itself: its parent was refused, somebody cancelled it. */
type Fate = 'seen' | 'ended' | { readonly code: number; readonly message: string };

interface Sent {
  readonly intent: Intent;
  readonly fates: Map<string, Fate>;
  phase: 'awaited' | 'ambiguous' | 'unresolved';
  dueMs: number;
  /** Legs that the broker calls Inactive: refused, or held back. An error may still say which, until `inactiveDueMs`. */
  readonly inactive: Set<string>;
  inactiveDueMs: number;
  rounds: number;
  /** Of a change: the order was seen with its former terms. */
  former: boolean;
}

export interface SendingState {
  readonly config: SendingConfig;
  /** By key, in the order in which they left. */
  readonly sent: Map<string, Sent>;
}

export type SendingInput =
  /** Its orders are being written to the socket. */
  | { readonly kind: 'sent'; readonly intent: Intent }
  /** Recorded by a run before this one, which may have sent it. */
  | { readonly kind: 'recovered'; readonly intent: Intent }
  | { readonly kind: 'fact'; readonly fact: BrokerFact }
  | { readonly kind: 'link-lost' }
  /** The broker's lists of open orders, completed orders and executions were asked for and came; their rows came before, as facts. */
  | { readonly kind: 'round'; readonly complete: boolean }
  | { readonly kind: 'tick' };

export type SendingEffect =
  | {
      readonly kind: 'settled';
      readonly intent: Intent;
      readonly state: 'sent' | 'rejected' | 'unresolved';
      readonly message: string;
      /** Legs without which the broker has the others, and why; left out where there are none. */
      readonly lacks?: readonly string[];
    }
  | { readonly kind: 'ambiguous'; readonly intent: Intent; readonly message: string }
  /** Have the broker's lists asked for now. */
  | { readonly kind: 'ask' };

export function createSending(config: SendingConfig): SendingState {
  return { config, sent: new Map() };
}

/** The given state is consumed. `nowMs` is the system's clock. */
export function step(
  state: SendingState,
  input: SendingInput,
  nowMs: number,
): { readonly state: SendingState; readonly effects: readonly SendingEffect[] } {
  const effects: SendingEffect[] = [];
  switch (input.kind) {
    case 'sent':
      take(state, input.intent, 'awaited', nowMs + state.config.acknowledgeMs);
      break;
    case 'recovered':
      take(state, input.intent, 'ambiguous', Number.POSITIVE_INFINITY);
      effects.push({ kind: 'ask' });
      break;
    case 'fact':
      onFact(state, input.fact, nowMs, effects);
      break;
    case 'link-lost':
      for (const sent of state.sent.values()) {
        takeInactive(state, sent, effects);
        if (state.sent.has(sent.intent.key)) doubt(sent, 'the link to the gateway was lost', effects);
      }
      break;
    case 'round':
      if (input.complete) for (const sent of state.sent.values()) onRound(state, sent, effects);
      break;
    case 'tick': {
      for (const sent of state.sent.values())
        if (sent.inactiveDueMs <= nowMs) takeInactive(state, sent, effects);
      const late = [...state.sent.values()].filter(({ dueMs }) => dueMs <= nowMs);
      for (const sent of late) {
        doubt(sent, `the broker did not answer within ${state.config.acknowledgeMs} ms`, effects);
      }
      if (late.length > 0) effects.push({ kind: 'ask' });
      break;
    }
  }
  return { state, effects };
}

/** When a `tick` is due; Infinity for never. */
export function deadline(state: SendingState): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { dueMs, inactiveDueMs } of state.sent.values()) next = Math.min(next, dueMs, inactiveDueMs);
  return next;
}

/** Whose fate is not known: `unresolved` ones included. */
export function isWatched(state: SendingState, key: string): boolean {
  return state.sent.has(key);
}

/** All of them. */
export function watched(state: SendingState): readonly Intent[] {
  return [...state.sent.values()].map(({ intent }) => intent);
}

/** Of which the broker may be heard at any moment: without those that a person was told of. */
export function undecided(state: SendingState): readonly Intent[] {
  return [...state.sent.values()].flatMap(({ intent, phase }) => (phase === 'unresolved' ? [] : [intent]));
}

function take(state: SendingState, intent: Intent, phase: Sent['phase'], dueMs: number): void {
  state.sent.set(intent.key, {
    intent,
    fates: new Map(),
    phase,
    dueMs,
    inactive: new Set(),
    inactiveDueMs: Number.POSITIVE_INFINITY,
    rounds: 0,
    former: false,
  });
}

function onFact(state: SendingState, fact: BrokerFact, nowMs: number, effects: SendingEffect[]): void {
  const found = concerned(state, fact);
  if (fact.kind === 'order-error') {
    // An order and a change of it have one id: the answer is to what left last.
    const last = found.at(-1);
    if (last !== undefined) onError(state, last, fact, effects);
    return;
  }
  for (const { sent, leg } of found) {
    if (sent.intent.command !== 'modify') noteShown(sent, leg, fact, nowMs);
    // Which terms it had when it ended, this list does not say.
    else if (fact.kind === 'completed-order') noteEnded(sent, leg);
    else if (hasTerms(sent, fact)) sent.fates.set(leg, 'seen');
    conclude(state, sent, effects);
  }
}

function onError(
  state: SendingState,
  { sent, leg }: Concerned,
  { code, message }: OrderErrorFact,
  effects: SendingEffect[],
): void {
  switch (neverTaken.has(code) ? 'rejected' : errorVerdict(code, undefined)) {
    case 'rejected':
      // A refusal of what the broker has shown already is about something else: the order's own events tell.
      if (sent.fates.get(leg) !== 'seen') sent.fates.set(leg, { code, message });
      break;
    case 'cancelled':
      noteEnded(sent, leg);
      break;
    case 'warning':
      return;
    case 'ask':
      doubt(sent, `the broker answered ${code}: ${message}`, effects);
      effects.push({ kind: 'ask' });
      return;
  }
  conclude(state, sent, effects);
}

type Shown = Exclude<BrokerFact, { readonly kind: 'order-error' }>;

function noteShown(sent: Sent, leg: string, fact: Shown, nowMs: number): void {
  switch (fact.kind) {
    case 'open-order':
    case 'order-status':
      if (isOver(statusOfWord(fact.status))) noteOver(sent, leg, fact.status, nowMs);
      // Without a permanent id the gateway alone has it, and loses it with its session.
      else if (fact.permId !== 0) sent.fates.set(leg, 'seen');
      return;
    case 'completed-order': {
      const status = statusOfCompleted(fact.status, fact.completedStatus);
      const isRefused = status === 'Rejected' && sent.fates.get(leg) !== 'seen';
      if (isRefused) sent.fates.set(leg, { code: 0, message: fact.completedStatus });
      else sent.fates.set(leg, 'seen');
      return;
    }
    default:
      sent.fates.set(leg, 'seen');
  }
}

/** In a list that was asked for, no error follows on the word. */
function noteOver(sent: Sent, leg: string, word: string, nowMs: number): void {
  if (statusOfWord(word) !== 'Inactive' || sent.phase !== 'awaited') {
    noteEnded(sent, leg);
    return;
  }
  sent.inactive.add(leg);
  sent.inactiveDueMs = Math.min(sent.inactiveDueMs, nowMs + REFUSAL_MS);
}

/** No error has said that it was refused: the broker holds it back. */
function takeInactive(state: SendingState, sent: Sent, effects: SendingEffect[]): void {
  sent.inactiveDueMs = Number.POSITIVE_INFINITY;
  if (sent.inactive.size === 0) return;
  for (const leg of sent.inactive) noteEnded(sent, leg);
  sent.inactive.clear();
  conclude(state, sent, effects);
}

function noteEnded({ fates }: Sent, leg: string): void {
  if (!fates.has(leg)) fates.set(leg, 'ended');
}

/** The broker says Inactive of what it refuses, and of what it holds back: an error, if one follows, says which. */
function isOver(status: OrderStatus): boolean {
  return status === 'Inactive' || (isTerminal(status) && status !== 'Filled');
}

interface Concerned {
  readonly sent: Sent;
  readonly leg: string;
}

/** By its reference, which is ours alone; by its id where the broker names nothing else. */
function concerned({ sent, config }: SendingState, fact: BrokerFact): readonly Concerned[] {
  return [...sent.values()].flatMap((each) => {
    const { legs, clientId } = each.intent;
    const ours = clientId === config.clientId ? clientId : undefined;
    const leg = legs.find((one) => isAbout(fact, one, ours));
    return leg === undefined ? [] : [{ sent: each, leg: leg.leg }];
  });
}

function isAbout(fact: BrokerFact, { orderRef, orderId }: IntentLeg, ours: number | undefined): boolean {
  switch (fact.kind) {
    case 'open-order':
    case 'execution':
    case 'completed-order':
      return fact.orderRef === orderRef;
    case 'order-status':
    case 'order-error':
      return fact.clientId === ours && fact.orderId === orderId;
    default:
      return false;
  }
}

/** Whether the broker has the order as it was to be changed: that it has the order says nothing of the change. */
function hasTerms(sent: Sent, fact: BrokerFact): boolean {
  if (fact.kind !== 'open-order') return false;
  const [wished] = sent.intent.wish.legs;
  const { quantity, limitPrice, stopPrice } = fact.terms;
  const same = (told: string | null, asked: string | null) =>
    asked === null || (told !== null && amount(told).eq(amount(asked)));
  const has =
    wished === undefined ||
    (same(quantity, wished.quantity) &&
      same(limitPrice, wished.limitPrice) &&
      same(stopPrice, wished.stopPrice));
  if (!has) sent.former = true;
  return has;
}

function conclude(state: SendingState, sent: Sent, effects: SendingEffect[]): void {
  const { intent, fates } = sent;
  if (intent.legs.some(({ leg }) => !fates.has(leg))) return;
  const refused = refusedOf(sent);
  state.sent.delete(intent.key);
  const isRejected = refused.length > 0 && !isSeen(sent);
  effects.push({
    kind: 'settled',
    intent,
    state: isRejected ? 'rejected' : 'sent',
    ...(refused.length > 0 && !isRejected ? { lacks: refused } : {}),
    message: refused.length === 0 ? acknowledged(sent) : `The broker refused ${refused.join('; ')}`,
  });
}

function acknowledged(sent: Sent): string {
  if (isSeen(sent)) return 'The broker has it.';
  return sent.intent.command === 'modify'
    ? 'The order has ended. Whether it was changed before, its own events and the broker say.'
    : 'The broker has had it, and it works no more or is held back: its own events say why.';
}

function isSeen({ fates }: Sent): boolean {
  return [...fates.values()].includes('seen');
}

function refusedOf({ intent, fates }: Sent): readonly string[] {
  return intent.legs.flatMap(({ leg }) => {
    const fate = fates.get(leg);
    return typeof fate === 'object' ? [`${leg}: ${fate.code} ${fate.message}`] : [];
  });
}

function doubt(sent: Sent, why: string, effects: SendingEffect[]): void {
  if (sent.phase !== 'awaited') return;
  sent.phase = 'ambiguous';
  sent.dueMs = Number.POSITIVE_INFINITY;
  effects.push({
    kind: 'ambiguous',
    intent: sent.intent,
    message: `It has left, and ${why}. It is looked for by its reference in the broker's lists, and is never sent again.`,
  });
}

/** Absence alone is no verdict: after some rounds a person is told, and it is watched on. */
function onRound(state: SendingState, sent: Sent, effects: SendingEffect[]): void {
  if (sent.phase !== 'ambiguous') return;
  sent.rounds += 1;
  if (sent.rounds < state.config.roundsMax) {
    effects.push({ kind: 'ask' });
    return;
  }
  if (sent.former) {
    state.sent.delete(sent.intent.key);
    const message = `In ${sent.rounds} complete rounds of its lists the broker had the order with its former terms.`;
    effects.push({ kind: 'settled', intent: sent.intent, state: 'rejected', message });
    return;
  }
  const { intent, fates } = sent;
  if (typeof fates.get(intent.legs[0]?.leg ?? '') === 'object' && !isSeen(sent)) {
    // Children have no place without their parent, and nothing more may be said of them.
    state.sent.delete(intent.key);
    const message = `The broker refused ${refusedOf(sent).join('; ')}`;
    effects.push({ kind: 'settled', intent, state: 'rejected', message });
    return;
  }
  sent.phase = 'unresolved';
  const missing = intent.legs.filter(({ leg }) => !fates.has(leg));
  effects.push({
    kind: 'settled',
    intent,
    state: 'unresolved',
    message: `In ${sent.rounds} complete rounds of open orders, completed orders and executions the broker had no order with the reference ${refsOf(missing)}. It is not sent again. Look in TWS for it; if it is not there, order anew with another key.`,
  });
}

function refsOf(legs: readonly IntentLeg[]): string {
  return legs.map(({ leg, orderRef }) => `${orderRef} (${leg})`).join(', ');
}
