/** Who may do what, read from the template of each stage. That each grant is needed is proved in test/system/grants.test.ts. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { accountPartition, auditPartition, controlKey } from '../../lib/aws/keys.ts';
import { stages } from '../../lib/events/stage.ts';
import { type CfnResource, loadAssembly } from '../../sandbox/cloud/assembly.ts';
import { wildcard } from '../../sandbox/cloud/iam-policy.ts';
import { Resolver } from '../../sandbox/cloud/intrinsics.ts';
import { type Grant, grantKey, grantsOf, roleNames } from '../helpers/grants/grants.ts';
import { purposeOf, reasonOf, wildcards } from '../helpers/grants/reasons.ts';
import { common, renderSecurityDocs } from '../helpers/grants/render-security-docs.ts';
import { type ResourceStatement, resourceStatements } from '../helpers/grants/resource-policies.ts';
import { stageTemplate } from '../helpers/stage-template.ts';

type Stage = (typeof stages)[number];

interface Trust {
  readonly Effect: string;
  readonly Action: string;
  readonly Principal: { readonly Service?: string };
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface StageFacts {
  readonly grants: readonly Grant[];
  readonly policies: readonly ResourceStatement[];
  /** By role. */
  readonly trust: ReadonlyMap<string, Trust>;
  readonly resources: readonly (readonly [id: string, resource: CfnResource])[];
}

const facts = new Map<Stage, StageFacts>();

beforeAll(async () => {
  for (const stage of stages) facts.set(stage, await factsOf(stage));
});

async function factsOf(stage: Stage): Promise<StageFacts> {
  const { assembly: folder } = await stageTemplate(stage);
  const stack = `evenkeel-${stage}`;
  const assembly = await loadAssembly(folder, stack);
  const resolver = new Resolver(assembly, 'http://127.0.0.1');
  const names = roleNames(assembly);
  const trust = new Map<string, Trust>();
  const resources = Object.entries<CfnResource>(assembly.template.Resources);
  for (const [id, { Type, Properties }] of resources) {
    if (Type !== 'AWS::IAM::Role') continue;
    const document = resolver.resolve(Properties?.AssumeRolePolicyDocument, id) as { Statement: Trust[] };
    expect(document.Statement, id).toHaveLength(1);
    trust.set(names.get(id)!, document.Statement[0]!);
  }
  const grants = await grantsOf(folder, stack);
  return { grants, policies: await resourceStatements(folder, stack), trust, resources };
}

function idsOf(stage: Stage, ...types: readonly string[]): string[] {
  return facts.get(stage)!.resources.flatMap(([id, { Type }]) => (types.includes(Type) ? [id] : []));
}

/** Roles that may do one of these actions to a resource, by whichever grant, however wide. */
function whoMay(stage: Stage, actions: readonly string[], resource: string): string[] {
  const { grants } = facts.get(stage)!;
  const fits = (grant: Grant) =>
    wildcard(grant.resource).test(resource) &&
    actions.some((action) => wildcard(grant.action.toLowerCase()).test(action.toLowerCase()));
  return [...new Set(grants.filter(fits).map(({ role }) => role))].sort();
}

const place = 'eu-west-1:000000000000';
const tableArn = (stage: Stage, name: string) => `arn:aws:dynamodb:${place}:table/evenkeel-${stage}-${name}`;
const bucketArn = (stage: Stage, name: string) =>
  `arn:aws:s3:::evenkeel-${stage}-${name}-000000000000-eu-west-1`;

