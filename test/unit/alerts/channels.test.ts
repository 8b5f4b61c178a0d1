import { createHmac } from 'node:crypto';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { discordLimits } from '../../../lib/alerts/discord.ts';
import { HttpChannel, type HttpChannelType } from '../../../lib/alerts/http-channel.ts';
import { slackLimits } from '../../../lib/alerts/slack.ts';
import { TopicChannel } from '../../../lib/alerts/topic-channel.ts';
import { SecretsManagerChannels } from '../../../lib/aws/channel-secrets.ts';
import { SnsTopic } from '../../../lib/aws/topic.ts';
import type { AlertSeverity, ToldAlert } from '../../../lib/domain/alerts/types.ts';
import type { ChannelMessage } from '../../../lib/ports/alert-channel.ts';
import { type HookServer, startHookServer } from '../../helpers/hook-server.ts';
import { startMs } from './desk-harness.ts';

const path = '/services/T00PLANTED/B00PLANTED/planted-token-1234567890';
const key = 'planted-signing-key-abcdef';

function told(changes: Partial<ToldAlert> = {}): ToldAlert {
  return {
    id: 'a17',
    kind: 'raised',
    alert: 'plan_staged',
    severity: 'MEDIUM',
    account: 'DU1234567',
    subject: 'plan 3b1f',
    message: 'A plan is staged.',
    count: 1,
    firstMs: startMs,
    lastMs: startMs,
    isFirst: true,
    ackedBy: null,
    command: 'evenkeel plan show 3b1f --account DU1234567',
    ...changes,
  };
}

function messageOf(alerts: readonly ToldAlert[], changes: Partial<ChannelMessage> = {}): ChannelMessage {
  return {
    channel: 'desk',
    no: 5,
    severity: alerts[0]?.severity ?? ('INFO' satisfies AlertSeverity),
    alerts,
    passed: {},
    attempt: 1,
    stage: 'paper',
    id: 'paper-desk-5',
    sentMs: startMs,
    test: null,
    ...changes,
  };
}

/** Everything as long as it may come. */
const longest = messageOf(
  Array.from({ length: 10 }, (_, n) =>
    told({
      id: `a${n}`,
      alert: 'x'.repeat(60),
      subject: '<&>'.repeat(50),
      message: '<!channel> & `'.repeat(80),
      command: 'evenkeel plan show & '.repeat(10),
      count: 1_000_000,
      severity: 'CRITICAL',
      kind: 'escalated',
      ackedBy: '<@U1>'.repeat(30),
    }),
  ),
  { passed: Object.fromEntries(Array.from({ length: 20 }, (_, n) => ['k'.repeat(50) + n, 1_000])) },
);

