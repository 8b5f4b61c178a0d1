/** The deployed apply-plan in the local cloud, its processes killed at their requests: permissions, bundle and all. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { canonicalJson, digest } from '../../lib/aws/audit-hash.ts';
import { AuditTable } from '../../lib/aws/audit-table.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { proveIdentity } from '../../lib/aws/identity-proof.ts';
import { S3ObjectStore } from '../../lib/aws/object-store.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import { planBody, planRecord, planRef } from '../../lib/domain/reconcile/records.ts';
import type { PlanAnswer } from '../../lib/reconcile/plan-desk.ts';
import { storePlan } from '../../lib/reconcile/plan-store.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import type { Fault } from '../../sandbox/cloud/faults.ts';
import { synth } from '../../sandbox/cloud/synth.ts';
import { editedAssembly, type Template } from '../helpers/cloud-fixture.ts';
import { cleanFolders, scratchFolder } from '../helpers/desk-runs.ts';
import { collect } from '../helpers/dynamo-engine.ts';
import { cancelOf, execute, order, position } from '../helpers/plan-desk.ts';

const account = 'DU1234567';
const operator = 'arn:aws:iam::000000000000:user/operator';
const functionName = 'evenkeel-sandbox-apply-plan';
const tables = { bookTable: 'evenkeel-sandbox-book', auditTable: 'evenkeel-sandbox-audit' };

let cloud: LocalCloud;
let clients: { dynamodb: DynamoDBClient; s3: S3Client; lambda: LambdaClient; sts: STSClient };
let book: BookTable;
let plans: S3ObjectStore;

beforeAll(async () => {
  const dataDir = scratchFolder();
  const { assembly, stack } = await synth({ stage: 'sandbox', progress: () => undefined });
  const own = editedAssembly(assembly, dataDir, stack, alone(assembly, stack), readdirSync(assembly));
  cloud = await startCloud({
    assembly: own,
    stack,
    dataDir: join(dataDir, 'cloud'),
    functionProcesses: true,
    schedules: false,
  });
  const { endpoint, region } = cloud;
  const config = {
    endpoint,
    region,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
    maxAttempts: 1,
  };
  clients = {
    dynamodb: new DynamoDBClient(config),
    s3: new S3Client({ ...config, forcePathStyle: true }),
    lambda: new LambdaClient(config),
    sts: new STSClient(config),
  };
  book = new BookTable({ client: clients.dynamodb, ...tables });
  plans = new S3ObjectStore({
    client: clients.s3,
    bucket: `evenkeel-sandbox-reconcile-000000000000-${region}`,
  });
  await new SafetyStore({ book }).setFlags(account, execute, { who: 'somebody', reason: 'test' });
});

afterAll(async () => {
  for (const client of Object.values(clients ?? {})) client.destroy();
  await cloud?.stop();
  cleanFolders();
});

/** Rules and schedules are off: no run of reconcile stages other plans meanwhile, and a kill hits apply-plan alone. */
function alone(assembly: string, stack: string): Template {
  const template = JSON.parse(readFileSync(join(assembly, `${stack}.template.json`), 'utf8')) as Template;
  for (const resource of Object.values<Template>(template.Resources)) {
    const { Type } = resource;
    if (Type === 'AWS::Events::Rule' || Type === 'AWS::Scheduler::Schedule')
      resource.Properties.State = 'DISABLED';
  }
  return template;
}

async function stage(number: number): Promise<string> {
  const nowMs = Date.now();
  const actions = [position(100 + number, '7'), order(`P${100 + number}`, 'Filled'), cancelOf(100 + number)];
  const made = await storePlan(
    plans,
    {
      account,
      runId: `run_20260105_143500_${String(number).padStart(6, '0')}`,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + 3_600_000,
      ruleVersion: 1,
      snapshotSha256: 'a'.repeat(64),
      actions,
      ambiguous: [],
      rests: [],
    },
    canonicalJson,
  );
  const result = await book.commit({
    account,
    writer: 'reconcile',
    cause: { kind: 'reconcile', id: made.plan.runId, name: 'staged', reason: '' },
    atMs: nowMs,
    orderKey: '',
    writes: [
      { ref: planRef(made.plan.hash), expectedVersion: 0, body: planBody(planRecord(made.plan, made)) },
    ],
  });
  expect(result).toBe('committed');
  return made.plan.hash;
}

async function approve(hash: string): Promise<PlanAnswer | undefined> {
  const proof = await proveIdentity(clients.sts, 'approve', hash, { endpoint: cloud.endpoint });
  return ask({ action: 'approve', account, hash, reason: 'compared with TWS', proof });
}

/** Whoever goes on: the event `plan.approved`, or a person where nothing was approved yet. */
async function goOn(hash: string): Promise<PlanAnswer | undefined> {
  const answer = await ask({ action: 'apply', account, hash });
  return answer?.code === 'PLAN_UNAPPROVED' ? approve(hash) : answer;
}

/** What the function answers; undefined when it was killed. */
async function ask(payload: object): Promise<PlanAnswer | undefined> {
  const { FunctionError, Payload } = await clients.lambda.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload) }),
  );
  const text = new TextDecoder().decode(Payload);
  if (FunctionError === undefined) return JSON.parse(text) as PlanAnswer;
  expect(text).toMatch(/SIGKILL|signal: killed|exit/i);
  return undefined;
}

it.each<[string, Omit<Fault, 'kind'>]>([
  ['nowhere', { service: 'secretsmanager' }],
  ['before its approval is written', { service: 'dynamodb', operation: 'TransactWriteItems' }],
  ['after its approval is written', { service: 'dynamodb', operation: 'TransactWriteItems', when: 'after' }],
  ['while the backup is written', { service: 's3', operation: 'PutObject' }],
  ['before the second action', { service: 'dynamodb', operation: 'TransactWriteItems', after: 4 }],
  [
    'after the second action',
    { service: 'dynamodb', operation: 'TransactWriteItems', after: 4, when: 'after' },
  ],
  ['after the cancel is sent', { service: 'sqs', operation: 'SendMessage', when: 'after' }],
  ['before the last word on the bus', { service: 'events', operation: 'PutEvents', after: 2 }],
])('S084 killed %s: asked again the plan is applied, and no action ran twice', async (where, fault) => {
  const number = cases.push(where);
  const hash = await stage(number);
  cloud.faults.add({ ...fault, kind: 'signal' });
  const first = await approve(hash).finally(() => cloud.faults.clear());
  if (where === 'nowhere')
    expect(first, JSON.stringify(first)).toMatchObject({ plan_state: 'applied', approved_by: operator });
  const answer = first?.plan_state === 'applied' ? first : await goOn(hash);
  expect(answer, JSON.stringify(answer)).toMatchObject({ plan_state: 'applied', done: 3 });

  const rows = await collect(
    new AuditTable({ client: clients.dynamodb, auditTable: tables.auditTable, book }).rows(account, 'plan'),
  );
  const done = rows.filter(({ cause }) => cause.id === hash).map(({ cause }) => cause.name);
  expect(done).toEqual([
    'apply begins',
    'backup made',
    `position:${100 + number}`,
    `order:P${100 + number}`,
    `cancel:P${100 + number} sending`,
    `cancel:P${100 + number}`,
    'applied',
  ]);
});

it('and every chain of the trail is whole', async () => {
  const audit = new AuditTable({ client: clients.dynamodb, auditTable: tables.auditTable, book });
  const reports = await verifyAudit(audit, account, digest);
  expect(reports.flatMap(({ finding }) => finding ?? [])).toEqual([]);
});

const cases: string[] = [];
