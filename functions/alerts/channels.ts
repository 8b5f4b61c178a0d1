/** The channels of a stage and the rules of its desk of alerts, as the configuration gives them to the function. */
import * as z from 'zod';
import { HttpChannel } from '../../lib/alerts/http-channel.ts';
import { TopicChannel } from '../../lib/alerts/topic-channel.ts';
import type { AlertSeverity, DeskRules } from '../../lib/domain/alerts/types.ts';
import type { ResetWindow } from '../../lib/domain/safety/reset-windows.ts';
import type { AlertChannel } from '../../lib/ports/alert-channel.ts';
import type { ChannelSecrets } from '../../lib/ports/channel-secrets.ts';
import type { Topic } from '../../lib/ports/topic.ts';

const minuteMs = 60_000;
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
const span = {
  timeZone: z.string().min(1),
  days: z.array(z.enum(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'])).min(1),
  from: clockTime,
  to: clockTime,
};
const window = z.strictObject({ name: z.string().min(1), ...span });
const channel = z.strictObject({
  type: z.enum(['sns', 'slack', 'discord', 'webhook']),
  name: z.string().regex(/^[a-z][a-z0-9-]{0,29}$/),
  minSeverity: z.enum(['info', 'medium', 'high', 'critical']),
  receives: z.enum(['all', 'escalations']),
  quietHours: z.strictObject(span).optional(),
  rateMs: z.int().positive(),
});

export type StageChannel = z.output<typeof channel>;

/** @throws ZodError, which stops the start: the stack and the function are of two versions */
export function parseChannels(text: string): StageChannel[] {
  return z.array(channel).max(10).parse(JSON.parse(text));
}

/** @throws ZodError */
export function parseWindows(text: string): ResetWindow[] {
  return z.array(window).parse(JSON.parse(text));
}

export function deskRules(
  channels: readonly StageChannel[],
  resetWindows: readonly ResetWindow[],
  dedupMinutes: number,
  escalateMinutes: number,
): DeskRules {
  return {
    channels: channels.map(({ name, minSeverity, receives, quietHours, rateMs }) => ({
      name,
      minSeverity: minSeverity.toUpperCase() as AlertSeverity,
      receives,
      quietHours: quietHours === undefined ? null : { name: 'quiet-hours', ...quietHours },
      rateMs,
    })),
    resetWindows,
    dedupMs: dedupMinutes * minuteMs,
    escalateMs: escalateMinutes * minuteMs,
  };
}

export interface ChannelParts {
  readonly topic: Topic;
  readonly secrets: ChannelSecrets;
  readonly fetch: typeof globalThis.fetch;
  readonly nowMs: () => number;
}

export function channelsOf(
  channels: readonly StageChannel[],
  parts: ChannelParts,
): Map<string, AlertChannel> {
  return new Map(
    channels.map(({ name, type }) => [
      name,
      type === 'sns' ? new TopicChannel(parts.topic) : new HttpChannel({ name, type, ...parts }),
    ]),
  );
}
