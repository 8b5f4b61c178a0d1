import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assumptions } from '../../bin/cost/bill.ts';
import { emitters } from '../../lib/domain/metrics/catalogue.ts';
import { stages } from '../../lib/events/stage.ts';
import { alarmKinds } from '../../lib/stacks/alarm-runbook.ts';
import { type AlarmState, stateOf, statesOver } from '../helpers/alarm-evaluator.ts';
import { alarmsOf, type SeenMetric, type StageAlarm, widgetsOf } from '../helpers/stage-alarms.ts';
import {
  firstOf,
  ofType,
  removeAssemblies,
  type StageTemplate,
  stageTemplates,
  synthStage,
} from '../helpers/stage-template.ts';

const templates = await stageTemplates();
const dir = mkdtempSync(join(tmpdir(), 'evenkeel-alarms-'));
afterAll(() => {
  removeAssemblies();
  rmSync(dir, { recursive: true });
});

/** Metrics of AWS that its user guides document, by namespace: dimensions, and the type of what they name. */
const documented: Readonly<Record<string, { names: string[]; dimensions: Record<string, string> }>> = {
  'AWS/Lambda': {
    names: ['Errors', 'Throttles', 'Invocations', 'Duration'],
    dimensions: { FunctionName: 'AWS::Lambda::Function' },
  },
  'AWS/SQS': {
    names: ['ApproximateAgeOfOldestMessage', 'ApproximateNumberOfMessagesVisible'],
    dimensions: { QueueName: 'AWS::SQS::Queue' },
  },
  'AWS/DynamoDB': {
    names: ['ReadThrottleEvents', 'WriteThrottleEvents'],
    dimensions: { TableName: 'AWS::DynamoDB::Table' },
  },
  'AWS/Events': {
    names: ['FailedInvocations'],
    dimensions: { EventBusName: 'AWS::Events::EventBus', RuleName: 'AWS::Events::Rule' },
  },
  'AWS/SNS': { names: ['NumberOfNotificationsFailed'], dimensions: { TopicName: 'AWS::SNS::Topic' } },
};

/** What is wrong with a metric: it is told by nobody, or under other dimensions. */
function problemOf(made: StageTemplate, stage: string, metric: SeenMetric): string[] {
  const { namespace, name, dimensions } = metric;
  const keys = Object.keys(dimensions).toSorted((a, b) => a.localeCompare(b));
  const wrong = (why: string) => [`${namespace} ${name} ${JSON.stringify(dimensions)}: ${why}`];
  if (namespace === 'Evenkeel') {
    const emitter = emitters.find(({ metrics }) => metrics.some((one) => one.name === name && one.emf));
    if (emitter === undefined) return wrong('nobody tells it to CloudWatch');
    if (keys.join() !== [...emitter.dimensions].toSorted((a, b) => a.localeCompare(b)).join())
      return wrong(`its dimensions are ${emitter.dimensions.join()}`);
    return dimensions.stage === stage ? [] : wrong('another stage');
  }
  const known = documented[namespace];
  if (known?.names.includes(name) !== true) return wrong('not a documented metric of AWS');
  if (keys.join() !== Object.keys(known.dimensions).join()) return wrong('other dimensions');
  return keys.flatMap((key) => {
    const type = known.dimensions[key]!;
    const value = dimensions[key]!;
    const isThere =
      made.resources[value]?.Type === type ||
      ofType(made, type).some(([, { Properties }]) => Properties.Name === value);
    return isThere ? [] : wrong(`there is no such ${type}`);
  });
}

const ofKind = (alarms: readonly StageAlarm[], kind: string) =>
  alarms.filter(({ link }) => link.endsWith(`#${kind}`));
const one = (alarms: readonly StageAlarm[], kind: string) => {
  const found = ofKind(alarms, kind);
  expect(found).toHaveLength(1);
  return found[0]!;
};

