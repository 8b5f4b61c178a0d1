import { readFileSync } from 'node:fs';
import type { SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type OperatorAnswer, type RunOptions, run } from '../../../functions/alerts/run.ts';
import { AlertTable } from '../../../lib/aws/alert-table.ts';
import type { AlertRecord } from '../../../lib/domain/alerts/memory.ts';
import type { AlertChannel, ChannelAnswer, ChannelMessage } from '../../../lib/ports/alert-channel.ts';
import type { DeadLetter } from '../../../lib/ports/dead-letter-queue.ts';
import { proofText } from '../../../lib/ports/identity-proof.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../../helpers/dynamo-engine.ts';
import { channel, minuteMs, rulesOf, startMs } from './desk-harness.ts';

const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:evenkeel-paper-alerts';
const anna = 'arn:aws:sts::111122223333:assumed-role/DeskOperator/anna';
const proof = { url: 'https://sts.amazonaws.com/', headers: { 'x-evenkeel-plan': 'x' } };

let ids = 0;
/** A message of the queue, as the rule puts it there. */
function record(changes: object = {}, atMs = startMs, source = 'evenkeel.streamer'): SQSRecord {
  const detail = JSON.parse(
    readFileSync(new URL('../../../lib/events/examples/alert-raised.v1.json', import.meta.url), 'utf8'),
  );
  ids += 1;
  const event = {
    source,
    detail: {
      ...detail,
      id: `main:7:${ids}`,
      seq: ids,
      occurredAt: new Date(atMs).toISOString(),
      recordedAt: new Date(atMs).toISOString(),
      data: { ...detail.data, ...changes },
    },
  };
  return { messageId: `m${ids}`, body: JSON.stringify(event) } as SQSRecord;
}

