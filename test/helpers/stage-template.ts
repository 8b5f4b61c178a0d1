/** The synthesised template of a stage: made once for the same sources, or in this process with other options. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { type Stage, stages } from '../../lib/events/stage.ts';
import { bundleFunctions } from '../../lib/stacks/bundle.ts';
import { createApp, type EvenkeelAppOptions } from '../../lib/stacks/evenkeel-app.ts';
import { synth } from '../../sandbox/cloud/synth.ts';

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

interface TemplateJson {
  readonly Resources: StageTemplate['resources'];
  readonly Outputs: StageTemplate['outputs'];
}

const folders: string[] = [];

/** The context of cdk.json, which the CDK's command line would pass. */
export function cdkContext(): Record<string, unknown> {
  const text = readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { context: Record<string, unknown> }).context;
}

/**
 * The template that `bin/app.ts` makes of a stage. Test files share it as sandboxes do, by a hash of the sources (those
 * of the streamer excepted: they are in its image alone). Throws when cdk-nag finds something that is not acknowledged.
 */
export async function stageTemplate(stage: Stage): Promise<StageTemplate> {
  const { assembly, stack } = await synth({ stage, progress: () => undefined });
  const json = readJson<TemplateJson>(join(assembly, `${stack}.template.json`));
  const { artifacts } = readJson<{
    artifacts: Record<string, { properties: { terminationProtection?: boolean } }>;
  }>(join(assembly, 'manifest.json'));
  const terminationProtection = artifacts[stack]?.properties.terminationProtection ?? false;
  return partsOf(Template.fromJSON({ ...json }), assembly, terminationProtection);
}

/** Those of all stages. */
export async function stageTemplates(): Promise<Record<Stage, StageTemplate>> {
  const made = await Promise.all(stages.map(async (stage) => [stage, await stageTemplate(stage)] as const));
  return Object.fromEntries(made) as Record<Stage, StageTemplate>;
}

let bundles: EvenkeelAppOptions['bundles'];

/** Anew, in this process. Throws when cdk-nag finds something that is not acknowledged. */
export function synthStage(stage: Stage, options: EvenkeelAppOptions = {}): StageTemplate {
  bundles ??= bundleFunctions();
  const outdir = mkdtempSync(join(tmpdir(), 'evenkeel-synth-'));
  folders.push(outdir);
  const context = { ...cdkContext(), stage };
  const { app, stack } = createApp({ ...options, bundles, context, outdir });
  app.synth();
  return partsOf(Template.fromStack(stack), outdir, stack.terminationProtection);
}

function partsOf(template: Template, assembly: string, terminationProtection: boolean): StageTemplate {
  const { Resources, Outputs } = template.toJSON() as TemplateJson;
  return { template, resources: Resources, outputs: Outputs, assembly, terminationProtection };
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

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
