/**
 * Tells people what they must know: alerts and other events from the queue, a look at the clock each minute, and what an
 * operator asks (`evenkeel alerts`). What is taken in is safe in one row of the control table before anything is sent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { envInt, envText, readEnv } from '../../config/env.ts';
import { openAlertTable } from '../../lib/aws/alert-table.ts';
import { openChannelSecrets } from '../../lib/aws/channel-secrets.ts';
import { openDeadLetterQueue } from '../../lib/aws/dead-letter-queue.ts';
import { StsVerifier } from '../../lib/aws/identity-proof.ts';
import { openTopic } from '../../lib/aws/topic.ts';
import { stages } from '../../lib/events/stage.ts';
import { channelsOf, deskRules, parseChannels, parseWindows } from './channels.ts';
import { type AlertsAnswer, run } from './run.ts';

const env = readEnv({
  STAGE: z.enum(stages),
  CONTROL_TABLE: envText(),
  TOPIC_ARN: envText(),
  CHANNEL_SECRET: envText(),
  CHANNELS: envText(),
  RESET_WINDOWS: envText(),
  DEDUP_MINUTES: envInt(1, 1_440),
  ESCALATE_MINUTES: envInt(1, 1_440),
  DEAD_LETTER_QUEUE_URL: envText(),
  AWS_ENDPOINT_URL: envText().optional(),
});
const isSandbox = env.STAGE === 'sandbox';
const channels = parseChannels(env.CHANNELS);
const options = {
  stage: env.STAGE,
  rules: deskRules(channels, parseWindows(env.RESET_WINDOWS), env.DEDUP_MINUTES, env.ESCALATE_MINUTES),
  store: openAlertTable(env.CONTROL_TABLE),
  channels: channelsOf(channels, {
    topic: openTopic(env.TOPIC_ARN),
    secrets: openChannelSecrets(env.CHANNEL_SECRET, isSandbox),
    fetch: globalThis.fetch,
    nowMs: Date.now,
  }),
  deadLetters: openDeadLetterQueue(env.DEAD_LETTER_QUEUE_URL),
  // The local cloud is asked in the sandbox alone: elsewhere nothing but STS says who somebody is.
  identities: new StsVerifier({ endpoint: isSandbox ? env.AWS_ENDPOINT_URL : undefined }),
  logger: new Logger({ serviceName: 'alerts' }),
  nowMs: Date.now,
  random: Math.random,
  sleep: (ms: number) => sleep(ms),
};

export async function handler(event: unknown, context: Context): Promise<AlertsAnswer> {
  return run(event, context.invokedFunctionArn, () => context.getRemainingTimeInMillis(), options);
}
