/** The book-keeper as it is deployed: its queue, its bundle, its role, its dead-letter queue, the bus. */
import { readdirSync, readFileSync } from 'node:fs';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { digest } from '../../lib/aws/audit-hash.ts';
import { AuditTable } from '../../lib/aws/audit-table.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import { type Envelope, parseNotice } from '../../lib/events/envelope.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { type SynthResult, synth } from '../../sandbox/cloud/synth.ts';
import { commissionEvent, fillEvent, orderEvent } from '../helpers/book-events.ts';
import { type CloudClients, clientsOf, receiveOne } from '../helpers/cloud-clients.ts';
import { editedAssembly, type Template, temporaryFolder } from '../helpers/cloud-fixture.ts';
import { collect } from '../helpers/dynamo-engine.ts';

const prefix = 'evenkeel-sandbox';
const bookTable = `${prefix}-book`;
const auditTable = `${prefix}-audit`;
const deadLetters = `${prefix}-book-dlq.fifo`;
const heard = 'heard-alerts';

let synthesised: SynthResult;
let template: Template;
let sent = 0;

beforeAll(async () => {
  synthesised = await synth({ stage: 'sandbox', progress: () => undefined });
  template = JSON.parse(readFileSync(`${synthesised.assembly}/${synthesised.stack}.template.json`, 'utf8'));
});

/** The stack with one more queue that hears what the book-keeper raises. */
function withEar(base: Template): Template {
  const copy = structuredClone(base);
  const [bus] = Object.entries(copy.Resources as Record<string, { Type: string }>)
    .filter(([, { Type }]) => Type === 'AWS::Events::EventBus')
    .map(([id]) => id);
  copy.Resources.Heard = { Type: 'AWS::SQS::Queue', Properties: { QueueName: heard } };
  copy.Resources.HeardPolicy = {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      PolicyDocument: {
        Statement: [
          {
            Action: 'sqs:SendMessage',
            Effect: 'Allow',
            Principal: { Service: 'events.amazonaws.com' },
            Resource: { 'Fn::GetAtt': ['Heard', 'Arn'] },
          },
        ],
      },
      Queues: [{ Ref: 'Heard' }],
    },
  };
  copy.Resources.HeardRule = {
    Type: 'AWS::Events::Rule',
    Properties: {
      Name: 'heard',
      EventBusName: { Ref: bus },
      EventPattern: { source: ['evenkeel.book-keeper'] },
      State: 'ENABLED',
      Targets: [{ Arn: { 'Fn::GetAtt': ['Heard', 'Arn'] }, Id: 'Target0' }],
    },
  };
  return copy;
}

async function start(folder: string, edited: Template): Promise<LocalCloud> {
  const { assembly, stack } = synthesised;
  const copy = editedAssembly(assembly, folder, stack, edited, readdirSync(assembly));
  return startCloud({ assembly: copy, stack, dataDir: `${folder}/data`, schedules: false });
}

interface Desk {
  readonly cloud: LocalCloud;
  readonly clients: CloudClients;
  readonly book: BookTable;
  readonly audit: AuditTable;
}

function deskOf(cloud: LocalCloud): Desk {
  const clients = clientsOf(cloud.endpoint, 'operator');
  const client = clients.dynamodb;
  const book = new BookTable({ client, bookTable, auditTable });
  return { cloud, clients, book, audit: new AuditTable({ client, auditTable, book }) };
}

/** As the streamer sends: group = account, deduplication id = the event's. */
async function send({ clients, cloud }: Desk, group: string, body: unknown): Promise<string> {
  sent += 1;
  const answer = await clients.sqs.send(
    new SendMessageCommand({
      QueueUrl: `${cloud.endpoint}/000000000000/${prefix}-book.fifo`,
      MessageBody: typeof body === 'string' ? body : JSON.stringify(body),
      MessageGroupId: group,
      MessageDeduplicationId: `test-${sent}`,
    }),
  );
  return answer.MessageId ?? '';
}

async function orderOf(
  { book }: Desk,
  account: string,
  key: string,
): Promise<Record<string, unknown> | undefined> {
  const [item] = await book.read(account, [{ kind: 'order', id: key }]);
  return item?.body;
}

const patient = { timeout: 60_000, interval: 50 };

