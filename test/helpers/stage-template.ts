/** The synthesised template of a stage, made once for each test file. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import type { Stage } from '../../lib/events/stage.ts';
import { createApp, type EvenkeelAppOptions } from '../../lib/stacks/evenkeel-app.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface StageTemplate {
  readonly template: Template;
  readonly resources: Readonly<Record<string, Resource>>;
  readonly outputs: Readonly<Record<string, { readonly Value: unknown }>>;
  /** The cloud assembly: a temporary folder. */
  readonly assembly: string;
  readonly terminationProtection: boolean;
}

const made = new Map<Stage, StageTemplate>();
const folders: string[] = [];

/** The context of cdk.json, which the CDK's command line would pass. */
export function cdkContext(): Record<string, unknown> {
  const text = readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { context: Record<string, unknown> }).context;
}

export function stageTemplate(stage: Stage): StageTemplate {
  let found = made.get(stage);
  if (found === undefined) {
    found = synthStage(stage);
    made.set(stage, found);
  }
  return found;
}

/** Throws when cdk-nag finds something that is not acknowledged. */
export function synthStage(stage: Stage, options: EvenkeelAppOptions = {}): StageTemplate {
  const outdir = mkdtempSync(join(tmpdir(), 'evenkeel-synth-'));
  folders.push(outdir);
  const { app, stack } = createApp({ ...options, context: { ...cdkContext(), stage }, outdir });
  app.synth();
  const template = Template.fromStack(stack);
  const json = template.toJSON() as Pick<StageTemplate, never> & {
    Resources: StageTemplate['resources'];
    Outputs: StageTemplate['outputs'];
  };
  return {
    template,
    resources: json.Resources,
    outputs: json.Outputs,
    assembly: outdir,
    terminationProtection: stack.terminationProtection,
  };
}

export function removeAssemblies(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Resources of one type, by logical id. */
export function ofType({ resources }: StageTemplate, type: string): [string, Resource][] {
  return Object.entries(resources).filter(([, resource]) => resource.Type === type);
}

/** The first resource of a type, which must be there. */
export function firstOf(made: StageTemplate, type: string): [string, Resource] {
  const [first] = ofType(made, type);
  if (first === undefined) throw new Error(`the template has no ${type}`);
  return first;
}

/** The one resource of a type whose physical name is `name`. */
export function namedOf(made: StageTemplate, type: string, name: string): [string, Resource] {
  const found = ofType(made, type).filter(([, { Properties }]) => Object.values(Properties).includes(name));
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} ${type} named ${name}`);
  return found[0];
}
