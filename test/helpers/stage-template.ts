/** The synthesised template of a stage: made once for the same sources, or anew with other options. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Template } from 'aws-cdk-lib/assertions';
import { type Stage, stages } from '../../lib/events/stage.ts';
import { bundleFunctions } from '../../lib/stacks/bundle.ts';
import type { EvenkeelAppOptions } from '../../lib/stacks/evenkeel-app.ts';
import { hashSources } from '../../sandbox/cloud/synth.ts';

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
  /** The cloud assembly; of a shared template without its assets. */
  readonly assembly: string;
  readonly terminationProtection: boolean;
}

const shared = fileURLToPath(new URL('../../.evenkeel/templates/', import.meta.url));
/** A synth of all stages takes some ten seconds; a lock this old was left behind. */
const lockAgeMaxMs = 120_000;
const lockPollMs = 100;
const formerHours = 1;
const bundleSizes = 'functions.json';

/** The context of cdk.json, which the CDK's command line would pass. */
export function cdkContext(): Record<string, unknown> {
  const text = readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { context: Record<string, unknown> }).context;
}

/**
 * The template of a stage, which test files share by a hash of its sources (those of the streamer excepted: they are in
 * its image alone). Throws when cdk-nag finds something that is not acknowledged.
 */
export async function stageTemplate(stage: Stage): Promise<StageTemplate> {
  return readTemplate(join(await sharedAssemblies(), stage), stage);
}

/** Those of all stages. */
export async function stageTemplates(): Promise<Record<Stage, StageTemplate>> {
  const folder = await sharedAssemblies();
  const made = stages.map((stage) => [stage, readTemplate(join(folder, stage), stage)] as const);
  return Object.fromEntries(made) as Record<Stage, StageTemplate>;
}

/** A folder with all stages: the first costs seconds, the others little. Files that begin together wait for one synth. */
async function sharedAssemblies(): Promise<string> {
  const folder = join(shared, await hashSources('all stages'));
  const lock = `${folder}.lock`;
  mkdirSync(shared, { recursive: true });
  while (!existsSync(folder)) {
    if (!isMine(lock)) {
      await sleep(lockPollMs);
      continue;
    }
    try {
      if (!existsSync(folder)) await synthAll(folder);
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
  return folder;
}

/** Whether this process makes it: nobody else does, or who did went down. */
function isMine(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const madeMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (madeMs !== undefined && Date.now() - madeMs > lockAgeMaxMs)
      rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

async function synthAll(folder: string): Promise<void> {
  const made = mkdtempSync(join(shared, 'tmp-'));
  const bundles = bundleFunctions(join(made, 'functions'));
  // Templates are all that is looked at: what they deploy stays where it is.
  const context = { 'aws:cdk:disable-asset-staging': true };
  for (const stage of stages) await synthInto(join(made, stage), stage, { context, bundles });
  const sizes = Object.entries(bundles).map(([name, { bytes }]) => [name, bytes]);
  writeFileSync(join(made, bundleSizes), JSON.stringify(Object.fromEntries(sizes)));
  renameSync(made, folder);
  for (const name of readdirSync(shared)) {
    const former = join(shared, name);
    const age = Date.now() - (statSync(former, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (former !== folder && age > formerHours * 3_600_000) rmSync(former, { recursive: true, force: true });
  }
}

/** The functions as the shared templates have them: bundling them once is enough for all that do not look at how. */
export async function sharedBundles(): Promise<NonNullable<EvenkeelAppOptions['bundles']>> {
  const folder = await sharedAssemblies();
  const sizes = readJson<Record<string, number>>(join(folder, bundleSizes));
  const bundles = Object.entries(sizes).map(([name, bytes]) => [
    name,
    { folder: join(folder, 'functions', name), bytes },
  ]);
  return Object.fromEntries(bundles) as NonNullable<EvenkeelAppOptions['bundles']>;
}

const folders: string[] = [];

/**
 * Anew, with its assets, in a temporary folder. Throws when cdk-nag finds something that is not acknowledged. The CDK's own
 * check of a template against the schemas of CloudFormation, four seconds of work, is left to the shared templates.
 */
export async function synthStage(stage: Stage, options: EvenkeelAppOptions = {}): Promise<StageTemplate> {
  const outdir = mkdtempSync(join(tmpdir(), 'evenkeel-synth-'));
  folders.push(outdir);
  await synthInto(outdir, stage, {
    templateChecks: false,
    ...options,
    bundles: options.bundles ?? (await sharedBundles()),
  });
  return readTemplate(outdir, stage);
}

export function removeAssemblies(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

async function synthInto(outdir: string, stage: Stage, options: EvenkeelAppOptions): Promise<void> {
  // Not for those who find what they look for made already: it brings in the whole CDK.
  const { createApp } = await import('../../lib/stacks/evenkeel-app.ts');
  const context = { ...cdkContext(), ...options.context, stage };
  const { app } = createApp({ ...options, context, outdir });
  try {
    app.synth();
  } catch (error) {
    const report = join(outdir, 'validation-report.json');
    if (!existsSync(report)) throw error;
    const { pluginReports } = readJson<{ pluginReports: readonly { readonly violations: unknown }[] }>(
      report,
    );
    const found = JSON.stringify(pluginReports.map(({ violations }) => violations)).slice(0, 4_000);
    throw new Error(`The stage ${stage} has findings: ${found}`, { cause: error });
  }
}

function readTemplate(assembly: string, stage: Stage): StageTemplate {
  const stack = `evenkeel-${stage}`;
  const json = readJson<{ Resources: StageTemplate['resources']; Outputs: StageTemplate['outputs'] }>(
    join(assembly, `${stack}.template.json`),
  );
  const { artifacts } = readJson<{
    artifacts: Record<string, { properties: { terminationProtection?: boolean } }>;
  }>(join(assembly, 'manifest.json'));
  return {
    template: Template.fromJSON({ ...json }),
    resources: json.Resources,
    outputs: json.Outputs,
    assembly,
    terminationProtection: artifacts[stack]?.properties.terminationProtection ?? false,
  };
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
