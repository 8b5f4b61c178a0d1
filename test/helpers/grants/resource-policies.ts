/** Policies of queues, buckets, topics and functions: whom they let do what, and what they forbid everybody. */
import { type Assembly, type CfnResource, loadAssembly } from '../../../sandbox/cloud/assembly.ts';
import { Resolver } from '../../../sandbox/cloud/intrinsics.ts';
import type { Statement } from './grants.ts';

export interface ResourceStatement {
  /** The resource without the stage: `book.fifo`, `backups`. */
  readonly on: string;
  readonly kind: 'queue' | 'bucket' | 'topic' | 'function';
  readonly effect: string;
  readonly actions: readonly string[];
  /** Services, or `*`. */
  readonly principals: readonly string[];
  readonly condition: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const kinds: Readonly<Record<string, readonly [kind: ResourceStatement['kind'], target: string]>> = {
  'AWS::SQS::QueuePolicy': ['queue', 'Queues'],
  'AWS::S3::BucketPolicy': ['bucket', 'Bucket'],
  'AWS::SNS::TopicPolicy': ['topic', 'Topics'],
};

/** In the order of the template. Throws for a type of policy that it does not know. */
export async function resourceStatements(assemblyDir: string, stack: string): Promise<ResourceStatement[]> {
  const assembly = await loadAssembly(assemblyDir, stack);
  const resolver = new Resolver(assembly, 'http://127.0.0.1');
  const resolve = (value: unknown): unknown => resolver.resolve(value, 'policy');
  return Object.entries<CfnResource>(assembly.template.Resources).flatMap(
    ([id, { Type, Properties = {} }]) => {
      if (Type === 'AWS::Lambda::Permission') return [permission(Properties, resolve)];
      const known = kinds[Type];
      if (known === undefined) {
        // A table, a key, a bus or a secret with a policy would be one more way in.
        if (Type.endsWith('Policy') && Type !== 'AWS::IAM::Policy')
          throw new Error(`${id} is a ${Type}: list it here`);
        if (Properties.ResourcePolicy !== undefined)
          throw new Error(`${id} has a ResourcePolicy: list it here`);
        return [];
      }
      const [kind, target] = known;
      const { Statement: statements } = Properties.PolicyDocument as { Statement: readonly Statement[] };
      const names = [Properties[target]].flat().map((one) => bareName(one, assembly));
      return names.flatMap((on) =>
        statements.map((statement) => ({
          on,
          kind,
          effect: statement.Effect,
          actions: [statement.Action].flat(),
          principals: principalsOf(statement.Principal),
          condition: (resolve(statement.Condition ?? {}) ?? {}) as ResourceStatement['condition'],
        })),
      );
    },
  );
}

function permission(
  { FunctionName, Action, Principal, SourceArn }: Readonly<Record<string, unknown>>,
  resolve: (value: unknown) => unknown,
): ResourceStatement {
  const source = SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': resolve(SourceArn) } };
  const [, on = ''] = /:function:evenkeel-[a-z]+-(.+)$/.exec(String(resolve(FunctionName))) ?? [];
  const services = [String(Principal)];
  return {
    on,
    kind: 'function',
    effect: 'Allow',
    actions: [String(Action)],
    principals: services,
    condition: source,
  };
}

function principalsOf(principal: unknown): string[] {
  if (typeof principal === 'string') return [principal];
  return Object.values((principal ?? {}) as Record<string, string | string[]>).flat();
}

function bareName(reference: unknown, { template, stack }: Assembly): string {
  const id = (reference as { Ref?: string }).Ref ?? '';
  const { QueueName, BucketName, TopicName } = template.Resources[id]?.Properties ?? {};
  const name = QueueName ?? TopicName ?? joined(BucketName);
  return String(name).replace(`${stack}-`, '').replace(/-$/, '');
}

/** A bucket's name has account and region behind it. */
function joined(value: unknown): unknown {
  const parts = (value as { 'Fn::Join'?: [string, unknown[]] } | undefined)?.['Fn::Join']?.[1];
  return parts?.find((part) => typeof part === 'string') ?? value;
}