describe('channels of alerts', () => {
  let server: HookServer;
  let stored: string;
  let reads = 0;
  /** Thrown by the next reads of the secret. */
  let failures: Error[] = [];

  beforeAll(async () => {
    server = await startHookServer();
  });
  afterAll(async () => server.stop());
  beforeEach(() => {
    server.received.length = 0;
    server.answers.length = 0;
    stored = JSON.stringify({ desk: { url: `${server.origin}${path}`, key } });
    reads = 0;
    failures = [];
  });

  function channelOf(type: HttpChannelType, mayBeLocal = true, name = 'desk'): HttpChannel {
    const client = {
      send: async () => {
        reads += 1;
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        return { SecretString: stored };
      },
    } as unknown as SecretsManagerClient;
    const secrets = new SecretsManagerChannels({
      client,
      secretName: 'evenkeel-paper-alert-channels',
      mayBeLocal,
      nowMs: () => startMs,
    });
    return new HttpChannel({ name, type, secrets, fetch: globalThis.fetch, nowMs: () => startMs });
  }

  describe('Slack', () => {
    it('gets Block Kit with what happened, the command that acts, and how to acknowledge', async () => {
      expect(
        await channelOf('slack').send(messageOf([told(), told({ kind: 'resolved', isFirst: false })])),
      ).toEqual({ ok: true, answer: '200: ok' });
      const [{ path: called, body, headers }] = server.received as [(typeof server.received)[0]];
      expect(called).toBe(path);
      expect(headers['content-type']).toBe('application/json');
      const blocks = body.blocks as { type: string; text?: { type: string; text: string } }[];
      expect(blocks.map(({ type }) => type)).toEqual([
        'header',
        'section',
        'section',
        'context',
        'section',
        'context',
      ]);
      expect(blocks[2]?.text).toEqual({
        type: 'mrkdwn',
        text: '```evenkeel plan show 3b1f --account DU1234567```',
      });
      expect(JSON.stringify(blocks)).toContain('evenkeel alerts ack a17 --reason');
      expect(body.text).toBe('[paper] 2 alerts, the worst: MEDIUM plan_staged: plan 3b1f');
    });

    it('stays within 50 blocks and 3,000 characters, and calls nobody', async () => {
      await channelOf('slack').send(longest);
      const blocks = server.received[0]!.body.blocks as {
        type: string;
        text?: { text: string };
        elements?: { text: string }[];
      }[];
      expect(blocks.length).toBeGreaterThan(20);
      expect(blocks.length).toBeLessThanOrEqual(slackLimits.blocks);
      for (const { type, text, elements = [] } of blocks) {
        const most = type === 'header' ? slackLimits.headerChars : slackLimits.sectionChars;
        for (const { text: each } of [...(text === undefined ? [] : [text]), ...elements]) {
          expect(each.length).toBeLessThanOrEqual(most);
          expect(each.length).toBeGreaterThan(0);
          if (type !== 'header') expect(each).not.toContain('<');
        }
      }
    });
  });

  describe('Discord', () => {
    it('gets embeds, and mentions nobody', async () => {
      server.answers.push({ status: 204, text: '' });
      expect(await channelOf('discord').send(messageOf([told()]))).toEqual({ ok: true, answer: '204' });
      expect(server.received[0]!.body).toMatchObject({
        content: '[paper] MEDIUM plan_staged: plan 3b1f',
        embeds: [
          {
            title: 'MEDIUM plan_staged: plan 3b1f',
            description: expect.stringContaining('evenkeel plan show 3b1f'),
          },
        ],
        allowed_mentions: { parse: [] },
      });
    });

    it('stays within 10 embeds and 6,000 characters', async () => {
      await channelOf('discord').send(longest);
      const { content, embeds } = server.received[0]!.body as {
        content: string;
        embeds: { title: string; description: string; footer: { text: string } }[];
      };
      expect(content.length).toBeLessThanOrEqual(discordLimits.contentChars);
      expect(embeds).toHaveLength(10);
      const all = embeds.reduce(
        (sum, { title, description, footer }) => sum + title.length + description.length + footer.text.length,
        0,
      );
      expect(all).toBeLessThanOrEqual(discordLimits.allEmbedsChars);
      for (const { title, description } of embeds) {
        expect(title.length).toBeLessThanOrEqual(256);
        expect(description.length).toBeLessThanOrEqual(4_096);
      }
    });
  });

  describe('signed webhook', () => {
    it('is signed over timestamp and body, with the id of the message', async () => {
      await channelOf('webhook').send(messageOf([told({ ackedBy: 'anna' })], { passed: { feed_stale: 3 } }));
      const [{ headers, text, body }] = server.received as [(typeof server.received)[0]];
      const timestamp = headers['evenkeel-timestamp'] as string;
      expect(timestamp).toBe(String(startMs / 1_000));
      expect(headers['evenkeel-signature']).toBe(
        `v1=${createHmac('sha256', key).update(`${timestamp}.${text}`).digest('hex')}`,
      );
      expect(headers['evenkeel-delivery']).toBe('paper-desk-5');
      expect(body).toMatchObject({
        version: 1,
        id: 'paper-desk-5',
        sentAt: '2026-01-05T15:00:00.000Z',
        test: false,
        severity: 'MEDIUM',
        alerts: [
          { id: 'a17', kind: 'raised', count: 1, firstAt: '2026-01-05T15:00:00.000Z', ackedBy: 'anna' },
        ],
        passed: { feed_stale: 3 },
      });
    });

    it('without a key nothing is sent', async () => {
      stored = JSON.stringify({ desk: { url: `${server.origin}${path}` } });
      expect(await channelOf('webhook').send(messageOf([told()]))).toMatchObject({
        ok: false,
        why: 'later',
        problem: expect.stringContaining('CHANNEL_SECRET_INVALID'),
      });
      expect(server.received).toEqual([]);
    });
  });

  describe('e-mail', () => {
    it('is plain text with a subject that SNS takes', async () => {
      const published: PublishCommand['input'][] = [];
      let failure: Error | undefined;
      const client = {
        send: async ({ input }: PublishCommand) => {
          if (failure !== undefined) throw failure;
          published.push(input);
          return { MessageId: 'm-1' };
        },
      } as unknown as SNSClient;
      const channel = new TopicChannel(new SnsTopic({ client, arn: 'arn:topic' }));
      expect(
        await channel.send(messageOf([told({ subject: 'Größe\n1', message: 'm'.repeat(500) })])),
      ).toEqual({
        ok: true,
        answer: 'message m-1',
      });
      await channel.send(longest);
      for (const { Subject } of published) expect(Subject).toMatch(/^[\x21-\x7e][\x20-\x7e]{0,98}$/);
      expect(published[0]!.Message).toContain('evenkeel plan show 3b1f');
      failure = Object.assign(new Error('no'), { name: 'ThrottlingException' });
      expect(await channel.send(messageOf([told()]))).toMatchObject({ ok: false, why: 'later' });
    });
  });

  describe('when it does not take the message', () => {
    it.each([
      [429, { 'retry-after': '7' }, 'later', 7_000],
      [429, { 'retry-after': '0.25' }, 'later', 250],
      [503, { 'retry-after': 'Mon, 05 Jan 2026 15:01:30 GMT' }, 'later', 90_000],
      [503, { 'retry-after': 'soon' }, 'later', 0],
      [500, {}, 'later', 0],
      [404, {}, 'later', 0],
      [403, {}, 'later', 0],
      [400, {}, 'refused', 0],
      [413, {}, 'refused', 0],
    ] as const)('%s with %j is tried again: %s, after %s ms', async (status, headers, why, retryAfterMs) => {
      server.answers.push({ status, headers, text: 'no_text' });
      expect(await channelOf('slack').send(messageOf([told()]))).toEqual({
        ok: false,
        why,
        retryAfterMs,
        problem: `it answered ${status}: no_text`,
      });
    });

    it('it leads elsewhere, it does not answer, it is not there: later, and nobody else is called', async () => {
      const other = await startHookServer();
      server.answers.push({ status: 307, headers: { location: `${other.origin}/elsewhere` } });
      expect(await channelOf('slack').send(messageOf([told()]))).toMatchObject({ ok: false, why: 'later' });
      expect(other.received).toEqual([]);
      const gone = other.origin;
      await other.stop();
      stored = JSON.stringify({ desk: { url: `${gone}${path}` } });
      expect(await channelOf('slack').send(messageOf([told()]))).toEqual({
        ok: false,
        why: 'later',
        retryAfterMs: 0,
        problem: 'it cannot be reached (ECONNREFUSED)',
      });
    });

    it('it takes longer than five seconds', async () => {
      server.answers.push({ status: 200, isSilent: true });
      expect(await channelOf('slack').send(messageOf([told()]))).toEqual({
        ok: false,
        why: 'later',
        retryAfterMs: 0,
        problem: 'it cannot be reached (no answer within 5 s)',
      });
    }, 15_000);
  });

  describe('address and key', () => {
    it('are in no answer, whatever the service or the network says', async () => {
      const all: string[] = [];
      for (const text of [
        `no such hook ${server.origin}${path}`,
        `bad token planted-token-1234567890 for T00PLANTED`,
        `key ${key}`,
      ]) {
        server.answers.push({ status: 404, text }, { status: 200, text });
        all.push(JSON.stringify(await channelOf('webhook').send(messageOf([told()]))));
        all.push(JSON.stringify(await channelOf('webhook').send(messageOf([told()]))));
      }
      for (const secret of [
        'no json planted-token-1234567890',
        JSON.stringify({ desk: { url: 'ftp://planted-token-1234567890' } }),
        JSON.stringify({ desk: { url: 'http://planted-token-1234567890.example.com/' } }),
        JSON.stringify({ desk: { url: 'https://planted-token-1234567890.invalid/' } }),
        JSON.stringify({ other: 'planted-token-1234567890' }),
        JSON.stringify(['planted-token-1234567890']),
      ]) {
        stored = secret;
        const answer = await channelOf('slack').send(messageOf([told()]));
        expect(answer.ok).toBe(false);
        all.push(JSON.stringify(answer));
      }
      expect(all.join('\n')).not.toMatch(/planted|PLANTED/);
      expect(all.join('\n')).toContain('***');
    });

    it('are masked in base64, in an address and in JSON as well, whatever stands before them', async () => {
      const token = 'planted-token-1234567890';
      const base64 = ['', 'x', 'xy'].map((before) => Buffer.from(`${before}${token}y`).toString('base64'));
      for (const echo of [...base64, Buffer.from(path).toString('base64url'), encodeURIComponent(path)]) {
        server.answers.push({ status: 404, text: `no hook ${echo} here` });
        expect(await channelOf('webhook').send(messageOf([told()]))).toMatchObject({
          problem: expect.stringMatching(/^it answered 404: no hook \S*\*\*\* here$/),
        });
      }
    });

    it('are in no piece of an answer, wherever it is cut', async () => {
      const channel = channelOf('webhook');
      for (let before = 0; before <= 210; before += 1) {
        for (const echo of [`${server.origin}${path}`, key]) {
          server.answers.push({ status: 404, text: `${'x'.repeat(before)} ${echo} for you` });
          const text = JSON.stringify(await channel.send(messageOf([told()])));
          if (/plan|PLANT|T00|B00|signing|abcdef/.test(text)) expect.fail(`${before}: ${text}`);
        }
      }
    });

    it('are masked where one holds the other, and where a key has spaces', async () => {
      const long = 'planted  key\twith planted-token-1234567890 in it';
      stored = JSON.stringify({ desk: { url: `${server.origin}${path}`, key: long } });
      server.answers.push({ status: 404, text: `no key ${long} here` });
      expect(await channelOf('webhook').send(messageOf([told()]))).toMatchObject({
        problem: 'it answered 404: no key *** here',
      });
    });

    it('without TLS is for the sandbox alone, and only on this machine', async () => {
      expect(await channelOf('slack', false).send(messageOf([told()]))).toMatchObject({
        ok: false,
        problem: expect.stringContaining('no https address'),
      });
      expect(server.received).toEqual([]);
    });

    it('are read again when they were missing, and kept while they work', async () => {
      failures = [Object.assign(new Error('x'), { name: 'ResourceNotFoundException' })];
      const channel = channelOf('slack');
      expect(await channel.send(messageOf([told()]))).toMatchObject({
        ok: false,
        problem: expect.stringContaining('CHANNEL_SECRET_MISSING'),
      });
      expect(await channel.send(messageOf([told()]))).toMatchObject({ ok: true });
      expect(await channel.send(messageOf([told()]))).toMatchObject({ ok: true });
      expect(reads).toBe(2);
    });
  });

  it('a test says that it is one, by each way', async () => {
    const test = messageOf([], { test: 'arn:aws:iam::1:user/anna' });
    for (const type of ['slack', 'discord', 'webhook'] as const) await channelOf(type).send(test);
    const [slack, discord, webhook] = server.received;
    expect(slack!.text).toContain('This is a test, asked for by arn:aws:iam::1:user/anna');
    expect(discord!.text).toContain('This is a test, asked for by arn:aws:iam::1:user/anna');
    expect(webhook!.body).toMatchObject({ test: true, alerts: [] });
  });
});
