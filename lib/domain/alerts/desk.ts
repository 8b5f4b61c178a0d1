/**
 * The desk of alerts: what is raised becomes messages of channels. Nothing is lost: each alert was sent, waits, or is
 * counted in one that was sent or waits; nothing CRITICAL is ever held back by a mute; everything that is remembered is
 * bounded. `step` is pure: it answers a new state and what is to be carried out, whose outcome comes back as an input.
 */
import { channelNextMs, pump } from './desk-channels.ts';
import { forgetEnds } from './desk-ends.ts';
import { giveUpLost, settle } from './desk-outcomes.ts';
import { acknowledge, forgetOld, openRecords, raise, resolve, tellDue } from './desk-records.ts';
import { type DeskMemory, deskBounds, emptyChannel, emptyMemory } from './memory.ts';
import type { DeskEffect, DeskInput, DeskRules } from './types.ts';

export interface DeskState {
  readonly rules: DeskRules;
  readonly memory: DeskMemory;
}

/** What the steps change: a copy of the state's memory. */
export interface Desk {
  readonly rules: DeskRules;
  readonly memory: DeskMemory;
  readonly nowMs: number;
}

/** @param memory of an earlier run; what waits for a channel that the rules do not have any more is dropped with it */
export function createDesk(given: DeskRules, memory: DeskMemory = emptyMemory()): DeskState {
  const rules = { ...given, channels: given.channels.slice(0, deskBounds.channels) };
  const channels = rules.channels.map(({ name }) => [name, memory.channels[name] ?? emptyChannel()]);
  return { rules, memory: { ...memory, channels: Object.fromEntries(channels) as DeskMemory['channels'] } };
}

/** @param nowMs the system clock, Unix ms */
export function step(
  { rules, memory: before }: DeskState,
  inputs: readonly DeskInput[],
  nowMs: number,
): { readonly state: DeskState; readonly effects: readonly DeskEffect[] } {
  const desk: Desk = { rules, memory: structuredClone(before), nowMs };
  for (const input of inputs) take(desk, input);
  for (const channel of rules.channels) giveUpLost(desk, channel);
  tellDue(desk);
  const effects = rules.channels.flatMap((channel) => pump(desk, channel) ?? []);
  forgetOld(desk);
  forgetEnds(desk);
  return { state: { rules, memory: desk.memory }, effects };
}

/** When something is due next, Unix ms; undefined when nothing is. The end of a mute is found by the next tick. */
export function deadline({ rules, memory }: DeskState, nowMs: number): number | undefined {
  const desk: Desk = { rules, memory, nowMs };
  const dues = [
    ...rules.channels.flatMap((channel) => channelNextMs(desk, channel) ?? []),
    ...openRecords(memory).flatMap(({ untold, nextTellMs, escalateMs }) => [
      ...(untold > 0 ? [nextTellMs] : []),
      ...(escalateMs === null ? [] : [escalateMs]),
    ]),
  ];
  return dues.length === 0 ? undefined : Math.min(...dues);
}

function take(desk: Desk, input: DeskInput): void {
  switch (input.kind) {
    case 'raised':
      if (isNew(desk, input.eventId)) raise(desk, input.news, input.atMs);
      return;
    case 'ended':
      if (isNew(desk, input.eventId)) resolve(desk, input.end, input.atMs);
      return;
    case 'acknowledged':
      acknowledge(desk, input);
      return;
    case 'delivered':
    case 'failed':
    case 'buried':
      settle(desk, input);
      return;
    case 'tick':
      return;
  }
}

/** The bus and the queue may deliver twice. */
function isNew({ memory }: Desk, eventId: string): boolean {
  if (memory.eventIds.includes(eventId)) return false;
  memory.eventIds.push(eventId);
  if (memory.eventIds.length > deskBounds.eventIds) memory.eventIds.shift();
  return true;
}
