/**
 * The sandbox obeys the template: each test edits a copy of the synthesised one, and nothing else, and sees that the
 * candle no longer reaches the table, and why.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import type { CloudStats } from '../../sandbox/cloud/stats.ts';
import { type SynthResult, synth } from '../../sandbox/cloud/synth.ts';
import { clientsOf, receiveOne } from '../helpers/cloud-clients.ts';
import { editedAssembly, type Template, temporaryFolder } from '../helpers/cloud-fixture.ts';

const CANDLES = 'evenkeel-sandbox-candles';
const DEAD_LETTERS = 'evenkeel-sandbox-candle-keeper-dlq';

const exampleFile = new URL('../../lib/events/examples/candle-completed.v1.json', import.meta.url);
const example = JSON.parse(readFileSync(exampleFile, 'utf8')) as {
  type: string;
  data: { conId: number; startMs: number };
};

let synthesised: SynthResult;
let template: Template;
let folder: string;
let remove: () => void;
let cloud: LocalCloud | undefined;

beforeAll(async () => {
  synthesised = await synth({ stage: 'sandbox', progress: () => undefined });
  template = JSON.parse(readFileSync(`${synthesised.assembly}/${synthesised.stack}.template.json`, 'utf8'));
});

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
});

afterEach(async () => {
  await cloud?.stop();
  cloud = undefined;
  remove();
});

interface Sent {
  /** Whether the candle is in the table. */
  readonly arrived: boolean;
  /** The name of the error that PutEvents answered, or undefined. */
  readonly refused: string | undefined;
  readonly stats: CloudStats;
  readonly why: string;
}

/** Starts the cloud on the edited template and sends one candle as the streamer would. */
async function sendCandle(edit: (template: Template) => void): Promise<Sent> {
  const edited = structuredClone(template);
  edit(edited);
  const { assembly, stack } = synthesised;
  const copy = editedAssembly(assembly, folder, stack, edited, readdirSync(assembly));
  cloud = await startCloud({
    assembly: copy,
    stack,
    dataDir: `${folder}/data`,
    timeScale: 0.001,
    // A minute of the wall clock would call what looks at it.
    schedules: false,
    warm: false,
  });
  const environment = cloud.containerEnvironment('streamer');
  const streamer = clientsOf(cloud.endpoint, environment.AWS_ACCESS_KEY_ID ?? '');
  const entry = {
    EventBusName: environment.EVENT_BUS_NAME,
    Source: 'evenkeel.streamer',
    DetailType: example.type,
    Detail: JSON.stringify({ ...example, stage: 'sandbox' }),
  };
  const refused = await streamer.events.send(new PutEventsCommand({ Entries: [entry] })).then(
    () => undefined,
    (error: unknown) => (error as Error).name,
  );
  await cloud.idle(60_000);
  const key = {
    pk: { S: `${example.data.conId}#1m` },
    sk: { S: new Date(example.data.startMs).toISOString() },
  };
  const { Item: item } = await clientsOf(cloud.endpoint, 'operator').dynamodb.send(
    new GetItemCommand({ TableName: CANDLES, Key: key }),
  );
  const stats = cloud.stats();
  return { arrived: item !== undefined, refused, stats, why: stats.problems.join('\n') };
}

/** The one resource of a type; where others have one too, that of the construct `Candles`. */
function only(t: Template, type: string): { id: string; properties: Template } {
  const all = Object.entries<Template>(t.Resources).filter(([, resource]) => resource.Type === type);
  const found = all.length === 1 ? all : all.filter(([id]) => id.startsWith('Candles'));
  const [[id, resource] = ['', {}]] = found;
  expect(found, `the template should have one ${type}`).toHaveLength(1);
  return { id, properties: resource.Properties };
}

