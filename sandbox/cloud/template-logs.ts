import type { LogGroupModel } from './model.ts';
import type { Resource, TemplateReader } from './template.ts';

interface ContainerLogs {
  readonly Name: string;
  readonly LogConfiguration?: { readonly Options?: Readonly<Record<string, unknown>> };
}

/** A log group with the functions and containers whose output goes to it. */
export function buildLogGroup({ name, arn, ref }: Resource, reader: TemplateReader): LogGroupModel {
  const functions = reader
    .all('AWS::Lambda::Function')
    .filter(({ props }) => (props.LoggingConfig as { LogGroup?: unknown } | undefined)?.LogGroup === ref)
    .map((fn) => fn.name);
  const containers = reader
    .all('AWS::ECS::TaskDefinition')
    .flatMap(({ props }) => (props.ContainerDefinitions ?? []) as ContainerLogs[])
    .filter(({ LogConfiguration: logs }) => logs?.Options?.['awslogs-group'] === ref)
    .map((container) => container.Name);
  return { name, arn, functions, containers };
}