describe('the deployed book-keeper', () => {
  const { folder, remove } = temporaryFolder();
  let desk: Desk;

  beforeAll(async () => {
    desk = deskOf(await start(folder, withEar(template)));
  });
  afterAll(async () => {
    await desk?.cloud.stop();
    remove();
  });

  it('books what the queue brings, twice delivered or not, as one order with a whole chain', async () => {
    const account = 'DU100';
    const at = (seq: number) => ({ account, seq });
    const events: Envelope[] = [
      orderEvent('order.placed', 13, { status: 'PreSubmitted', brokerStatus: 'PreSubmitted' }, at(1)),
      fillEvent(13, { execBase: 'e.1', revision: 1, quantity: '2' }, at(2)),
      orderEvent('order.filled', 13, { status: 'Filled', brokerStatus: 'Filled' }, at(3)),
      commissionEvent('P13', 'e.1', 1, '2.32', at(4)),
    ];
    for (const event of [...events, ...events]) await send(desk, account, event);
    await vi.waitFor(async () => {
      expect(await desk.cloud.queueDepth(`${prefix}-book.fifo`)).toBe(0);
    }, patient);
    expect(await orderOf(desk, account, 'P13')).toMatchObject({
      status: 'Filled',
      filled: '2',
      commissions: { USD: '2.32' },
    });
    expect(await verifyAudit(desk.audit, account, digest)).toMatchObject([
      { writer: 'book-keeper', rows: 4 },
    ]);
    expect(await collect(desk.book.list(account, 'fill'))).toHaveLength(1);
  });

  it.each(['lost-answer', 'conflict', 'throttling', 'internal'] as const)(
    'a transaction that meets %s is booked once, and the chain holds',
    async (kind) => {
      const account = `DU150-${kind}`;
      desk.cloud.faults.add({ service: 'dynamodb', operation: 'TransactWriteItems', kind, count: 2 });
      await send(desk, account, orderEvent('order.placed', 13, {}, { account, seq: 1 }));
      await vi.waitFor(async () => expect(await orderOf(desk, account, 'P13')).toBeDefined(), patient);
      await vi.waitFor(async () => {
        expect(await desk.cloud.queueDepth(`${prefix}-book.fifo`)).toBe(0);
      }, patient);
      expect(await verifyAudit(desk.audit, account, digest)).toMatchObject([{ rows: 1 }]);
      desk.cloud.faults.clear();
    },
  );

  const whole = () => orderEvent('order.placed', 13, {}, { account: 'DU200', seq: 1 }) as object;
  it.each([
    ['no JSON', () => 'PreSubmitted!', 'EVENT_NOT_JSON'],
    ['no event', () => ({ hello: 'world' }), 'EVENT_MALFORMED'],
    [
      'an unknown version',
      () => ({ ...whole(), version: 2, data: { shape: 'of tomorrow' } }),
      'EVENT_VERSION_UNKNOWN',
    ],
    ['an unknown name', () => ({ ...whole(), type: 'order.teleported' }), 'EVENT_TYPE_UNKNOWN'],
    ['wrong data', () => ({ ...whole(), data: { orderKey: 7 } }), 'EVENT_DATA_INVALID'],
    ['half of a character', () => `{"type":"\\ud800"}`, 'EVENT_NOT_JSON'],
  ])('%s: dead-letter queue with its reason, body unchanged, and an alert', async (_what, make, reason) => {
    const account = `DU200-${reason}-${sent}`;
    const made = make();
    const body = typeof made === 'string' ? made : JSON.stringify(made);
    const id = await send(desk, account, body);
    const letter = await receiveOne(desk.clients, desk.cloud.endpoint, deadLetters, 10);
    expect(letter).toMatchObject({ body, attributes: { reason, message: expect.stringContaining(reason) } });
    const alert = await receiveOne(desk.clients, desk.cloud.endpoint, heard, 10);
    const { source, 'detail-type': name, detail } = JSON.parse(alert.body) as Record<string, unknown>;
    expect({ source, name }).toEqual({ source: 'evenkeel.book-keeper', name: 'alert.raised' });
    expect(parseNotice(detail)).toMatchObject({
      id: `book-keeper:${id}`,
      account,
      data: { alert: 'event_refused', severity: 'HIGH', message: expect.stringContaining(reason) },
    });
  });

  it('an event that the book does not keep is no silent skip, and what comes after it is booked', async () => {
    const account = 'DU300';
    const notice = JSON.parse(
      readFileSync(new URL('../../lib/events/examples/gap-filled.v1.json', import.meta.url), 'utf8'),
    ) as object;
    await send(desk, account, notice);
    await send(desk, account, orderEvent('order.placed', 13, {}, { account, seq: 2 }));
    await vi.waitFor(async () => expect(await orderOf(desk, account, 'P13')).toBeDefined(), patient);
    expect(await receiveOne(desk.clients, desk.cloud.endpoint, deadLetters, 10)).toMatchObject({
      attributes: { reason: 'EVENT_NOT_BOOKED' },
    });
  });
});

describe('a book-keeper that may not write the audit trail', () => {
  const { folder, remove } = temporaryFolder();
  let desk: Desk;

  beforeAll(async () => {
    desk = deskOf(await start(folder, withoutAudit(template)));
  });
  afterAll(async () => {
    await desk?.cloud.stop();
    remove();
  });

  it('changes nothing, and keeps the event: no order without its audit row', async () => {
    const account = 'DU400';
    await send(desk, account, orderEvent('order.placed', 13, {}, { account, seq: 1 }));
    await vi.waitFor(() => expect(desk.cloud.stats().denied).toBeGreaterThan(0), patient);
    expect(await collect(desk.book.all(account))).toEqual([]);
    expect(await desk.cloud.queueDepth(`${prefix}-book.fifo`)).toBe(1);
    expect(await desk.cloud.queueDepth(deadLetters)).toBe(0);
  });
});

/** The stack without the statement that lets anybody put a row into the audit table. */
function withoutAudit(base: Template): Template {
  const copy = structuredClone(base);
  const resources = Object.entries(
    copy.Resources as Record<string, { Type: string; Properties: Record<string, unknown> }>,
  );
  const [table] = resources.find(
    ([, { Type, Properties }]) => Type === 'AWS::DynamoDB::Table' && Properties.TableName === auditTable,
  ) ?? [''];
  let removed = 0;
  for (const [, { Type, Properties }] of resources) {
    if (Type !== 'AWS::IAM::Policy') continue;
    const document = Properties.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] };
    const kept = document.Statement.filter(
      ({ Action, Resource }) => Action !== 'dynamodb:PutItem' || !JSON.stringify(Resource).includes(table),
    );
    removed += document.Statement.length - kept.length;
    document.Statement = kept;
  }
  expect(removed).toBeGreaterThan(0);
  return copy;
}
