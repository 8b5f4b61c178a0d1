/** What the function is called with: messages of the queue, the clock, an operator. */
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { type DriverOptions, drive } from '../../lib/alerts/driver.ts';
import { newsOf } from '../../lib/alerts/news-of.ts';
import type { IdentityVerifier } from '../../lib/ports/identity-proof.ts';

/** A batch waits so long for the time between two messages; the clock waits for a second attempt, too. */
const batchLingerMs = 2_500;
const clockLingerMs = 20_000;

export interface RunOptions extends DriverOptions {
  readonly identities: IdentityVerifier;
}

/** What an operator is answered; `code` is empty where it was done. */
export interface OperatorAnswer {
  readonly code: string;
  readonly message: string;
  readonly id?: string;
  readonly alert?: string;
  readonly subject?: string;
  readonly by?: string;
  readonly channel?: string;
}

export type AlertsAnswer =
  | SQSBatchResponse
  | OperatorAnswer
  | { readonly sent: number; readonly failed: number };

/** The function was called with what it does not understand. */
export class AlertRequestError extends Error {
  override readonly name = 'AlertRequestError';
  readonly code = 'ALERT_REQUEST_INVALID';

  constructor(problems: string) {
    super(
      `ALERT_REQUEST_INVALID: The payload is wrong (${problems}). Nothing was changed. Ask with \`evenkeel alerts\` of the same version.`,
    );
  }
}

const proof = z.strictObject({
  url: z.string().min(1).max(4_000),
  headers: z.record(z.string().max(100), z.string().max(200)),
});
const request = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('tick') }),
  z.strictObject({
    action: z.literal('test'),
    channel: z.string().min(1).max(50),
    by: z.string().min(1).max(300),
  }),
  z.strictObject({
    action: z.literal('acknowledge'),
    id: z.string().regex(/^a\d{1,12}$/, 'must be the id of an alert, for example a17'),
    reason: z.string().min(1).max(500),
    proof,
  }),
]);
type Request = z.infer<typeof request>;
const delivered = z.object({ source: z.string(), detail: z.unknown() });

/** @throws AlertRequestError; whatever may pass by itself, so that the queue brings it again */
export async function run(
  event: unknown,
  functionArn: string,
  remainingMs: () => number,
  options: RunOptions,
): Promise<AlertsAnswer> {
  const records = (event as { readonly Records?: readonly SQSRecord[] } | null)?.Records;
  if (Array.isArray(records)) return takeBatch(records as readonly SQSRecord[], remainingMs, options);
  const parsed = request.safeParse(event);
  if (!parsed.success)
    throw new AlertRequestError(
      parsed.error.issues
        .map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
        .join('; '),
    );
  const asked = parsed.data;
  switch (asked.action) {
    case 'tick':
      return drive([{ kind: 'tick' }], options, clockLingerMs, remainingMs);
    case 'test':
      return test(asked, options);
    case 'acknowledge':
      return acknowledge(asked, functionArn, remainingMs, options);
  }
}

/** What cannot be read comes again until the queue puts it aside; it holds up nothing else. */
async function takeBatch(
  records: readonly SQSRecord[],
  remainingMs: () => number,
  options: RunOptions,
): Promise<SQSBatchResponse> {
  const inputs: ReturnType<typeof newsOf> = [];
  const failed: string[] = [];
  for (const { messageId, body } of records) {
    try {
      inputs.push(...newsOf(delivered.parse(JSON.parse(body))));
    } catch (error) {
      options.logger.error('an event cannot be read', { messageId, error: error as Error });
      failed.push(messageId);
    }
  }
  // The queue keeps no order.
  inputs.sort((a, b) => a.atMs - b.atMs);
  await drive(inputs, options, batchLingerMs, remainingMs);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

/** Past the desk: what waits, and what the channel was sent, stays as it is. */
async function test(
  { channel, by }: Extract<Request, { readonly action: 'test' }>,
  { channels, stage, nowMs, logger }: RunOptions,
): Promise<OperatorAnswer> {
  const found = channels.get(channel);
  if (found === undefined) {
    const names = [...channels.keys()].join(', ') || 'none';
    const message = `The stage has no channel ${channel}; it has: ${names}. Nothing was sent.`;
    return { code: 'ALERT_CHANNEL_UNKNOWN', message, channel };
  }
  const sentMs = nowMs();
  const answer = await found.send({
    channel,
    no: 0,
    id: `${stage}-${channel}-test-${sentMs}`,
    stage,
    sentMs,
    severity: 'INFO',
    alerts: [],
    passed: {},
    attempt: 1,
    test: by,
  });
  logger.info('tested', { channel, by, ...answer });
  return answer.ok
    ? { code: '', message: answer.answer, channel }
    : {
        code: 'ALERT_CHANNEL_FAILED',
        message: `The channel ${channel} did not take the test: ${answer.problem}.`,
        channel,
      };
}

async function acknowledge(
  { id, reason, proof: given }: Extract<Request, { readonly action: 'acknowledge' }>,
  functionArn: string,
  remainingMs: () => number,
  options: RunOptions,
): Promise<OperatorAnswer> {
  const who = await options.identities.verify(given, 'acknowledge-alert', id);
  if (!who.ok) return { code: who.code, message: `${who.problem}. Nothing was changed.`, id };
  if (who.awsAccount !== functionArn.split(':')[4])
    return {
      code: 'APPROVAL_FORBIDDEN',
      message: `${who.arn} is of another AWS account. Nothing was changed.`,
      id,
    };
  const { memory } = await options.store.read();
  const record = memory?.records[id];
  if (record === undefined)
    return {
      code: 'ALERT_UNKNOWN',
      message: `There is no alert ${id}; it may be over. evenkeel alerts lists them.`,
      id,
    };
  const { arn: by } = who;
  await drive([{ kind: 'acknowledged', id, by, reason }], options, batchLingerMs, remainingMs);
  options.logger.info('acknowledged', { id, by, reason });
  const { alert, subject } = record;
  return { code: '', message: `Acknowledged: ${alert}, ${subject}.`, id, alert, subject, by };
}
