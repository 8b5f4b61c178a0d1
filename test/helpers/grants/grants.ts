/**
 * What each role of a stack may do, one grant for each pair of action and resource, read from the template; and the
 * template without one of them.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Assembly, CfnResource } from '../../../sandbox/cloud/assembly.ts';
import { loadAssembly } from '../../../sandbox/cloud/assembly.ts';
import type { AccessDecision } from '../../../sandbox/cloud/iam.ts';
import { wildcard } from '../../../sandbox/cloud/iam-policy.ts';
import { Resolver } from '../../../sandbox/cloud/intrinsics.ts';
import { editedAssembly, type Template } from '../cloud-fixture.ts';

export interface Grant {
  /** Logical id of the role. */
  readonly roleId: string;
  /** The role without the stage's prefix: `book-keeper`, `streamer-main (task)`. */
  readonly role: string;
  readonly action: string;
  /** As the policy has it, with names and ARNs filled in. */
  readonly resource: string;
  /** JSON; '' for none. */
  readonly condition: string;
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
  readonly Principal?: unknown;
}

interface PolicyProperties {
  readonly Roles?: readonly { readonly Ref?: string }[];
  readonly PolicyDocument: { readonly Statement: readonly Statement[] };
}

export class GrantError extends Error {
  override readonly name = 'GrantError';
}

/** Reads the assembly's grants. Throws GrantError on a policy of a form that the table could not show. */
export async function grantsOf(assemblyDir: string, stack: string): Promise<readonly Grant[]> {
  const assembly = await loadAssembly(assemblyDir, stack);
  const { resolve, resources } = reading(assembly);
  const names = roleNames(assembly);
  const grants = new Map<string, Grant>();
  for (const [id, resource] of resources) {
    if (resource.Type === 'AWS::IAM::ManagedPolicy')
      throw new GrantError(`${id} is a managed policy: write what it grants into the role's own policy`);
    if (resource.Type === 'AWS::IAM::Role') checkRole(id, resource);
    if (resource.Type !== 'AWS::IAM::Policy') continue;
    const { Roles = [], PolicyDocument } = resource.Properties as unknown as PolicyProperties;
    for (const { Ref: roleId = '' } of Roles) {
      const role = names.get(roleId);
      if (role === undefined)
        throw new GrantError(`${id} is attached to ${roleId}, which is no role of the template`);
      for (const statement of PolicyDocument.Statement) {
        if (statement.Effect !== 'Allow') throw new GrantError(`${id} has a statement that denies`);
        const condition =
          statement.Condition === undefined ? '' : JSON.stringify(resolve(statement.Condition));
        for (const action of [statement.Action].flat())
          for (const resource of [statement.Resource].flat().map((one) => String(resolve(one)))) {
            const grant = { roleId, role, action, resource, condition };
            if ((grants.get(grantKey(grant)) ?? grant).condition !== condition)
              throw new GrantError(`${grantKey(grant)} is granted twice, on two conditions`);
            grants.set(grantKey(grant), grant);
          }
      }
    }
  }
  return [...grants.values()].toSorted((a, b) => (grantKey(a) < grantKey(b) ? -1 : 1));
}

/** `book-keeper: dynamodb:PutItem on arn:…` */
export function grantKey({ role, action, resource }: Pick<Grant, 'role' | 'action' | 'resource'>): string {
  return `${role}: ${action} on ${resource}`;
}

/** Grants that would have allowed what was asked for. */
export function grantsFor({ role, access }: AccessDecision, grants: readonly Grant[]): Grant[] {
  return grants.filter(
    ({ roleId, action, resource }) =>
      roleId === role &&
      wildcard(action.toLowerCase()).test(access.action.toLowerCase()) &&
      wildcard(resource).test(access.resource),
  );
}

/** A copy of the assembly in `folder`, whose template lacks this one pair. */
export async function assemblyWithout(
  { roleId, action, resource }: Grant,
  assemblyDir: string,
  stack: string,
  folder: string,
): Promise<string> {
  const assembly = await loadAssembly(assemblyDir, stack);
  const { resolve } = reading(assembly);
  const template = structuredClone(assembly.template) as Template;
  let taken = 0;
  for (const { Type, Properties } of Object.values<Template>(template.Resources)) {
    if (Type !== 'AWS::IAM::Policy' || !Properties.Roles.some((role: Template) => role.Ref === roleId))
      continue;
    if (Properties.Roles.length > 1) throw new GrantError(`${roleId} shares a policy with another role`);
    const { PolicyDocument: document } = Properties;
    document.Statement = document.Statement.flatMap((statement: Template) => {
      const actions: unknown[] = [statement.Action].flat();
      const resources: unknown[] = [statement.Resource].flat();
      const others = resources.filter((one) => String(resolve(one)) !== resource);
      if (!actions.includes(action) || others.length === resources.length) return [statement];
      taken += 1;
      return [
        { ...statement, Action: actions.filter((one) => one !== action) },
        { ...statement, Action: action, Resource: others },
      ].filter(({ Action, Resource }) => [Action].flat().length > 0 && [Resource].flat().length > 0);
    });
  }
  if (taken === 0) throw new GrantError(`the template has no ${action} on ${resource} of ${roleId}`);
  return editedAssembly(assemblyDir, folder, stack, template, readdirSync(path.resolve(assemblyDir)));
}

function reading(assembly: Assembly) {
  const resolver = new Resolver(assembly, 'http://127.0.0.1');
  return {
    resolve: (value: unknown): unknown => resolver.resolve(value, 'policy'),
    resources: Object.entries<CfnResource>(assembly.template.Resources),
  };
}

/** Everything that a role may do is in policies of its own, which the table shows. */
function checkRole(id: string, { Properties = {} }: CfnResource): void {
  for (const property of ['ManagedPolicyArns', 'Policies', 'PermissionsBoundary']) {
    if (property in Properties)
      throw new GrantError(`The role ${id} has ${property}: write its grants into a policy of its own`);
  }
}

/** Roles by logical id: their own name without the prefix, or the task that they belong to. */
export function roleNames({ template, stack }: Pick<Assembly, 'template' | 'stack'>): Map<string, string> {
  const names = new Map<string, string>();
  const bare = (name: unknown): string => String(name).replace(`${stack}-`, '');
  for (const [id, { Type, Properties = {} }] of Object.entries<CfnResource>(template.Resources)) {
    if (Type === 'AWS::IAM::Role' && !names.has(id)) names.set(id, bare(Properties.RoleName ?? id));
    if (Type !== 'AWS::ECS::TaskDefinition') continue;
    for (const [property, word] of [
      ['TaskRoleArn', 'task'],
      ['ExecutionRoleArn', 'start'],
    ] as const) {
      const [roleId] = (Properties[property] as { 'Fn::GetAtt'?: readonly string[] })?.['Fn::GetAtt'] ?? [];
      if (roleId !== undefined) names.set(roleId, `${bare(Properties.Family)} (${word})`);
    }
  }
  return names;
}