describe.skipIf(!engineIsHere)('the function of alerts over a real table', () => {
  let engine: DynamoEngine;
  let tables = 0;
  let nowMs = startMs;
  let store: AlertTable;
  let answers: Record<string, () => Promise<ChannelAnswer>>;
  let sent: ChannelMessage[];
  let buried: DeadLetter[];
  let log: string[];
  let options: RunOptions;

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(async () => engine.stop());
  beforeEach(async () => {
    tables += 1;
    await engine.createTable(`control-${tables}`);
    store = new AlertTable({ client: engine.client, tableName: `control-${tables}` });
    nowMs = startMs;
    answers = {};
    sent = [];
    buried = [];
    log = [];
    const note = (message: string, extra: unknown) => void log.push(`${message} ${JSON.stringify(extra)}`);
    const channelNamed = (name: string): [string, AlertChannel] => [
      name,
      {
        send: async (message) => {
          const answer = await (answers[name] ?? (async () => ({ ok: true as const, answer: '200: ok' })))();
          if (answer.ok) sent.push(message);
          return answer;
        },
      },
    ];
    options = {
      stage: 'paper',
      rules: rulesOf({ channels: [channel('slack'), channel('mail')] }),
      store,
      channels: new Map([channelNamed('slack'), channelNamed('mail')]),
      deadLetters: { put: async (letter) => void buried.push(letter) },
      identities: {
        verify: async (given, purpose, id) =>
          given.headers['x-evenkeel-plan'] === proofText(purpose, id)
            ? { ok: true, arn: anna, awsAccount: '111122223333', sha256: '0' }
            : { ok: false, code: 'APPROVAL_OTHER_PLAN', problem: 'it was signed for another alert' },
      },
      logger: { info: note, warn: note, error: note },
      nowMs: () => nowMs,
      random: Math.random,
      // The clock of the test goes as the function waits.
      sleep: async (ms) => {
        nowMs += ms;
        await new Promise((resolve) => void setTimeout(resolve, Math.min(ms, 5)));
      },
    };
  });

  const batch = (records: readonly SQSRecord[], own: Partial<RunOptions> = {}) =>
    run({ Records: records }, arn, () => 45_000, { ...options, ...own });
  const tick = () => run({ action: 'tick' }, arn, () => 45_000, options);
  const records = async (): Promise<AlertRecord[]> =>
    Object.values((await store.read()).memory?.records ?? {});
  const told = (name: string) =>
    sent
      .filter((one) => one.channel === name)
      .flatMap(({ alerts }) => alerts.map(({ kind, alert, count }) => `${kind} ${alert} ×${count}`));

  it('S142 dedup: 1,000 identical alerts from the queue, by two processes at once, are one message and a count', async () => {
    const all = Array.from({ length: 1_000 }, () => record({ alert: 'reconcile_failed', subject: 'run 1' }));
    const batches = Array.from({ length: 10 }, (_, n) => all.slice(n * 100, n * 100 + 100));
    for (let n = 0; n < 10; n += 2) await Promise.all([batch(batches[n]!), batch(batches[n + 1]!)]);
    // What the queue brings twice counts once.
    await batch(batches[9]!);
    expect(told('slack')).toHaveLength(1);
    expect(told('mail')).toHaveLength(1);
    expect(await records()).toMatchObject([{ alert: 'reconcile_failed', count: 1_000 }]);
    nowMs += 10 * minuteMs;
    await tick();
    expect(told('slack').at(-1)).toBe('again reconcile_failed ×1000');
  });

  it('S142 delivery failure retry: a channel that hangs holds up no other, and nothing is lost', async () => {
    const { promise: hangs, resolve: gives } = Promise.withResolvers<ChannelAnswer>();
    answers.slack = () => hangs;
    const going = batch([record(), record({ subject: 'order P18' })]);
    await expect.poll(() => told('mail').length).toBe(2);
    expect(told('slack')).toEqual([]);
    gives({ ok: false, why: 'later', retryAfterMs: 0, problem: 'it cannot be reached (ECONNREFUSED)' });
    await going;
    expect((await store.read()).memory?.channels.slack?.sending).toMatchObject({
      attempts: 1,
      problem: 'it cannot be reached (ECONNREFUSED)',
    });
    delete answers.slack;
    nowMs += minuteMs;
    await tick();
    expect(told('slack')).toHaveLength(2);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(sent.length);
  });

  it('S142 delivery failure retry: what is refused for what it is goes to the dead-letter queue, whole', async () => {
    answers.slack = async () => ({
      ok: false,
      why: 'refused',
      retryAfterMs: 0,
      problem: 'it answered 400: invalid_blocks',
    });
    await batch([record()]);
    for (let n = 0; n < 10 && buried.length === 0; n += 1) {
      nowMs += minuteMs;
      await tick();
    }
    expect(buried).toMatchObject([
      { reason: 'ALERT_UNDELIVERED', message: 'it answered 400: invalid_blocks' },
    ]);
    expect(JSON.parse(buried[0]!.body)).toMatchObject({
      stage: 'paper',
      channel: 'slack',
      alerts: [{ id: 'a1' }],
    });
    expect(told('mail').some((line) => line.includes('alert_channel_failing'))).toBe(true);
  });

  it('a dead-letter queue that does not answer loses nothing either', async () => {
    answers.slack = async () => ({ ok: false, why: 'refused', retryAfterMs: 0, problem: 'no' });
    let fails = 3;
    options = {
      ...options,
      deadLetters: {
        put: async (letter) => {
          fails -= 1;
          if (fails >= 0) throw new Error('throttled');
          buried.push(letter);
        },
      },
    };
    await batch([record()]);
    for (let n = 0; n < 60 && buried.length === 0; n += 1) {
      nowMs += minuteMs;
      await tick();
    }
    expect(fails).toBe(-1);
    expect(buried).toHaveLength(1);
  });

  it('a process that dies before it sends: the message goes out a minute later, from another one', async () => {
    answers.slack = () => new Promise(() => undefined);
    answers.mail = () => new Promise(() => undefined);
    void batch([record()]);
    await expect.poll(async () => (await store.read()).memory?.channels.slack?.sending?.attempts).toBe(1);
    answers = {};
    await tick();
    expect(sent).toEqual([]);
    nowMs += minuteMs;
    await tick();
    expect(told('slack')).toHaveLength(1);
  });

  it('a table that does not answer: nothing is taken, and the queue brings all of it again', async () => {
    const broken = { read: () => store.read(), write: () => Promise.reject(new Error('throttled')) };
    await expect(batch([record()], { store: broken })).rejects.toThrow('throttled');
    expect(sent).toEqual([]);
    await expect(
      batch([record()], {
        store: { read: async () => ({ version: 0, memory: undefined }), write: async () => false },
      }),
    ).rejects.toMatchObject({ code: 'ALERT_MEMORY_BUSY' });
    await batch([record()]);
    expect(told('slack')).toHaveLength(1);
  });

  it('a table that fails for a moment does not leave a batch to the queue for five minutes', async () => {
    const problems = ['throttled', 'no connection', 'throttled'];
    const fails = () => problems.length > 0;
    const shaky: RunOptions['store'] = {
      read: async () => {
        if (problems.length % 2 === 0 && fails()) throw new Error(problems.pop());
        return store.read();
      },
      write: async (version, memory) => {
        if (fails()) throw new Error(problems.pop());
        return store.write(version, memory);
      },
    };
    await batch([record()], { store: shaky });
    expect(problems).toEqual([]);
    expect(told('slack')).toHaveLength(1);
    expect(await records()).toMatchObject([{ count: 1 }]);
    expect(nowMs - startMs).toBeLessThan(10_000);
  });

  it('a table that fails is asked again only while there is time to send', async () => {
    const untilMs = startMs + 12_000;
    let asked = 0;
    const read = async () => {
      asked += 1;
      throw new Error('throttled');
    };
    const event = { Records: [record()] };
    const store = { read, write: async () => false };
    await expect(run(event, arn, () => untilMs - nowMs, { ...options, store })).rejects.toThrow('throttled');
    expect(asked).toBeGreaterThan(1);
    expect(nowMs).toBeLessThan(untilMs - 8_000);
  });

  it('a batch in another order, and batches that change places, leave a CRITICAL open that is newer than its end', async () => {
    const bare = { alert: 'unprotected_position', severity: 'CRITICAL', subject: 'position 7' };
    const cured = { alert: 'position_protected', severity: 'INFO', subject: 'position 7' };
    await batch([record(bare, startMs + 20), record(cured, startMs + 10), record(bare, startMs)]);
    expect(await records()).toMatchObject([{ alert: 'unprotected_position', count: 2, resolved: null }]);
    expect(told('slack').some((line) => line.includes('position_protected'))).toBe(false);
    await batch([record(cured, startMs + 15)]);
    expect(await records()).toMatchObject([{ resolved: null }]);
    await batch([record(cured, startMs + 30)]);
    expect(await records()).toMatchObject([{ resolved: { atMs: expect.any(Number) } }]);
  });

  it('the book does not end what the broker’s witness still sees bare', async () => {
    const bare = { alert: 'unprotected_position', severity: 'CRITICAL', subject: 'position 7' };
    const cured = { alert: 'position_protected', severity: 'INFO', subject: 'position 7' };
    await batch([record(bare, startMs), record(bare, startMs + 5_000, 'evenkeel.watchdog')]);
    await batch([record(cured, startMs + 9_000, 'evenkeel.watchdog')]);
    expect(await records()).toMatchObject([{ count: 2, resolved: null }]);
    await batch([record(cured, startMs + 8_000)]);
    expect(await records()).toMatchObject([{ count: 2, resolved: { atMs: expect.any(Number) } }]);
  });

  it('a channel that throws has failed: it is tried again with back-off, not as one of unknown fate', async () => {
    answers.slack = () => Promise.reject(new TypeError('a bug'));
    await batch([record()]);
    expect((await store.read()).memory?.channels.slack).toMatchObject({
      failures: 1,
      sending: { attempts: 1, isUnderWay: false, problem: 'TypeError', dueMs: expect.any(Number) },
    });
    answers = {};
    nowMs += minuteMs;
    await tick();
    expect(told('slack')).toHaveLength(1);
  });

  it('a message that is no event holds up no other and comes again', async () => {
    const bad = {
      messageId: 'bad',
      body: '{"source":"evenkeel.streamer","detail":{"type":"alert.raised"}}',
    } as SQSRecord;
    const worse = { messageId: 'worse', body: 'no json' } as SQSRecord;
    expect(await batch([bad, record(), worse])).toEqual({
      batchItemFailures: [{ itemIdentifier: 'bad' }, { itemIdentifier: 'worse' }],
    });
    expect(told('slack')).toHaveLength(1);
  });

  it('S142 ack: with the identity that is proven for this alert alone', async () => {
    await batch([record({ severity: 'CRITICAL' })]);
    const ask = (id: string, text: string) =>
      run(
        {
          action: 'acknowledge',
          id,
          reason: 'on it',
          proof: { ...proof, headers: { 'x-evenkeel-plan': text } },
        },
        arn,
        () => 45_000,
        options,
      ) as Promise<OperatorAnswer>;
    expect(await ask('a1', proofText('acknowledge-alert', 'a2'))).toMatchObject({
      code: 'APPROVAL_OTHER_PLAN',
    });
    expect(await ask('a1', proofText('approve', 'a1'))).toMatchObject({ code: 'APPROVAL_OTHER_PLAN' });
    expect(await ask('a9', proofText('acknowledge-alert', 'a9'))).toMatchObject({ code: 'ALERT_UNKNOWN' });
    expect(await records()).toMatchObject([{ ack: null }]);
    expect(await ask('a1', proofText('acknowledge-alert', 'a1'))).toMatchObject({ code: '', by: anna });
    expect(await records()).toMatchObject([{ ack: { by: anna, reason: 'on it' }, escalateMs: null }]);
    expect(told('mail').at(-1)).toMatch(/^acknowledged /);
  });

  it('an identity of another AWS account acknowledges nothing', async () => {
    await batch([record()]);
    const foreign = {
      verify: async () => ({ ok: true, arn: anna, awsAccount: '999999999999', sha256: '0' }) as const,
    };
    const answer = await run({ action: 'acknowledge', id: 'a1', reason: 'on it', proof }, arn, () => 45_000, {
      ...options,
      identities: foreign,
    });
    expect(answer).toMatchObject({ code: 'APPROVAL_FORBIDDEN' });
    expect(await records()).toMatchObject([{ ack: null }]);
  });

  it('a test goes past the desk, and says what the channel answered', async () => {
    const ask = (name: string) =>
      run({ action: 'test', channel: name, by: anna }, arn, () => 45_000, options);
    expect(await ask('slack')).toEqual({ code: '', message: '200: ok', channel: 'slack' });
    expect(sent).toMatchObject([{ test: anna, alerts: [], channel: 'slack' }]);
    expect(await ask('nowhere')).toMatchObject({
      code: 'ALERT_CHANNEL_UNKNOWN',
      message: expect.stringContaining('slack, mail'),
    });
    answers.slack = async () => ({
      ok: false,
      why: 'later',
      retryAfterMs: 0,
      problem: 'it answered 404: no_service',
    });
    expect(await ask('slack')).toMatchObject({
      code: 'ALERT_CHANNEL_FAILED',
      message: expect.stringContaining('no_service'),
    });
    expect((await store.read()).version).toBe(0);
  });

  it('what it is called with by mistake is refused in words', async () => {
    for (const event of [null, {}, { action: 'acknowledge', id: 'x' }, { action: 'tick', more: 1 }])
      await expect(run(event, arn, () => 45_000, options)).rejects.toMatchObject({
        code: 'ALERT_REQUEST_INVALID',
      });
  });

  it('a memory of another form is no reason to say nothing', async () => {
    await store.write(0, { form: 1 } as never);
    await batch([record()]);
    expect(told('slack')).toHaveLength(1);
    expect(log.some((line) => line.includes('begins anew'))).toBe(true);
  });
});
