/** Parts of a synthesised template that several tests look into. */
import { firstOf, ofType, type StageTemplate } from './stage-template.ts';

export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
}

export interface ContainerDefinition {
  readonly Name: string;
  readonly Image: unknown;
  readonly Environment?: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets?: readonly { readonly Name: string; readonly ValueFrom: unknown }[];
  readonly HealthCheck?: { readonly Command: readonly string[] };
}

/** A container of the stage's first task. */
export function containerOf(made: StageTemplate, name: string): ContainerDefinition {
  const [, { Properties }] = firstOf(made, 'AWS::ECS::TaskDefinition');
  const all = Properties.ContainerDefinitions as readonly ContainerDefinition[];
  const found = all.find((one) => one.Name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

/** The statements of every policy that is attached to a role. */
export function statementsOf(made: StageTemplate, roleId: string): Statement[] {
  return ofType(made, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"${roleId}"`))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);
}
