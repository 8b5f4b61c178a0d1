/** apply-plan as the function runs it, with the local cloud's STS, S3 and FIFO queue, and a real engine. */

import { S3Client } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunOptions, run } from '../../functions/apply-plan/run.ts';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { SqsCommandSender } from '../../lib/aws/command-queue.ts';
import { presignIdentity, proveIdentity, StsVerifier } from '../../lib/aws/identity-proof.ts';
import { S3ObjectStore } from '../../lib/aws/object-store.ts';
import { type PlanRecord, planBody, planRecord, planRef } from '../../lib/domain/reconcile/records.ts';
import type { PlanAction } from '../../lib/domain/reconcile/types.ts';
import { commandSchema } from '../../lib/events/command.ts';
import type { ProofPurpose } from '../../lib/ports/identity-proof.ts';
import type { PlanAnswer } from '../../lib/reconcile/plan-desk.ts';
import { storePlan } from '../../lib/reconcile/plan-store.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { bucketsTemplate, versioned } from '../helpers/cloud-templates.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { account, cancelOf, PlanDesk, position } from '../helpers/plan-desk.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const functionArn = 'arn:aws:lambda:eu-west-1:000000000000:function:evenkeel-sandbox-apply-plan';
const operator = 'arn:aws:iam::000000000000:user/operator';
const region = 'eu-west-1';

