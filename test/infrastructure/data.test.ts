import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { candleKey } from '../../lib/aws/keys.ts';
import { archiveTables } from '../../lib/domain/archive/athena.ts';
import { stages } from '../../lib/events/stage.ts';
import { namedOf, ofType, type Resource, stageTemplates } from '../helpers/stage-template.ts';

const templates = await stageTemplates();
const made = templates.paper;

const protectedStages = ['paper', 'live'] as const;

/** Types that hold what cannot be made again. */
const critical = [
  'AWS::DynamoDB::Table',
  'AWS::Events::EventBus',
  'AWS::Events::Archive',
  'AWS::SQS::Queue',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
];

describe('what holds data', () => {
  it.each(protectedStages)('of stage %s cannot be deleted by mistake', (stage) => {
    const at = templates[stage];
    expect(at.terminationProtection).toBe(true);
    for (const type of critical) {
      const found = ofType(at, type);
      expect(found.length, type).toBeGreaterThan(0);
      for (const [id, resource] of found) {
        expect([id, resource.DeletionPolicy, resource.UpdateReplacePolicy]).toEqual([id, 'Retain', 'Retain']);
      }
    }
    at.template.allResourcesProperties('AWS::DynamoDB::Table', {
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it('of the sandbox goes with its stack, and still has point-in-time recovery', () => {
    const { sandbox } = templates;
    expect(sandbox.terminationProtection).toBe(false);
    for (const type of critical) {
      for (const [id, resource] of ofType(sandbox, type))
        expect([id, resource.DeletionPolicy]).toEqual([id, 'Delete']);
    }
    sandbox.template.allResourcesProperties('AWS::DynamoDB::Table', {
      DeletionProtectionEnabled: false,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  // CloudFormation replaces what gets another logical id or another name, and the new one is empty.
  it.each(stages)('of stage %s is where it was: ids and names are those of pinned-ids.txt', (stage) => {
    const pinned = readFileSync(new URL('pinned-ids.txt', import.meta.url), 'utf8');
    const wanted = pinned.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const found = ['AWS::SNS::Topic', ...critical]
      .filter((type) => type !== 'AWS::Logs::LogGroup')
      .flatMap((type) => ofType(templates[stage], type))
      .map(([id, resource]) => `${resource.Type} ${id} ${nameOf(resource).replace(`-${stage}`, '-<stage>')}`);
    // A new line in the file belongs to a new resource. A line that changes or goes would lose its data.
    expect(found.toSorted()).toEqual(wanted);
  });
});

/** The physical name, account and region as they are written in `pinned-ids.txt`. */
function nameOf({ Properties }: Resource): string {
  const key = Object.keys(Properties).find((one) => /^(Table|Queue|Bucket|Archive|Topic)?Name$/.test(one));
  const name = Properties[key ?? ''];
  const parts = (name as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join']?.[1] ?? [name];
  return parts
    .map((part) => (typeof part === 'string' ? part : `<${(part as { Ref: string }).Ref}>`))
    .join('');
}

describe('tables', () => {
  it('the candles table has the keys and the time to live that the code writes', () => {
    const [partition, sort] = Object.keys(candleKey({ conId: 1, intervalMs: 60_000, startMs: 0 }));
    expect(namedOf(made, 'AWS::DynamoDB::Table', 'evenkeel-paper-candles')[1].Properties).toMatchObject({
      KeySchema: [
        { AttributeName: partition, KeyType: 'HASH' },
        { AttributeName: sort, KeyType: 'RANGE' },
      ],
      // candles-table.test.ts reads this attribute back from the engine.
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
  });

  it('of the book have the keys that the code writes, and the audit trail its index by order', () => {
    for (const table of ['book', 'audit', 'control']) {
      const [, { Properties }] = namedOf(made, 'AWS::DynamoDB::Table', `evenkeel-paper-${table}`);
      expect(Properties).toMatchObject({
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      });
      expect(Properties).not.toHaveProperty('TimeToLiveSpecification');
    }
    expect(namedOf(made, 'AWS::DynamoDB::Table', 'evenkeel-paper-audit')[1].Properties).toMatchObject({
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-order',
          KeySchema: [
            { AttributeName: 'orderPk', KeyType: 'HASH' },
            { AttributeName: 'orderSk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
  });

  it('are paid for by use', () => {
    made.template.allResourcesProperties('AWS::DynamoDB::Table', { BillingMode: 'PAY_PER_REQUEST' });
  });
});

describe('buckets', () => {
  const names = ['snapshots', 'backups', 'archive', 'reconcile'];
  const bucket = (name: string) => {
    const found = ofType(made, 'AWS::S3::Bucket').filter(([, resource]) =>
      nameOf(resource).startsWith(`evenkeel-paper-${name}-`),
    );
    expect(found.length, name).toBe(1);
    return found[0]!;
  };

  it('are private, versioned, encrypted, and locked in governance mode', () => {
    expect(ofType(made, 'AWS::S3::Bucket')).toHaveLength(names.length);
    made.template.allResourcesProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      ObjectLockEnabled: true,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 30 } },
      },
    });
  });

  it.each(names)('%s takes TLS 1.2 alone, and its policy allows nobody anything', (name) => {
    const [id] = bucket(name);
    const policies = ofType(made, 'AWS::S3::BucketPolicy').filter(
      ([, { Properties }]) => (Properties.Bucket as { Ref: string }).Ref === id,
    );
    expect(policies).toHaveLength(1);
    const { Statement } = policies[0]![1].Properties.PolicyDocument as { Statement: unknown[] };
    const refused = { Effect: 'Deny', Action: 's3:*', Principal: { AWS: '*' } };
    expect(Statement).toEqual([
      expect.objectContaining({ ...refused, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      expect.objectContaining({ ...refused, Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
    ]);
  });

  const rule = (id: string, properties: object) =>
    expect.objectContaining({ Id: id, Status: 'Enabled', ...properties }) as unknown;

  it('keep what they hold for as long as the documentation says', () => {
    const rules = (name: string) =>
      (bucket(name)[1].Properties.LifecycleConfiguration as { Rules: unknown[] }).Rules;
    expect(rules('snapshots')).toEqual([
      rule('old-snapshots', { ExpirationInDays: 90, NoncurrentVersionExpiration: { NoncurrentDays: 90 } }),
    ]);
    expect(rules('archive')).toEqual([
      rule('former-versions', { NoncurrentVersionExpiration: { NoncurrentDays: 30 } }),
    ]);
    expect(rules('archive')[0]).not.toHaveProperty('ExpirationInDays');
    expect(rules('backups')).toEqual([
      // Only what is marked as past its time.
      rule('expired-backups', {
        ExpirationInDays: 1,
        TagFilters: [{ Key: 'evenkeel:expire', Value: 'true' }],
      }),
      rule('unfinished-uploads', { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
    ]);
    expect(rules('reconcile')).toEqual([
      rule('old-runs', { Prefix: 'runs/', ExpirationInDays: 90 }),
      rule('former-latest', { Prefix: 'latest/', NoncurrentVersionExpiration: { NoncurrentDays: 1 } }),
      rule('unfinished-uploads', { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
    ]);
  });
});

describe('the archive', () => {
  it('has a table of Athena for each of its folders, with the columns that are written', () => {
    for (const { name, columns } of archiveTables) {
      const found = ofType(made, 'AWS::Glue::Table').map(([, { Properties }]) => Properties);
      const inputs = found.map(({ TableInput }) => TableInput as { Name: string; [name: string]: unknown });
      expect(inputs.find((input) => input.Name === name)).toMatchObject({
        TableType: 'EXTERNAL_TABLE',
        Parameters: { 'projection.enabled': 'true', classification: 'parquet' },
        PartitionKeys: [{ Name: 'symbol' }, { Name: 'date' }],
        StorageDescriptor: {
          Columns: columns.map((column) => ({ Name: column.name, Type: column.glueType })),
        },
      });
    }
  });

  it('has none in the sandbox, where there is no Athena', () => {
    expect(ofType(templates.sandbox, 'AWS::Glue::Table')).toEqual([]);
  });
});
