import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CloudError } from './errors.ts';

/** The part of a CloudFormation template that the local cloud reads. */
export interface CfnTemplate {
  readonly Resources: Record<string, CfnResource>;
  readonly Parameters?: Record<string, { Type: string; Default?: unknown }>;
  readonly Conditions?: Record<string, unknown>;
  readonly Mappings?: Record<string, Record<string, Record<string, unknown>>>;
  readonly Outputs?: Record<string, unknown>;
  readonly Transform?: unknown;
}

export interface CfnResource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly Condition?: string;
}

/** One synthesised stack and the folders of its file assets. */
export interface Assembly {
  readonly stack: string;
  readonly template: CfnTemplate;
  /** Object key in the bootstrap bucket to the folder or file it is packed from. */
  readonly assets: ReadonlyMap<string, string>;
  readonly region: string;
  readonly account: string;
}

/** fauxqs builds every ARN with this account, so the whole local cloud has it. */
export const LOCAL_ACCOUNT = '000000000000';
/** Used where the stack is not bound to a region. */
export const DEFAULT_REGION = 'eu-west-1';

interface Artifact {
  type: string;
  environment?: string;
  properties?: { templateFile?: string; stackName?: string; file?: string };
}

interface AssetManifest {
  files?: Record<string, { source: { path?: string }; destinations: Record<string, { objectKey: string }> }>;
}

/**
 * Reads what `cdk synth` wrote. `dir` is the output folder, `stack` the stack's name.
 * Throws CloudError ASSEMBLY_MISSING or STACK_MISSING.
 */
export async function loadAssembly(dir: string, stack: string): Promise<Assembly> {
  const manifest = await readJson<{ artifacts?: Record<string, Artifact> }>(path.join(dir, 'manifest.json'));
  const artifacts = Object.entries(manifest.artifacts ?? {});
  const stacks = artifacts.filter(([, a]) => a.type === 'aws:cloudformation:stack');
  const found = stacks.find(([id, a]) => (a.properties?.stackName ?? id) === stack);
  if (found === undefined) {
    const names = stacks.map(([id, a]) => a.properties?.stackName ?? id).join(', ') || 'none';
    throw new CloudError(
      'STACK_MISSING',
      `${dir} holds no stack ${stack}; it holds: ${names}.`,
      'Synthesise the stage that you want to run (cdk synth -c stage=<stage>).',
    );
  }
  const [artifactId, artifact] = found;
  const template = await readJson<CfnTemplate>(
    path.join(dir, artifact.properties?.templateFile ?? `${artifactId}.template.json`),
  );
  const assets = new Map<string, string>();
  for (const [, a] of artifacts.filter(
    ([id, a]) => a.type === 'cdk:asset-manifest' && id.startsWith(artifactId),
  )) {
    const file = a.properties?.file;
    if (file === undefined) continue;
    const { files = {} } = await readJson<AssetManifest>(path.join(dir, file));
    for (const asset of Object.values(files)) {
      if (asset.source.path === undefined) continue;
      for (const destination of Object.values(asset.destinations)) {
        assets.set(destination.objectKey, path.resolve(dir, asset.source.path));
      }
    }
  }
  return { stack, template, assets, ...environmentOf(artifact.environment ?? '', stack) };
}

/** Reads `aws://account/region`; an unbound stack gets the local account and the default region. */
function environmentOf(environment: string, stack: string): { region: string; account: string } {
  const [, account = '', region = ''] = /^aws:\/\/([^/]*)\/(.*)$/.exec(environment) ?? [];
  const bound = account !== '' && account !== 'unknown-account';
  if (bound && account !== LOCAL_ACCOUNT) {
    throw new CloudError(
      'TEMPLATE_UNSUPPORTED',
      `The stack ${stack} is bound to the AWS account ${account}; the local cloud has the account ${LOCAL_ACCOUNT} only, so ARNs in the template would not match.`,
      'Synthesise it without an account (leave `env.account` unset for this stage).',
    );
  }
  return {
    account: LOCAL_ACCOUNT,
    region: region === '' || region === 'unknown-region' ? DEFAULT_REGION : region,
  };
}

async function readJson<T>(file: string): Promise<T> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CloudError(
      'ASSEMBLY_MISSING',
      `The synthesised stack is not readable: ${file} (${error instanceof Error ? error.message : String(error)}).`,
      'Run `npm run synth`, or let the sandbox synthesise it.',
      { cause: error },
    );
  }
  return JSON.parse(text) as T;
}
