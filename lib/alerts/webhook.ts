/**
 * A message for a webhook of one's own: JSON, signed. `evenkeel-signature` is `v1=` and the HMAC-SHA256, in hex, of the
 * text `<evenkeel-timestamp>.<body>` under the channel's key. Who receives it compares the signature and refuses a
 * timestamp (Unix seconds) that is minutes away; `evenkeel-delivery` is the same when a message is sent again.
 */
import { createHmac } from 'node:crypto';
import type { ChannelMessage } from '../ports/alert-channel.ts';
import { iso } from './words.ts';

export const webhookHeaders = {
  timestamp: 'evenkeel-timestamp',
  signature: 'evenkeel-signature',
  delivery: 'evenkeel-delivery',
} as const;

export function webhookBody(message: ChannelMessage): object {
  const { stage, channel, id, sentMs, severity, alerts, passed, test } = message;
  return {
    version: 1,
    id,
    stage,
    channel,
    sentAt: iso(sentMs),
    test: test !== null,
    severity,
    alerts: alerts.map((alert) => ({
      id: alert.id,
      kind: alert.kind,
      alert: alert.alert,
      severity: alert.severity,
      account: alert.account,
      subject: alert.subject,
      message: alert.message,
      count: alert.count,
      firstAt: iso(alert.firstMs),
      lastAt: iso(alert.lastMs),
      ackedBy: alert.ackedBy,
      command: alert.command,
    })),
    passed,
  };
}

export function signedHeaders(
  body: string,
  { id, sentMs }: ChannelMessage,
  key: string,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(sentMs / 1_000));
  return {
    [webhookHeaders.timestamp]: timestamp,
    [webhookHeaders.signature]: `v1=${createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')}`,
    [webhookHeaders.delivery]: id,
  };
}
