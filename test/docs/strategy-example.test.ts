import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { breakout as Breakout, handler as Handler } from '../../docs/examples/breakout-strategy.ts';
import { StrategyStack } from '../../docs/examples/strategy-stack.ts';
import { CandlesTable } from '../../lib/aws/candles-table.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { type Command, commandSchema } from '../../lib/events/command.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { clientsOf } from '../helpers/cloud-clients.ts';
import { names, STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { fifo, fifoTemplate } from '../helpers/cloud-templates.ts';
import { engineIsHere, whenNoEngine } from '../helpers/dynamo-engine.ts';
import { readExample } from '../helpers/render-event-docs.ts';

const account = 'DU1234567';
const lookback = 3;
const minuteMs = 60_000;
const startMs = Date.UTC(2026, 0, 5, 14, 30);
const example = readExample('candle.completed') as { data: Candle };

/** A bar of the series, by its minute. */
function bar(
  minute: number,
  low: string,
  high: string,
  close: string,
  changes: Partial<Candle> = {},
): Candle {
  return { ...example.data, startMs: startMs + minute * minuteMs, open: low, low, high, close, ...changes };
}

/** Four quiet bars, and one that closes above them. */
const quiet = [
  bar(0, '2599', '2600', '2599.5'),
  bar(1, '2598.5', '2600.5', '2600'),
  bar(2, '2599.5', '2600.4', '2600.1'),
  bar(3, '2599.8', '2600.3', '2600'),
];
const up = bar(4, '2600', '2601.2', '2601');

const eventOf = (data: Candle, changes: object = {}) => ({
  'detail-type': 'candle.completed',
  source: 'evenkeel.streamer',
  detail: { ...example, account, recordedAt: new Date().toISOString(), ...changes, data },
});

describe('the example strategy', () => {
  let breakout: typeof Breakout;
  beforeAll(async () => {
    ({ breakout } = await import('../../docs/examples/breakout-strategy.ts'));
  });
  const signal = (...bars: readonly Candle[]) => breakout(bars, '1', lookback);

  it('buys the first close above the highest high, with its stop at the lowest low and twice that as target', () => {
    expect(signal(...quiet, up)).toEqual({
      entry: { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: '2601', timeInForce: 'DAY' },
      takeProfit: { limitPrice: '2606' },
      stopLoss: { stopPrice: '2598.5' },
    });
  });

  it('does nothing on a close at the high, on the second bar of a trend, and where a bar is missing', () => {
    expect(signal(...quiet, bar(4, '2600', '2602', '2600.5'))).toBeUndefined();
    expect(signal(...quiet.slice(1), up, bar(5, '2601', '2603', '2602'))).toBeUndefined();
    expect(signal(...quiet.slice(1), up)).toBeUndefined();
  });
});

describe.skipIf(!engineIsHere)(
  `the example strategy on the local cloud${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    const { folder, remove } = temporaryFolder();
    let cloud: LocalCloud;
    let handler: typeof Handler;

    beforeAll(async () => {
      const template = fifoTemplate();
      // What docs/examples/strategy-stack.ts grants, and no more.
      template.Resources.StrategyRole = {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: {
            Statement: [
              { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } },
            ],
          },
          Policies: [{ PolicyName: 'own', PolicyDocument: { Statement: grantsOfStack() } }],
        },
      };
      cloud = await startCloud({
        assembly: writeAssembly(folder, template),
        stack: STACK,
        dataDir: `${folder}/data`,
      });
      const operator = clientsOf(cloud.endpoint, 'operator');
      const table = new CandlesTable({
        client: operator.dynamodb,
        tableName: names.table,
        retentionDays: 400,
      });
      for (const each of quiet) await table.put(each);
      vi.stubEnv('AWS_ENDPOINT_URL', cloud.endpoint);
      vi.stubEnv('AWS_REGION', 'eu-west-1');
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'StrategyRole');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
      vi.stubEnv('QUEUE_URL', `${cloud.endpoint}/000000000000/${fifo.commands}`);
      vi.stubEnv('CANDLES_TABLE', names.table);
      vi.stubEnv('ACCOUNT', account);
      vi.stubEnv('LOOKBACK', String(lookback));
      vi.spyOn(console, 'log').mockReturnValue(undefined);
      vi.resetModules();
      ({ handler } = await import('../../docs/examples/breakout-strategy.ts'));
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
      await cloud?.stop();
      remove();
    });

    /** Statements of the example's stack, on the fixture's queue and table. */
    function grantsOfStack(): object[] {
      const resources: Record<string, unknown> = {
        'sqs:SendMessage': { 'Fn::GetAtt': ['Commands', 'Arn'] },
        'dynamodb:Query': { 'Fn::GetAtt': ['Things', 'Arn'] },
      };
      return strategyStatements().map(({ Action }) => {
        const Resource = resources[Action];
        if (Resource === undefined)
          throw new Error(`The example's role may ${Action}, which nothing here serves.`);
        return { Action, Effect: 'Allow', Resource };
      });
    }

    const queued = async (): Promise<Command[]> => {
      const { Messages: messages } = await clientsOf(cloud.endpoint, 'operator').sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: `${cloud.endpoint}/000000000000/${fifo.commands}`,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: 0,
        }),
      );
      return (messages ?? []).map(({ Body }) => commandSchema.parse(JSON.parse(Body ?? '')));
    };
    const run = (event: object) => handler(event as never);

    it('sends nothing on events that are late, of another account, backfilled, partial, or no breakout', async () => {
      await run(eventOf(up, { recordedAt: new Date(Date.now() - 61_000).toISOString() }));
      await run(eventOf(up, { account: 'DU7654321' }));
      await run(eventOf({ ...up, source: 'backfill' }));
      await run(eventOf({ ...up, partial: true }));
      await run(eventOf(bar(4, '2599', '2600', '2600')));
      expect(await queued()).toEqual([]);
    });

    it('a breakout is one bracket, however often its event is delivered', async () => {
      await Promise.all([run(eventOf(up)), run(eventOf(up))]);
      await run(eventOf(up));
      const commands = await queued();
      expect(commands).toHaveLength(1);
      expect(commands[0]).toMatchObject({
        type: 'place-bracket',
        account,
        by: 'program',
        issuedBy: 'breakout-strategy',
        key: `breakout-${up.symbol}-2026-01-05T14:34:00.000Z`,
        conId: up.conId,
        legs: [
          { leg: 'entry', action: 'BUY', limitPrice: '2601' },
          { leg: 'take-profit', action: 'SELL', limitPrice: '2606', timeInForce: 'GTC' },
          { leg: 'stop-loss', action: 'SELL', stopPrice: '2598.5', timeInForce: 'GTC' },
        ],
      });
    });

    it('its role may do nothing but send and query', async () => {
      const { sqs, dynamodb } = clientsOf(cloud.endpoint, 'StrategyRole');
      const QueueUrl = `${cloud.endpoint}/000000000000/${fifo.commands}`;
      await expect(sqs.send(new ReceiveMessageCommand({ QueueUrl }))).rejects.toThrow();
      const table = new CandlesTable({ client: dynamodb, tableName: names.table, retentionDays: 400 });
      await expect(table.put(up)).rejects.toThrow();
    });
  },
);

