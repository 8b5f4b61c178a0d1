import { describe, expect, it } from 'vitest';
import { stages } from '../../lib/events/stage.ts';
import { functionNames } from '../../lib/stacks/bundle.ts';
import { stageTemplates } from '../helpers/stage-template.ts';

// Throws on a finding of cdk-nag that is not acknowledged.
const templates = await stageTemplates();

describe.each(stages)('stage %s', (stage) => {
  const made = templates[stage];

  it('names everything evenkeel-<stage>-<thing>', () => {
    const nameKeys =
      /^(TableName|QueueName|FunctionName|RoleName|ClusterName|ServiceName|Family|ArchiveName|LogGroupName|Name|GroupName)$/;
    const names = Object.values(made.resources).flatMap(({ Properties }) =>
      Object.entries(Properties).flatMap(([key, value]) =>
        nameKeys.test(key) && typeof value === 'string' ? [value] : [],
      ),
    );
    expect(names.length).toBeGreaterThan(8);
    expect(names.filter((name) => !new RegExp(`^/?evenkeel-${stage}\\b`).test(name))).toEqual([]);
  });

  it('has no custom resource, and a function for each bundle', () => {
    const types = Object.values(made.resources).map(({ Type }) => Type);
    expect(types.filter((type) => /^Custom::|CustomResource/.test(type))).toEqual([]);
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(functionNames.length);
  });

  it('puts the names of what was made into the outputs', () => {
    expect(Object.keys(made.outputs).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'AlertDeadLetters',
      'AlertsName',
      'AlertTopicArn',
      'ApplyPlanName',
      'ArchiveBucketName',
      ...(stage === 'sandbox' ? [] : ['ArchiveDatabaseName']),
      'ArchiveName',
      'AuditTableName',
      'BackupBucketName',
      'BackupName',
      'BookDeadLetters',
      'BookKeeperName',
      'BookQueueUrl',
      'BookTableName',
      'CandleKeeperDeadLetters',
      'CandleKeeperName',
      'CandlesTableName',
      'ClusterName',
      'ControlTableName',
      'DrillName',
      'EventBusName',
      'JobDeadLetters',
      'ReconcileBucketName',
      'ReconcileName',
      'SnapshotBucketName',
      'WatchdogName',
    ]);
  });
});