describe.each(stages)('stage %s', (stage) => {
  it('has no wildcard beyond the listed ones, and none in an action', () => {
    const found = facts.get(stage)!.grants.filter(({ action, resource }) => /[*?]/.test(action + resource));
    const listing = ({ action, resource }: Grant) =>
      wildcards.find(([actions, on]) => actions.test(action) && on.test(resource));
    const unlisted = found.filter((grant) => listing(grant) === undefined);
    expect(
      unlisted.map(grantKey),
      'Name the resource itself, or list the wildcard with its reason in test/helpers/grants/reasons.ts',
    ).toEqual([]);
    const idle = wildcards.filter((listed) => !found.some((grant) => listing(grant) === listed));
    expect(idle.map(String), 'These are listed in reasons.ts and are there no more').toEqual([]);
    expect(found.filter(({ action }) => /[*?]/.test(action)).map(grantKey)).toEqual([]);
  });

  it('lets nobody change or delete a row of the audit trail, and only who changes the book add one', () => {
    const audit = tableArn(stage, 'audit');
    const changes = [
      'UpdateItem',
      'DeleteItem',
      'BatchWriteItem',
      'PartiQLInsert',
      'PartiQLUpdate',
      'PartiQLDelete',
      'DeleteTable',
      'UpdateTable',
      'UpdateTimeToLive',
      'UpdateContinuousBackups',
      'PutResourcePolicy',
      'RestoreTableToPointInTime',
      'ImportTable',
    ].map((action) => `dynamodb:${action}`);
    for (const on of [audit, `${audit}/index/by-order`]) expect(whoMay(stage, changes, on)).toEqual([]);
    expect(whoMay(stage, ['dynamodb:PutItem'], audit)).toEqual([
      'apply-plan',
      'book-keeper',
      'reconcile',
      'streamer-main (task)',
    ]);
  });

  it('lets only the writers of the book write it, and one of them delete an item', () => {
    const book = tableArn(stage, 'book');
    const may = (...actions: string[]) =>
      whoMay(
        stage,
        actions.map((action) => `dynamodb:${action}`),
        book,
      );
    expect(may('PutItem')).toEqual(['apply-plan', 'book-keeper', 'reconcile', 'streamer-main (task)']);
    expect(may('DeleteItem')).toEqual(['apply-plan']);
    expect(may('UpdateItem', 'BatchWriteItem', 'PartiQLUpdate', 'DeleteTable', 'UpdateTable')).toEqual([]);
  });

  it('lets nobody delete a backup, end its lock, or change the rules of its bucket', () => {
    const bucket = bucketArn(stage, 'backups');
    const ends = [
      'DeleteObject',
      'DeleteObjectVersion',
      'BypassGovernanceRetention',
      'PutObjectRetention',
      'PutObjectLegalHold',
      'PutLifecycleConfiguration',
      'PutBucketObjectLockConfiguration',
      'PutBucketVersioning',
      'PutBucketPolicy',
      'DeleteBucketPolicy',
      'DeleteBucket',
      'PutReplicationConfiguration',
    ].map((action) => `s3:${action}`);
    for (const folder of ['parts', 'manifests', 'drills'])
      expect(whoMay(stage, ends, `${bucket}/${folder}/x`)).toEqual([]);
    expect(whoMay(stage, ends, bucket)).toEqual([]);
    expect(whoMay(stage, ['s3:PutObjectTagging'], `${bucket}/manifests/x`)).toEqual(['backup']);
    // The same holds for every other bucket: nothing deletes but the rules of the buckets.
    for (const name of ['snapshots', 'reconcile', 'archive'])
      expect(whoMay(stage, ends, `${bucketArn(stage, name)}/x/y`)).toEqual([]);
  });

  it('lets nobody touch permissions, keys, the network or the stack', () => {
    const others = facts
      .get(stage)!
      .grants.filter(
        ({ action }) => !/^(dynamodb|s3|sqs|events|logs|lambda|ecr|secretsmanager|sns):/.test(action),
      );
    expect(others.map(grantKey)).toEqual([]);
    expect(whoMay(stage, ['secretsmanager:GetSecretValue'], loginArn(stage))).toEqual([
      'streamer-main (start)',
    ]);
    expect(
      whoMay(stage, ['secretsmanager:PutSecretValue', 'secretsmanager:DeleteSecret'], loginArn(stage)),
    ).toEqual([]);
  });

  it('lets the streamer touch the items of its own account alone', () => {
    const { grants } = facts.get(stage)!;
    const account = stage === 'live' ? 'U1234567' : 'DU1234567';
    const own = grants.filter(
      ({ role, action }) => role === 'streamer-main (task)' && action.startsWith('dynamodb:'),
    );
    const partitions = own.map(({ resource, condition }) => {
      const keys = JSON.parse(condition) as Record<string, Record<string, readonly string[]>>;
      return [resource, Object.keys(keys), Object.values(keys).map((one) => one['dynamodb:LeadingKeys'])];
    });
    const ofAccount = (table: string, operator: string, partition: string) => [
      tableArn(stage, table),
      [`ForAllValues:${operator}`],
      [[partition]],
    ];
    expect(new Set(partitions.map((one) => JSON.stringify(one)))).toEqual(
      new Set(
        [
          ofAccount('book', 'StringEquals', accountPartition(account)),
          ofAccount('control', 'StringEquals', controlKey(account, 'lease').pk),
          ofAccount('audit', 'StringLike', auditPartition(account, '*')),
        ].map((one) => JSON.stringify(one)),
      ),
    );
  });

  it('lets each role be assumed by its own service alone, for this account where the service says for whom', () => {
    const { trust, grants } = facts.get(stage)!;
    const expected = (role: string) => {
      const own = { 'aws:SourceAccount': '000000000000' };
      if (role.endsWith('-schedule'))
        return {
          Service: 'scheduler.amazonaws.com',
          Condition: {
            StringEquals: own,
            ArnEquals: { 'aws:SourceArn': `arn:aws:scheduler:${place}:schedule-group/default` },
          },
        };
      if (role.endsWith('(task)'))
        return {
          Service: 'ecs-tasks.amazonaws.com',
          Condition: { StringEquals: own, ArnLike: { 'aws:SourceArn': `arn:aws:ecs:${place}:*` } },
        };
      return { Service: role.endsWith('(start)') ? 'ecs-tasks.amazonaws.com' : 'lambda.amazonaws.com' };
    };
    for (const [role, { Effect, Action, Principal, Condition }] of trust) {
      const { Service, Condition: condition } = { Condition: undefined, ...expected(role) };
      expect({ role, Effect, Action, Principal, Condition }).toEqual({
        role,
        Effect: 'Allow',
        Action: 'sts:AssumeRole',
        Principal: { Service },
        Condition: condition,
      });
    }
    // A role without a grant, or a grant without a role, would be one that the tables do not show.
    expect([...trust.keys()].sort()).toEqual([...new Set(grants.map(({ role }) => role))].sort());
  });

  it('has no role that nothing uses', () => {
    const types = ['AWS::Lambda::Function', 'AWS::Scheduler::Schedule', 'AWS::ECS::TaskDefinition'];
    const users = facts.get(stage)!.resources.filter(([, { Type }]) => types.includes(Type));
    const text = JSON.stringify(users);
    for (const id of idsOf(stage, 'AWS::IAM::Role'))
      expect(text, `Nothing is run with the role ${id}`).toContain(JSON.stringify([id, 'Arn']));
  });

  it('has resource policies that let in one AWS service each, for a source of this account', () => {
    const { policies } = facts.get(stage)!;
    const ownSource = /^arn:aws:[a-z]+:eu-west-1:000000000000:[a-z-]+[/:][^*]*\*?$/;
    const isBound = ({ principals, condition }: ResourceStatement): boolean => {
      const values = (key: string) => Object.values(condition).flatMap((keys) => keys[key] ?? []);
      const [source, ...more] = values('aws:SourceArn');
      const isOwn = more.length === 0 && ownSource.test(String(source));
      const isService = principals.length === 1 && /^[a-z]+\.amazonaws\.com$/.test(principals[0] ?? '');
      return isService && (isOwn || values('aws:SourceAccount').includes('000000000000'));
    };
    const allows = policies.filter(({ effect }) => effect === 'Allow');
    expect(
      allows.filter((one) => !isBound(one)),
      'Give the statement a condition on aws:SourceArn or aws:SourceAccount',
    ).toEqual([]);
    expect(allows.length).toBeGreaterThan(5);
  });

  it('has resource policies that forbid what is not encrypted on every queue, bucket and topic', () => {
    const { policies } = facts.get(stage)!;
    const refusing = (kind: ResourceStatement['kind']) =>
      policies
        .filter((one) => one.kind === kind && one.effect === 'Deny' && one.principals.includes('*'))
        .filter(({ condition }) => condition.Bool?.['aws:SecureTransport'] === 'false')
        .map(({ on }) => on);
    for (const [kind, type] of [
      ['queue', 'AWS::SQS::Queue'],
      ['bucket', 'AWS::S3::Bucket'],
      ['topic', 'AWS::SNS::Topic'],
    ] as const)
      expect(new Set(refusing(kind)).size, kind).toBe(idsOf(stage, type).length);
  });
});