describe.each(stages)('alarms of stage %s', (stage) => {
  const made = templates[stage];
  const alarms = alarmsOf(made);
  const watched = (metricName: string, dimension: string, kind: string) =>
    ofKind(alarms, kind)
      .flatMap(({ metrics }) => metrics)
      .filter(({ name }) => name === metricName)
      .map(({ dimensions }) => dimensions[dimension]!)
      .toSorted((a, b) => a.localeCompare(b));
  const ids = (type: string, which: (id: string) => boolean = () => true) =>
    ofType(made, type)
      .map(([id]) => id)
      .filter(which)
      .toSorted((a, b) => a.localeCompare(b));

  it('each goes to the topic when it begins and when it ends', () => {
    const [topic] = firstOf(made, 'AWS::SNS::Topic');
    expect(alarms.length).toBeGreaterThan(20);
    for (const { actions, okActions } of alarms) expect([actions, okActions]).toEqual([[topic], [topic]]);
  });

  it('each says what happened, what to do first, and where its runbook is', () => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title!.toLowerCase().replaceAll(' ', '-'),
    );
    for (const { name, description, link } of alarms) {
      expect(name).toMatch(new RegExp(`^evenkeel-${stage}-`));
      expect(description).toMatch(/^[A-Z].* First: .* Then: docs\/operations\.md#/);
      expect(description.length).toBeLessThanOrEqual(1_024);
      expect(anchors).toContain(link.replace('docs/operations.md#', ''));
    }
    // Every kind is used, and no alarm is of another.
    expect(new Set(alarms.map(({ link }) => link.split('#')[1]))).toEqual(new Set(alarmKinds));
  });

  it('each looks at metrics that somebody tells, under the dimensions under which they are told', () => {
    const metrics = alarms.flatMap((alarm) => alarm.metrics);
    expect(metrics.flatMap((metric) => problemOf(made, stage, metric))).toEqual([]);
    expect(alarms.filter((alarm) => alarm.metrics.length === 0)).toEqual([]);
  });

  it('every function has one for its errors and throttles', () => {
    const functions = ids('AWS::Lambda::Function');
    expect(watched('Errors', 'FunctionName', 'function-failing')).toEqual(functions);
    expect(watched('Throttles', 'FunctionName', 'function-failing')).toEqual(functions);
  });

  it('every queue has one: a dead-letter queue when it is not empty, another when nobody reads it', () => {
    const name = (id: string) => String(made.resources[id]?.Properties.QueueName);
    const isDead = (id: string) => name(id).includes('-dlq');
    expect(ids('AWS::SQS::Queue', isDead).length).toBeGreaterThan(2);
    expect(watched('ApproximateNumberOfMessagesVisible', 'QueueName', 'dead-letters')).toEqual(
      ids('AWS::SQS::Queue', isDead),
    );
    expect(watched('ApproximateAgeOfOldestMessage', 'QueueName', 'queue-waiting')).toEqual(
      ids('AWS::SQS::Queue', (id) => !isDead(id)),
    );
    for (const alarm of ofKind(alarms, 'dead-letters')) {
      expect(statesOver(alarm, [0, 0, 1, 1, 0], 2)).toEqual(['OK', 'OK', 'ALARM', 'ALARM', 'OK']);
      // SQS tells nothing of a queue that has been idle for long.
      expect(stateOf(alarm, [undefined, undefined])).toBe('OK');
    }
  });

  it('every table has one for its throttles, every rule is in one for its failures', () => {
    for (const metric of ['ReadThrottleEvents', 'WriteThrottleEvents'])
      expect(watched(metric, 'TableName', 'table-throttled')).toEqual(ids('AWS::DynamoDB::Table'));
    const rules = ofType(made, 'AWS::Events::Rule').map(([, { Properties }]) => String(Properties.Name));
    expect(watched('FailedInvocations', 'RuleName', 'rules-failing')).toEqual(
      rules.toSorted((a, b) => a.localeCompare(b)),
    );
  });

  it('what AWS tells only when there is something is not overlooked when it comes late', () => {
    const rare = alarms.filter(({ expression }) => expression.includes('FILL('));
    expect(new Set(rare.map(({ link }) => link.split('#')[1]))).toEqual(
      new Set(['function-failing', 'table-throttled', 'rules-failing']),
    );
    // The newest period reads 0 until its value has come; by then it is the one before.
    for (const { datapointsToAlarm, evaluationPeriods } of rare)
      expect([datapointsToAlarm, evaluationPeriods]).toEqual([1, 3]);
    // A metric of ours is told by every line or by none: filled with 0 its newest minute would always be well.
    const own = alarms.filter(({ metrics }) => metrics.some(({ namespace }) => namespace === 'Evenkeel'));
    expect(own.filter(({ expression }) => expression.includes('FILL('))).toEqual([]);
  });

  it('are a modest number: one that nobody needs is one that teaches people to look away', () => {
    const lookedAt = alarms.reduce((sum, { metrics }) => sum + metrics.length, 0);
    // 0.10 USD a month for each metric.
    expect(lookedAt).toBeLessThanOrEqual(70);
  });

  it('CloudWatch may send to the topic, for the alarms of this stage alone', () => {
    const policies = ofType(made, 'AWS::SNS::TopicPolicy').map(([, { Properties }]) => Properties);
    const { Statement } = policies[0]!.PolicyDocument as { Statement: readonly Record<string, unknown>[] };
    const ofAlarms = Statement.filter(({ Effect }) => Effect === 'Allow').filter(({ Principal }) =>
      JSON.stringify(Principal).includes('cloudwatch.amazonaws.com'),
    );
    expect(ofAlarms).toMatchObject([{ Action: 'sns:Publish' }]);
    const condition = JSON.stringify(ofAlarms[0]!.Condition);
    expect(condition).toContain(`:alarm:evenkeel-${stage}-*`);
    expect(condition).toContain('"aws:SourceAccount":{"Ref":"AWS::AccountId"}');
  });

  it('the dashboard has every alarm on top, and shows metrics that somebody tells', () => {
    const widgets = widgetsOf(made);
    expect(firstOf(made, 'AWS::CloudWatch::Dashboard')[1].Properties.DashboardName).toBe(`evenkeel-${stage}`);
    expect(widgets[0]).toMatchObject({ type: 'alarm' });
    expect(widgets[0]!.alarms).toHaveLength(alarms.length);
    const metrics = widgets.flatMap((widget) => widget.metrics);
    expect(metrics.length).toBeGreaterThan(40);
    expect(metrics.flatMap((metric) => problemOf(made, stage, metric))).toEqual([]);
    expect(widgets.filter((widget) => widget.type === 'metric' && widget.metrics.length === 0)).toEqual([]);
    // What CloudWatch is paid for is on the page.
    const shown = new Set(metrics.map(({ name }) => name));
    const paid = emitters.flatMap((emitter) => emitter.metrics.filter(({ emf }) => emf));
    expect(paid.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe('the rules by which CloudWatch evaluates', () => {
  const threeOfThree = {
    threshold: 1,
    comparison: 'GreaterThanOrEqualToThreshold',
    evaluationPeriods: 3,
    datapointsToAlarm: 3,
  } as const;
  const range = (text: string) =>
    text.split(' ').map((sign) => (sign === '-' ? undefined : sign === 'X' ? 1 : 0));

  // The table of the user guide: five periods are fetched for three that are evaluated.
  it.each<[string, AlarmState, AlarmState]>([
    ['0 - X - X', 'OK', 'OK'],
    ['- - - - 0', 'OK', 'OK'],
    ['- - - - -', 'ALARM', 'OK'],
    ['0 X X - X', 'ALARM', 'ALARM'],
    ['- - X - -', 'ALARM', 'OK'],
  ])('three of three, %s: %s where silence is bad, else %s', (text, breaching, notBreaching) => {
    expect(stateOf({ ...threeOfThree, treatMissingData: 'breaching' }, range(text))).toBe(breaching);
    expect(stateOf({ ...threeOfThree, treatMissingData: 'notBreaching' }, range(text))).toBe(notBreaching);
  });

  it.each<[string, AlarmState, AlarmState]>([
    ['0 - X - X', 'ALARM', 'ALARM'],
    ['0 0 X 0 X', 'ALARM', 'ALARM'],
    ['0 - X - -', 'ALARM', 'OK'],
    ['- - - - 0', 'ALARM', 'OK'],
  ])('two of three, %s: %s where silence is bad, else %s', (text, breaching, notBreaching) => {
    const twoOfThree = { ...threeOfThree, datapointsToAlarm: 2 };
    expect(stateOf({ ...twoOfThree, treatMissingData: 'breaching' }, range(text))).toBe(breaching);
    expect(stateOf({ ...twoOfThree, treatMissingData: 'notBreaching' }, range(text))).toBe(notBreaching);
  });
});

describe('the dead-man', () => {
  const alarms = alarmsOf(templates.paper);
  const silence = (count: number) => Array.from({ length: count }, () => undefined);
  const held = (count: number) => Array.from({ length: count }, () => 1);
  /** However many periods more than it evaluates CloudWatch fetches. */
  const fetched = [0, 2, 5];

  it.each(fetched)(
    'S143 dead-man: no heartbeat -> alarm raised outside the task, by CloudWatch alone (%i periods more are fetched)',
    (beyond) => {
      const alarm = one(alarms, 'heartbeat-missing');
      expect(alarm.metrics).toEqual([
        {
          namespace: 'Evenkeel',
          name: 'evenkeel_lease_held',
          dimensions: { stage: 'paper', streamer: 'main' },
        },
      ]);
      expect(alarm.periodSeconds).toEqual([60]);
      const states = statesOver(alarm, [...held(10), ...silence(10), ...held(6)], beyond);
      expect(states.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'OK'));
      // Raised after five minutes of silence, and what more is fetched; until then it is none.
      expect(states.indexOf('ALARM')).toBe(10 + 4 + beyond);
      expect(states[19]).toBe('ALARM');
      // Over as soon as one minute was told.
      expect(states[20]).toBe('OK');
      // Nothing of ours is in between: the action is the topic itself.
      expect(alarm.actions).toEqual([firstOf(templates.paper, 'AWS::SNS::Topic')[0]]);
    },
  );

  it('a process that lives without the lease is as good as none; a hand-over and a restart are no reason', () => {
    const alarm = one(alarms, 'heartbeat-missing');
    // Two tasks tell, and the larger counts.
    expect(alarm.statistics).toEqual(['Maximum']);
    expect(statesOver(alarm, [1, 0, 0, 0, 0, 0], 2).at(-1)).toBe('ALARM');
    for (const beyond of fetched) {
      const restarted = statesOver(alarm, [...held(8), ...silence(3), 0, ...held(8)], beyond);
      expect(restarted).not.toContain('ALARM');
    }
  });

  it('a stage whose streamer has never told anything is told of, too', () => {
    expect(statesOver(one(alarms, 'heartbeat-missing'), silence(3), 2).at(-1)).toBe('ALARM');
  });

  it.each(fetched)('a watchdog that is not called is told of (%i periods more are fetched)', (beyond) => {
    const alarm = one(alarms, 'watchdog-not-running');
    expect(alarm).toMatchObject({ treatMissingData: 'breaching', periodSeconds: [60], statistics: ['Sum'] });
    const states = statesOver(alarm, [...held(10), ...silence(12)], beyond);
    expect(states.indexOf('ALARM')).toBe(10 + 4 + beyond);
  });

  it('a backup that does not come for more than a day is told of, one that comes an hour later is not', () => {
    const alarm = one(alarms, 'backup-missing');
    expect(alarm).toMatchObject({ periodSeconds: [3_600], statistics: ['Sum'] });
    const hours = (gap: number) => [1, ...silence(gap), 1, ...silence(3)];
    expect(statesOver(alarm, hours(24), 0).slice(24)).not.toContain('ALARM');
    const late = statesOver(alarm, hours(32), 4);
    expect(late.indexOf('ALARM', 26)).toBe(26 + 4);
    expect(late.at(-1)).toBe('OK');
  });

  it('a reconcile that does not end for three intervals is late, one that misses one is not', () => {
    const alarm = one(alarms, 'reconcile-late');
    expect(alarm.periodSeconds).toEqual([300]);
    expect(statesOver(alarm, [1, 1, undefined, 1, undefined, 1], 2).slice(2)).not.toContain('ALARM');
    expect(statesOver(alarm, [1, 1, ...silence(6)], 2).at(-1)).toBe('ALARM');
  });
});

describe('configuration in the alarms', () => {
  const known = new Map<string, Promise<{ made: StageTemplate; alarms: StageAlarm[] }>>();
  /** The stage of this configuration; once for each. */
  const synth = (text: string) => {
    const found = known.get(text) ?? synthAnew(text);
    known.set(text, found);
    return found;
  };
  const synthAnew = async (text: string) => {
    writeFileSync(join(dir, 'paper.yml'), `stage: paper\n${text}`);
    const made = await synthStage('paper', { configDir: dir });
    return { made, alarms: alarmsOf(made) };
  };
  const two =
    'streamers:\n  - { name: main, account: DU1234567, symbols: [GC] }\n  - { name: second, account: DU7654321, symbols: [ES], gateway: { clientId: 2 } }\n';

  const changed = (runbookUrl: string) =>
    `${two}reconcile: { everyMinutes: 15 }\ncandles: { graceMs: 5000 }\naws: { runbookUrl: "${runbookUrl}" }\n`;

  it('the bill counts what alarms look at and what is told, of the stage and of each streamer', async () => {
    const looksOf = (all: readonly StageAlarm[]) => all.reduce((sum, { metrics }) => sum + metrics.length, 0);
    const one = looksOf(alarmsOf(templates.paper));
    const streamer = looksOf((await synth(two)).alarms) - one;
    // A second streamer also brings two command queues and a schedule's share: what the first has is counted with the stage.
    const paid = assumptions.alarms;
    expect(paid.stage + paid.streamer).toBe(one);
    expect(Math.abs(streamer - paid.streamer)).toBeLessThanOrEqual(4);
    const told = (wanted: boolean) =>
      emitters
        .filter(({ dimensions }) => dimensions.includes('streamer') === wanted)
        .flatMap(({ metrics }) => metrics.filter(({ emf }) => emf)).length;
    expect({ stage: told(false), streamer: told(true) }).toEqual(assumptions.metrics);
  });

  it('each streamer has its own set, and its own part of the dashboard', async () => {
    const { made, alarms } = await synth(two);
    const kinds = [
      'heartbeat-missing',
      'outbox-waiting',
      'ticks-dropped',
      'candles-late',
      'reconcile-late',
      'reconcile-failed',
    ];
    for (const kind of kinds) {
      const streamers = ofKind(alarms, kind).map(({ metrics }) => metrics[0]?.dimensions.streamer);
      expect([kind, streamers]).toEqual([kind, ['main', 'second']]);
    }
    expect(ofKind(alarms, 'queue-waiting')).toHaveLength(4);
    expect(ofKind(alarms, 'dead-letters')).toHaveLength(6);
    const titles = widgetsOf(made).map(({ markdown }) => markdown);
    expect(titles).toEqual(expect.arrayContaining([expect.stringContaining('second, account DU7654321')]));
  });

  it('a stage of many streamers has no widget with more alarms than CloudWatch takes', async () => {
    const streamers = Array.from(
      { length: 14 },
      (_, at) =>
        `  - { name: s${at}, account: DU100000${at}, symbols: [GC], gateway: { clientId: ${at + 1} }, health: { port: 0 } }`,
    );
    const { made, alarms } = await synth(`streamers:\n${streamers.join('\n')}\n`);
    const shown = widgetsOf(made).flatMap((widget) =>
      widget.alarms.length > 0 ? [widget.alarms.length] : [],
    );
    expect(shown).toEqual([100, alarms.length - 100]);
  });

  it('the interval of reconcile and the grace of candles move what is late', async () => {
    const { alarms } = await synth(changed('https://example.com/evenkeel/blob/main'));
    expect(ofKind(alarms, 'reconcile-late')[0]?.periodSeconds).toEqual([900]);
    expect(ofKind(alarms, 'candles-late')[0]?.threshold).toBe(20);
  });

  it.each(['https://example.com/evenkeel/blob/main', 'https://example.com/evenkeel/blob/main/'])(
    'a link to the runbook begins with %s',
    async (runbookUrl) => {
      const { alarms } = await synth(changed(runbookUrl));
      expect(one(alarms, 'watchdog-not-running').link).toBe(
        'https://example.com/evenkeel/blob/main/docs/operations.md#watchdog-not-running',
      );
    },
  );

  it('refuses a base that is no URL', async () => {
    await expect(synth(changed('our wiki'))).rejects.toThrow(/aws\.runbookUrl.*a URL/s);
  });
});
