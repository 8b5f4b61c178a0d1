/** What becomes of the messages of a channel: taken, failed and sent again, lost, given up. */
import type { Desk } from './desk.ts';
import { raise, resolve } from './desk-records.ts';
import { type ChannelMemory, cut, deskBounds, type Sending } from './memory.ts';
import { type ChannelRules, type DeskInput, ownWitness } from './types.ts';

export const channelPatience = {
  /** Before the second attempt; doubles each time. */
  firstRetryMs: 5_000,
  maxRetryMs: 5 * 60_000,
  /** A channel that asks for more waits no longer than this. */
  retryAfterMaxMs: 3_600_000,
  /** Without a word of the outcome a message has failed after this, and is sent again; later, the oftener it failed. */
  lostMs: 60_000,
  /** A message that nobody takes for so long goes to the dead-letter queue. */
  giveUpMs: 24 * 3_600_000,
  /** And one that was refused so often. */
  refusalsMax: 5,
  /** Failures in a row after which the other channels are told. */
  failuresTold: 3,
} as const;

type Outcome = Extract<DeskInput, { readonly kind: 'delivered' | 'failed' | 'buried' }>;

/** A message of which nobody has said what became of it has failed: the process died, or could not write the outcome. */
export function giveUpLost(desk: Desk, { name }: ChannelRules): void {
  const memory = desk.memory.channels[name];
  const sending = memory?.sending;
  if (memory === undefined || sending == null || !sending.isUnderWay || desk.nowMs < sending.dueMs) return;
  failed(desk, name, memory, sending, 'nobody knows what became of it', sending.dueMs);
}

/** What became of a message. A word that comes when it was taken for lost, and sent again, counts all the same. */
export function settle(desk: Desk, outcome: Outcome): void {
  const memory = desk.memory.channels[outcome.channel];
  const sending = memory?.sending;
  if (memory === undefined || sending == null || sending.no !== outcome.no) return;
  switch (outcome.kind) {
    case 'delivered': {
      if (memory.failures >= channelPatience.failuresTold) recovered(desk, outcome.channel);
      memory.failures = 0;
      memory.sending = null;
      return;
    }
    case 'buried':
      memory.sending = null;
      failing(
        desk,
        outcome.channel,
        `The message ${sending.no} lies in the dead-letter queue: ${sending.problem}.`,
      );
      return;
    case 'failed':
      retry(desk, outcome, memory, sending);
      return;
  }
}

function retry(
  desk: Desk,
  { channel, why, retryAfterMs, problem }: Extract<Outcome, { readonly kind: 'failed' }>,
  memory: ChannelMemory,
  sending: Sending,
): void {
  const { retryAfterMaxMs, refusalsMax } = channelPatience;
  const dueMs = desk.nowMs + Math.max(backOffMs(sending), Math.min(retryAfterMs, retryAfterMaxMs));
  if (sending.isToBeBuried) {
    // It was the dead-letter queue that did not take it.
    sending.dueMs = dueMs;
    return;
  }
  failed(desk, channel, memory, sending, problem, dueMs);
  if (why === 'refused' && sending.attempts >= refusalsMax) giveUp(desk, sending);
}

/** @param dueMs when it is sent again */
function failed(
  desk: Desk,
  channel: string,
  memory: ChannelMemory,
  sending: Sending,
  problem: string,
  dueMs: number,
): void {
  const { giveUpMs, failuresTold } = channelPatience;
  memory.failures += 1;
  sending.isUnderWay = false;
  sending.problem = cut(problem, deskBounds.subjectBytes);
  sending.dueMs = dueMs;
  if (desk.nowMs - sending.sinceMs >= giveUpMs) giveUp(desk, sending);
  if (memory.failures === failuresTold)
    failing(desk, channel, `It failed ${failuresTold} times in a row: ${problem}.`);
}

function giveUp({ nowMs }: Desk, sending: Sending): void {
  sending.isToBeBuried = true;
  sending.dueMs = nowMs;
}

export function backOffMs({ attempts }: Sending): number {
  const { firstRetryMs, maxRetryMs } = channelPatience;
  return Math.min(firstRetryMs * 2 ** Math.min(Math.max(attempts - 1, 0), 10), maxRetryMs);
}

function failing(desk: Desk, channel: string, what: string): void {
  const message = `The channel ${channel} does not take its messages. ${what} What is new waits for it; the other channels go on. Look at its address and key in the secret, then send it a test.`;
  const news = {
    alert: 'alert_channel_failing',
    severity: 'HIGH',
    account: '*',
    subject: `channel ${channel}`,
    message,
    witness: ownWitness,
  } as const;
  raise(desk, news, desk.nowMs, channel);
}

function recovered(desk: Desk, channel: string): void {
  const end = {
    alerts: ['alert_channel_failing'],
    account: '*',
    subject: `channel ${channel}`,
    witness: null,
    message: `The channel ${channel} takes messages again.`,
    otherwise: null,
  };
  resolve(desk, end, desk.nowMs);
}