function loginArn(stage: Stage): string {
  return `arn:aws:secretsmanager:${place}:secret:evenkeel-${stage}-gateway-main-AbCdEf`;
}

describe('the three stages', () => {
  it('have the same roles with the same grants', () => {
    const words = (stage: Stage) =>
      facts
        .get(stage)!
        .grants.map((grant) => common(`${grantKey(grant)} ${grant.condition}`))
        .sort();
    expect(words('sandbox')).toEqual(words('paper'));
    expect(words('live')).toEqual(words('paper'));
    expect(words('paper').length).toBeGreaterThan(100);
  });
});

describe('docs/security.md', () => {
  it('says of each grant why it is there', () => {
    const { grants } = facts.get('paper')!;
    const advice = 'Say it in test/helpers/grants/reasons.ts';
    expect(grants.filter((grant) => reasonOf(grant) === undefined).map(grantKey), advice).toEqual([]);
    const roles = new Set(grants.map(({ role }) => role));
    expect(
      [...roles].filter((role) => purposeOf(role) === undefined),
      advice,
    ).toEqual([]);
  });

  it('is what the template says (after a change: vitest run test/infrastructure/permissions.test.ts --update)', async () => {
    const { grants, policies, trust } = facts.get('paper')!;
    const who = ([role, { Principal, Condition = {} }]: [string, Trust]): [string, string] => {
      const keys = Object.values(Condition).flatMap((one) => Object.keys(one).map((key) => `\`${key}\``));
      return [role, `${Principal.Service}${keys.length === 0 ? '' : `, by ${keys.join(' and ')}`}`];
    };
    const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
    const rendered = renderSecurityDocs(page, { grants, policies, trust: new Map([...trust].map(who)) });
    await expect(rendered).toMatchFileSnapshot('../../docs/security.md');
  });
});