interface Statement {
  readonly Action: string;
  readonly Effect: string;
  readonly Resource: unknown;
}

function synthesised(): Template {
  // Bundling is the deployment's: here the template counts.
  const app = new App({
    context: { 'aws:cdk:bundling-stacks': [] },
    builtinCloudFormationValidation: false,
  });
  const stack = new StrategyStack(app, 'strategy', {
    stage: 'paper',
    account,
    streamer: 'main',
    symbol: 'GCG6',
  });
  return Template.fromStack(stack);
}

function strategyStatements(): readonly Statement[] {
  const policies = Object.values(synthesised().findResources('AWS::IAM::Policy'));
  return policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[]);
}

describe("the example's stack", () => {
  it('grants sending to the queue of the streamer and reading candles, each on that resource alone', () => {
    const statements = strategyStatements();
    expect(statements.map(({ Action }) => Action)).toEqual(['sqs:SendMessage', 'dynamodb:Query']);
    const [send, query] = statements.map(({ Resource }) => JSON.stringify(Resource));
    expect(send).toContain(':evenkeel-paper-orders-main.fifo');
    expect(query).toContain(':table/evenkeel-paper-candles');
    expect([send, query].join()).not.toContain('*');
  });

  it('takes live candles of one contract and account, and no replay', () => {
    synthesised().hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['evenkeel.streamer'],
        'detail-type': ['candle.completed'],
        detail: { account: [account], data: { symbol: ['GCG6'], source: ['live'] } },
        'replay-name': [{ exists: false }],
      },
    });
  });

  it('its bundle is as small as those of Evenkeel', () => {
    const built = buildSync({
      entryPoints: [fileURLToPath(new URL('../../docs/examples/breakout-strategy.ts', import.meta.url))],
      bundle: true,
      write: false,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      minify: true,
      mainFields: ['module', 'main'],
      legalComments: 'none',
    });
    const kib = built.outputFiles[0]!.contents.byteLength / 1024;
    expect(kib).toBeLessThan(600);
  });
});

it('docs/orders-out.md shows the strategy and its stack as they are', () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const page = read('docs/orders-out.md');
  const shown = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!.trim());
  const sources = ['docs/examples/breakout-strategy.ts', 'docs/examples/strategy-stack.ts']
    .map(read)
    .join('\n');
  const marked = shown.filter((block) => !block.startsWith('// in short'));
  expect(marked.length).toBeGreaterThan(1);
  for (const block of marked) expect(sources).toContain(block);
});
