import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/**
 * The process's environment over the `.env` file of `dir`, where there is one. Only what a person starts reads `.env`;
 * synth and Lambdas do not, so that no file of one machine can change what is deployed.
 */
export function environmentWithDotenv(
  dir: string = process.cwd(),
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string | undefined>> {
  let source: string;
  try {
    source = readFileSync(join(dir, '.env'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return env;
    throw error;
  }
  return { ...parseEnv(source), ...env };
}
