/** Reads the configuration of a stage: `<stage>.yml`, then the variables of the environment on top. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { gatewayPort, kindOfStage } from '../lib/domain/safety/paper-or-live.ts';
import { type Stage, stages } from '../lib/events/stage.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { crossChecks } from './cross-checks.ts';
import { nearest } from './nearest.ts';
import { overlay } from './overlay.ts';
import { type Config, configSchema } from './schema.ts';

export interface LoadOptions {
  /** Without it `env.STAGE`, without that `sandbox`: never live by default. */
  readonly stage?: string | undefined;
  /** The environment; empty where the file alone must decide, as at synth. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the files. Without it `env.EVENKEEL_CONFIG_DIR`, without that this folder. */
  readonly dir?: string | undefined;
}

/**
 * The checked configuration of a stage, defaults filled in.
 *
 * @throws ConfigError with a line for each problem: path, value, what is allowed
 */
export function loadConfig({ stage, env, dir }: LoadOptions): Config {
  const name = checkStage(stage ?? (env.STAGE || 'sandbox'));
  const folder = dir ?? (env.EVENKEEL_CONFIG_DIR || fileURLToPath(new URL('.', import.meta.url)));
  const file = join(folder, `${name}.yml`);
  const raw = readYaml(file, name);
  const origins = overlay(raw, env);
  fillStageDefaults(raw, name);
  const parsed = configSchema.safeParse(raw);
  const problems = parsed.success
    ? crossChecks(parsed.data)
    : parsed.error.issues.flatMap((issue) => explain(issue, raw));
  if (raw.stage !== undefined && raw.stage !== name) {
    problems.unshift({ path: 'stage', value: show(raw.stage), allowed: `the file is that of stage ${name}` });
  }
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(
      'CONFIG_INVALID',
      file,
      problems.map((problem) => withOrigin(problem, origins)),
    );
  }
  return parsed.data;
}

function checkStage(name: string): Stage {
  const stage = stages.find((known) => known === name);
  if (stage === undefined) {
    throw new ConfigError('CONFIG_STAGE_UNKNOWN', 'The stage', [
      { path: 'stage', value: show(name), allowed: `allowed: one of: ${stages.join(', ')}` },
    ]);
  }
  return stage;
}

function readYaml(file: string, stage: Stage): Record<string, unknown> {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    const allowed = `the file of stage ${stage} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
    throw new ConfigError('CONFIG_FILE_MISSING', file, [{ path: file, allowed }]);
  }
  const document = parseDocument(source);
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => {
      const position = error.linePos?.[0];
      const path = position === undefined ? file : `${file}:${position.line}:${position.col}`;
      return {
        path,
        allowed: error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? error.message,
      };
    });
    throw new ConfigError('CONFIG_NOT_YAML', file, problems);
  }
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const allowed = 'keys and values, of which `stage` and `streamers` must be there';
    throw new ConfigError('CONFIG_INVALID', file, [{ path: file, value: show(value), allowed }]);
  }
  return value as Record<string, unknown>;
}

/** The one default that hangs on the stage: the gateway's port. */
function fillStageDefaults(raw: Record<string, unknown>, stage: Stage): void {
  if (!Array.isArray(raw.streamers)) return;
  for (const streamer of raw.streamers as unknown[]) {
    if (typeof streamer !== 'object' || streamer === null) continue;
    const entry = streamer as { name?: unknown; gateway?: unknown; dbPath?: unknown };
    // An outbox of its own for each stage and streamer: events of a sandbox must never leave under another name.
    entry.dbPath ??= `.evenkeel/${stage}/${typeof entry.name === 'string' ? entry.name : 'main'}.db`;
    entry.gateway ??= {};
    if (typeof entry.gateway !== 'object' || entry.gateway === null) continue;
    (entry.gateway as { port?: unknown }).port ??= gatewayPort(kindOfStage(stage));
  }
}

function explain(issue: z.core.$ZodIssue, raw: unknown): ConfigProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path);
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`;
      return { path: [...path, key].join('.'), allowed: `there is no such key; ${hint}` };
    });
  }
  const value = valueAt(raw, path);
  if (value === undefined)
    return [{ path: path.join('.'), allowed: `is missing; allowed: ${issue.message}` }];
  return [{ path: path.join('.'), value: show(value), allowed: `allowed: ${issue.message}` }];
}

function withOrigin(problem: ConfigProblem, origins: ReadonlyMap<string, string>): ConfigProblem {
  for (const [path, variable] of origins) {
    if (problem.path === path || problem.path.startsWith(`${path}.`)) return { ...problem, variable };
  }
  return problem;
}

function valueAt(raw: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], raw);
}

function show(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

function knownKeys(path: readonly string[]): string[] {
  let at = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema | undefined;
  for (const key of path) at = at?.items ?? at?.properties?.[key];
  return Object.keys(at?.properties ?? {});
}
