import type { RoleModel } from './iam.ts';
import { compilePolicy, type Statement } from './iam-policy.ts';
import { invalid, unsupported } from './intrinsics.ts';
import { MANAGED_POLICIES } from './managed-policies.ts';
import type { Resource, TemplateReader } from './template.ts';

/** The roles with all their identity statements: inline, attached by AWS::IAM::Policy, and managed. */
export function buildRoles(reader: TemplateReader): RoleModel[] {
  const attached = reader.all('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy');
  return reader.all('AWS::IAM::Role').map((role) => {
    const { logicalId, name, arn, props } = role;
    const inline = (props.Policies ?? []) as { PolicyName: string; PolicyDocument: unknown }[];
    const managedArns = ((props.ManagedPolicyArns ?? []) as unknown[]).map(String);
    const own = attached.filter((policy) =>
      ((policy.props.Roles ?? []) as unknown[]).some((r) => r === name || r === arn),
    );
    const byArn = attached.filter((policy) => managedArns.includes(policy.ref));
    const foreign = managedArns.filter((managed) => !byArn.some((policy) => policy.ref === managed));
    const policies = [...new Set([...own, ...byArn])];
    return {
      logicalId,
      name,
      arn,
      trusted: trustedServices(role),
      statements: [
        ...inline.flatMap((p) => compilePolicy(p.PolicyDocument, `${logicalId}.Policies.${p.PolicyName}`)),
        ...policies.flatMap((p) => compilePolicy(p.props.PolicyDocument, `${p.logicalId}.PolicyDocument`)),
        ...foreign.flatMap((managed) => managedStatements(managed, logicalId)),
      ],
    };
  });
}

function managedStatements(arn: string, logicalId: string): Statement[] {
  const document = MANAGED_POLICIES[arn];
  if (document === undefined)
    throw unsupported(`${logicalId}.ManagedPolicyArns`, `the managed policy ${arn}`);
  return compilePolicy(document, arn);
}

/** Who may assume the role. The conditions of a trust policy are not evaluated; only services assume roles here. */
function trustedServices({ logicalId, props }: Resource): string[] {
  const document = props.AssumeRolePolicyDocument as { Statement?: Record<string, unknown>[] } | undefined;
  return (document?.Statement ?? []).flatMap((statement) => {
    if (statement.Effect !== 'Allow')
      throw unsupported(`${logicalId}.AssumeRolePolicyDocument`, 'a statement that denies');
    const service = (statement.Principal as { Service?: string | string[] } | undefined)?.Service ?? [];
    return [service].flat();
  });
}

/** Policies of queues, buckets, topics and tables, and Lambda permissions, by the ARN of what they guard. */
export function buildResourcePolicies(reader: TemplateReader): Map<string, Statement[]> {
  const policies = new Map<string, Statement[]>();
  const add = (arn: string, statements: Statement[]): void => {
    policies.set(arn, [...(policies.get(arn) ?? []), ...statements]);
  };
  for (const { logicalId, props } of reader.all('AWS::SQS::QueuePolicy')) {
    const statements = compilePolicy(props.PolicyDocument, `${logicalId}.PolicyDocument`);
    for (const url of (props.Queues ?? []) as unknown[]) {
      add(reader.byArn(url, ['AWS::SQS::Queue'], `${logicalId}.Queues`).arn, statements);
    }
  }
  for (const { logicalId, props } of reader.all('AWS::S3::BucketPolicy')) {
    const bucket = reader.byArn(props.Bucket, ['AWS::S3::Bucket'], `${logicalId}.Bucket`);
    add(bucket.arn, compilePolicy(props.PolicyDocument, `${logicalId}.PolicyDocument`));
  }
  for (const { logicalId, props } of reader.all('AWS::SNS::TopicPolicy')) {
    const statements = compilePolicy(props.PolicyDocument, `${logicalId}.PolicyDocument`);
    for (const topic of (props.Topics ?? []) as unknown[])
      add(reader.byArn(topic, ['AWS::SNS::Topic'], `${logicalId}.Topics`).arn, statements);
  }
  for (const { logicalId, arn, props } of reader.all('AWS::DynamoDB::Table')) {
    const policy = (props.ResourcePolicy as { PolicyDocument?: unknown } | undefined)?.PolicyDocument;
    if (policy !== undefined) add(arn, compilePolicy(policy, `${logicalId}.ResourcePolicy`));
  }
  for (const permission of reader.all('AWS::Lambda::Permission'))
    add(...permissionStatement(permission, reader));
  return policies;
}

/** A Lambda permission is a resource policy of one statement. */
function permissionStatement({ logicalId, props }: Resource, reader: TemplateReader): [string, Statement[]] {
  const target = reader.byArn(props.FunctionName, ['AWS::Lambda::Function'], `${logicalId}.FunctionName`);
  const principal = String(props.Principal);
  if (principal === '' || props.Principal === undefined)
    throw invalid(`${logicalId}.Principal`, 'a permission needs a principal');
  const source = props.SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': props.SourceArn } };
  const account =
    props.SourceAccount === undefined ? {} : { StringEquals: { 'aws:SourceAccount': props.SourceAccount } };
  const document = {
    Statement: [
      {
        Effect: 'Allow',
        Action: props.Action,
        Resource: target.arn,
        Principal: principal.includes('.amazonaws.com') ? { Service: principal } : { AWS: principal },
        Condition: { ...source, ...account },
      },
    ],
  };
  return [target.arn, compilePolicy(document, logicalId)];
}