describe.skipIf(!engineIsHere)(`apply-plan${skipped}`, () => {
  const { folder, remove } = temporaryFolder();
  const silent = () => undefined;
  let engine: DynamoEngine;
  let cloud: LocalCloud;
  let clients: { s3: S3Client; sqs: SQSClient; sts: STSClient };
  let plans: S3ObjectStore;
  let queueUrl: string;
  let desk: PlanDesk;
  let options: RunOptions;
  let count = 0;

  beforeAll(async () => {
    engine = await startDynamoEngine();
    const template = bucketsTemplate();
    template.Resources.Commands = {
      Type: 'AWS::SQS::Queue',
      Properties: { QueueName: 'fixture-commands.fifo', FifoQueue: true },
    };
    cloud = await startCloud({
      assembly: writeAssembly(folder, template),
      stack: STACK,
      dataDir: `${folder}/data`,
    });
    const config = {
      endpoint: cloud.endpoint,
      region,
      credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
    };
    clients = { s3: new S3Client(config), sqs: new SQSClient(config), sts: new STSClient(config) };
    plans = new S3ObjectStore({ client: clients.s3, bucket: versioned });
    queueUrl = `${cloud.endpoint}/000000000000/fixture-commands.fifo`;
  });
  afterAll(async () => {
    for (const client of Object.values(clients ?? {})) client.destroy();
    await cloud?.stop();
    await engine?.stop();
    remove();
  });
  beforeEach(async () => {
    count += 1;
    desk = await PlanDesk.open(engine, `apply-${count}`);
    // Proofs carry the time of the machine, and STS looks at it.
    desk.nowMs = Date.now();
    const { tell: _, approvers: __, ...ports } = desk.ports;
    options = {
      ...ports,
      plans,
      identities: new StsVerifier({ endpoint: cloud.endpoint }),
      approvers: ['arn:aws:iam::*:user/*'],
      accounts: [account],
      commands: () => new SqsCommandSender({ client: clients.sqs, queueUrl }),
      publisher: {
        publish: async (events) => {
          desk.said.push(...(events as unknown as typeof desk.said));
          return events.map(() => ({ ok: true }));
        },
      },
      logger: { info: silent, warn: silent, error: silent },
    };
  });

  const stage = async (actions: readonly PlanAction[], more: Partial<PlanRecord> = {}): Promise<string> => {
    const planned = desk.planOf(actions, {
      createdAtMs: desk.nowMs,
      expiresAtMs: desk.nowMs + 3_600_000,
      runId: `run_20260105_14350${count % 10}_${String(count).padStart(6, '0')}`,
    });
    const { plan, key, content } = await storePlan(plans, planned, canonicalJson);
    await desk.put(
      planRef(plan.hash),
      planBody({ ...planRecord(plan, { key, content }), ...more }),
      'reconcile',
    );
    return plan.hash;
  };
  const request = async (hash: string, action: ProofPurpose = 'approve') => ({
    action,
    account,
    hash,
    reason: 'compared with TWS',
    proof: await proveIdentity(clients.sts, action, hash, { endpoint: cloud.endpoint }),
  });
  const ask = (payload: unknown): Promise<PlanAnswer> => run(payload, functionArn, options);
  const byRole = (hash: string, accessKeyId: string, ageMs = 0) => ({
    action: 'approve',
    account,
    hash,
    reason: 'compared with TWS',
    proof: presignIdentity('approve', hash, {
      credentials: { accessKeyId, secretAccessKey: 'local' },
      region,
      endpoint: cloud.endpoint,
      nowMs: Date.now() - ageMs,
    }),
  });

  it('an operator approves by the identity that STS gives, the plan is applied, and its cancel is in the queue', async () => {
    const hash = await stage([position(1, '7'), cancelOf(18)]);
    expect(await ask(await request(hash))).toMatchObject({
      plan_state: 'applied',
      code: '',
      done: 2,
      approved_by: operator,
    });
    expect((await desk.record(hash)).approval).toMatchObject({ by: operator, reason: 'compared with TWS' });
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    expect(Messages.map(({ Body }) => commandSchema.parse(JSON.parse(Body ?? '')))).toMatchObject([
      { type: 'cancel', permId: 18, account },
    ]);
  });

  it('a role that the list does not name, and a proof that is too old, are refused', async () => {
    const hash = await stage([position(1, '7')]);
    expect(await ask(byRole(hash, 'WriterRole'))).toMatchObject({
      code: 'APPROVAL_FORBIDDEN',
      plan_state: 'staged',
    });
    expect(await ask(byRole(hash, 'operator', 301_000))).toMatchObject({ code: 'APPROVAL_EXPIRED' });
    expect(await ask(byRole(hash, 'NobodyRole'))).toMatchObject({
      code: 'APPROVAL_FORBIDDEN',
      plan_state: 'staged',
    });
    expect(await desk.item('position', '1')).toBeUndefined();
    expect(desk.events('plan.refused').map(({ code }) => code)).toEqual([
      'APPROVAL_FORBIDDEN',
      'APPROVAL_EXPIRED',
      'APPROVAL_FORBIDDEN',
    ]);
  });

  it('a proof counts once', async () => {
    const hash = await stage([position(1, '7')]);
    const asked = await request(hash);
    expect(await ask(asked)).toMatchObject({ plan_state: 'applied' });
    expect(await ask(asked)).toMatchObject({ code: 'APPROVAL_REPLAYED' });
  });

  it('a person rejects a plan: it is never applied', async () => {
    const hash = await stage([position(1, '7')]);
    expect(await ask(await request(hash, 'reject'))).toMatchObject({ plan_state: 'rejected', code: '' });
    expect((await desk.trail('operator')).at(-1)).toContain('plan reject');
    expect(await ask(await request(hash))).toMatchObject({ code: 'PLAN_REJECTED' });
    expect(await ask(await request(hash, 'reject'))).toMatchObject({ code: 'PLAN_REJECTED' });
  });

  it('an event of the bus has a plan applied that the policy has approved', async () => {
    const approval = { by: 'policy auto_sync', reason: '', at: '', proof: '' };
    const hash = await stage([position(1, '7')], { state: 'approved', approval });
    const event = {
      'detail-type': 'plan.approved',
      source: 'evenkeel.reconcile',
      detail: { account, data: { planHash: hash } },
    };
    expect(await ask(event)).toMatchObject({ plan_state: 'applied', approved_by: 'policy auto_sync' });
  });

  it.each([
    ['an action that it does not know', { action: 'unapprove' }, 'PLAN_REQUEST_INVALID'],
    ['a hash that is none', { hash: 'latest' }, 'PLAN_REQUEST_INVALID'],
    ['an account that the stage does not have', { account: 'DU9' }, 'PLAN_ACCOUNT_UNKNOWN'],
    ['something that nobody asked for', { force: true }, 'PLAN_REQUEST_INVALID'],
    ['no proof', { proof: undefined }, 'PLAN_REQUEST_INVALID'],
  ])('%s is answered by an error, and nothing changes', async (_what, more, code) => {
    const hash = await stage([position(1, '7')]);
    const asked = { ...(await request(hash)), ...more };
    await expect(ask(asked)).rejects.toThrow(code);
    expect((await desk.record(hash)).state).toBe('staged');
    expect(desk.said).toEqual([]);
  });

  it('a hash that no plan has is answered so, and nothing changes', async () => {
    const none = 'f'.repeat(64);
    expect(await ask(await request(none))).toMatchObject({ code: 'PLAN_UNKNOWN', plan_state: 'unknown' });
    expect(await desk.trail()).toEqual([]);
  });

  describe("the local cloud's STS", () => {
    const get = async (url: string, headers: Record<string, string> = {}) => {
      const response = await fetch(url, { headers });
      return { status: response.status, text: await response.text() };
    };

    it('answers a presigned question with who signed it', async () => {
      const { proof } = byRole('a'.repeat(64), 'WriterRole');
      const { status, text } = await get(proof.url, proof.headers);
      expect(status).toBe(200);
      expect(text).toMatch(/<Arn>arn:aws:sts::000000000000:assumed-role\/[^<]+\/local<\/Arn>/);
    });

    it.each([
      ['a signed header is missing', (url: string) => url, {}, 403, 'signed and not sent: x-evenkeel-plan'],
      [
        'its time is over',
        (url: string) => url.replace('Expires=300', 'Expires=1'),
        undefined,
        403,
        'Signature expired',
      ],
      [
        'it has no signature',
        (url: string) => url.replace(/&X-Amz-Signature.*/, ''),
        undefined,
        400,
        'X-Amz-Signature',
      ],
      [
        'it is for longer than a week',
        (url: string) => url.replace('Expires=300', 'Expires=604801'),
        undefined,
        400,
        '',
      ],
      [
        'it is for another service',
        (url: string) => url.replace('%2Fsts%2F', '%2Fs3%2F'),
        undefined,
        501,
        '',
      ],
    ] as const)('refuses one where %s', async (_what, change, headers, status, words) => {
      const { proof } = byRole('a'.repeat(64), 'operator', 10_000);
      const answer = await get(change(proof.url), headers ?? { ...proof.headers });
      expect(answer.status).toBe(status);
      expect(answer.text).toContain(words);
    });
  });
});