/** Takes an action out of every policy. */
function dropAction(t: Template, action: string): void {
  let dropped = 0;
  for (const resource of Object.values<Template>(t.Resources).filter((r) => r.Type === 'AWS::IAM::Policy')) {
    const document = resource.Properties.PolicyDocument;
    for (const statement of document.Statement) {
      const actions: string[] = [statement.Action].flat();
      statement.Action = actions.filter((a) => a !== action);
      dropped += actions.length - statement.Action.length;
    }
    document.Statement = document.Statement.filter((s: Template) => s.Action.length > 0);
  }
  expect(dropped, `no policy had ${action}`).toBeGreaterThan(0);
}

describe('the template as synthesised', () => {
  it('the candle arrives', async () => {
    const sent = await sendCandle(() => undefined);
    expect(sent).toMatchObject({ arrived: true, refused: undefined, why: '' });
    expect(sent.stats).toMatchObject({
      events: { accepted: 1, matched: 1 },
      deliveries: { ok: 1 },
      invocations: { ok: 1 },
      denied: 0,
    });
  });
});

describe('a template that was edited', () => {
  it('the rule removed: the event is accepted and matches nothing', async () => {
    const sent = await sendCandle((t) => {
      const { id } = only(t, 'AWS::Events::Rule');
      delete t.Resources[id];
      delete t.Resources[only(t, 'AWS::Lambda::Permission').id];
      const { properties } = only(t, 'AWS::SQS::QueuePolicy');
      properties.PolicyDocument.Statement = properties.PolicyDocument.Statement.filter(
        (s: Template) => !JSON.stringify(s).includes(id),
      );
    });
    expect(sent).toMatchObject({
      arrived: false,
      refused: undefined,
      stats: { events: { accepted: 1, matched: 0, unmatched: 1 } },
    });
  });

  it('the rule removed but its permission left: the template is refused, as CloudFormation would', async () => {
    const sending = sendCandle((t) => delete t.Resources[only(t, 'AWS::Events::Rule').id]);
    await expect(sending).rejects.toMatchObject({ code: 'TEMPLATE_INVALID' });
  });

  it('the rule disabled: the event matches nothing', async () => {
    const sent = await sendCandle((t) => (only(t, 'AWS::Events::Rule').properties.State = 'DISABLED'));
    expect(sent).toMatchObject({
      arrived: false,
      refused: undefined,
      stats: { events: { accepted: 1, unmatched: 1 } },
    });
  });

  it('a detail-type renamed: the event matches nothing', async () => {
    const sent = await sendCandle((t) => {
      const pattern = only(t, 'AWS::Events::Rule').properties.EventPattern;
      pattern['detail-type'] = pattern['detail-type'].map((name: string) =>
        name === 'candle.completed' ? 'candle.closed' : name,
      );
    });
    expect(sent).toMatchObject({
      arrived: false,
      refused: undefined,
      stats: { events: { accepted: 1, matched: 0, unmatched: 1 } },
    });
  });

  it('CANDLES_TABLE points elsewhere: the keeper is denied the other table, and the event is dead-lettered', async () => {
    const sent = await sendCandle(
      (t) =>
        (only(t, 'AWS::Lambda::Function').properties.Environment.Variables.CANDLES_TABLE =
          'evenkeel-sandbox-elsewhere'),
    );
    expect(sent).toMatchObject({
      arrived: false,
      stats: { invocations: { ok: 0, failed: 3, deadLettered: 1 } },
    });
    expect(sent.why).toMatch(/dynamodb:PutItem on resource: \S+:table\/evenkeel-sandbox-elsewhere/);
  });

  it('RETENTION_DAYS removed: the keeper does not start', async () => {
    const sent = await sendCandle(
      (t) => delete only(t, 'AWS::Lambda::Function').properties.Environment.Variables.RETENTION_DAYS,
    );
    expect(sent).toMatchObject({ arrived: false, stats: { invocations: { ok: 0, deadLettered: 1 } } });
    expect(sent.why).toContain('RETENTION_DAYS');
  });

  it('EVENT_BUS_NAME of the streamer points elsewhere: PutEvents is denied', async () => {
    const sent = await sendCandle((t) => {
      const [container] = only(t, 'AWS::ECS::TaskDefinition').properties.ContainerDefinitions.filter(
        (c: Template) => c.Name === 'streamer',
      );
      container.Environment.find((e: Template) => e.Name === 'EVENT_BUS_NAME').Value = 'evenkeel-other';
    });
    expect(sent).toMatchObject({ arrived: false, refused: 'AccessDeniedException' });
    expect(sent.why).toContain(
      'events:PutEvents on resource: arn:aws:events:eu-west-1:000000000000:event-bus/evenkeel-other',
    );
  });

  it('dynamodb:PutItem dropped from the keeper’s role: AccessDenied, three attempts, dead-lettered', async () => {
    const sent = await sendCandle((t) => dropAction(t, 'dynamodb:PutItem'));
    expect(sent).toMatchObject({
      arrived: false,
      refused: undefined,
      stats: { denied: 3, invocations: { ok: 0, failed: 3, retried: 2, deadLettered: 1 } },
    });
    expect(sent.why).toContain(
      `dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:000000000000:table/${CANDLES}`,
    );
    const endpoint = cloud?.endpoint ?? '';
    const { body } = await receiveOne(clientsOf(endpoint, 'operator'), endpoint, DEAD_LETTERS);
    expect(JSON.parse(body)).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
      requestPayload: { 'detail-type': 'candle.completed', detail: { data: { conId: example.data.conId } } },
      responsePayload: { errorMessage: expect.stringContaining('dynamodb:PutItem') as string },
    });
  });

  it('events:PutEvents dropped from the streamer’s role: PutEvents is denied', async () => {
    const sent = await sendCandle((t) => dropAction(t, 'events:PutEvents'));
    expect(sent).toMatchObject({
      arrived: false,
      refused: 'AccessDeniedException',
      stats: { events: { accepted: 0 } },
    });
    expect(sent.why).toContain('not authorized to perform: events:PutEvents');
  });

  it('the Lambda permission removed: nothing is invoked, the event goes to the rule’s dead-letter queue', async () => {
    const sent = await sendCandle((t) => delete t.Resources[only(t, 'AWS::Lambda::Permission').id]);
    expect(sent).toMatchObject({
      arrived: false,
      refused: undefined,
      stats: { deliveries: { ok: 0, failed: 1, retried: 0, deadLettered: 1 }, invocations: { ok: 0 } },
    });
    const endpoint = cloud?.endpoint ?? '';
    const { attributes } = await receiveOne(clientsOf(endpoint, 'operator'), endpoint, DEAD_LETTERS);
    expect(attributes.ERROR_CODE).toBe('NO_PERMISSIONS');
  });

  it('the queue’s permission removed as well: the event is dropped, and that is said', async () => {
    const sent = await sendCandle((t) => {
      delete t.Resources[only(t, 'AWS::Lambda::Permission').id];
      delete t.Resources[only(t, 'AWS::SQS::QueuePolicy').id];
    });
    expect(sent).toMatchObject({ arrived: false, stats: { deliveries: { deadLettered: 0, dropped: 1 } } });
    expect(sent.why).toContain('does not let events.amazonaws.com send messages');
  });

  it('a key of the table renamed: the keeper’s write does not fit, and the event is dead-lettered', async () => {
    const sending = sendCandle((t) => {
      const { properties } = only(t, 'AWS::DynamoDB::Table');
      const renamed = (list: Template[]): Template[] =>
        list.map((a) => (a.AttributeName === 'sk' ? { ...a, AttributeName: 'start' } : a));
      properties.KeySchema = renamed(properties.KeySchema);
      properties.AttributeDefinitions = renamed(properties.AttributeDefinitions);
    });
    // The read by the known key fails for the same reason as the keeper's write.
    await expect(sending).rejects.toMatchObject({ name: 'ValidationException' });
    expect(cloud?.stats().invocations).toMatchObject({ ok: 0, deadLettered: 1 });
  });
});
