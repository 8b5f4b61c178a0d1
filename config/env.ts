/** The environment of a Lambda or of the streamer, checked once at start. */
import * as z from 'zod';

/** A variable of the environment is missing or wrong. Nothing was started. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
  readonly code = 'ENVIRONMENT_INVALID';
  /** Names of the variables that are wrong. */
  readonly variables: readonly string[];

  constructor(problems: readonly { variable: string; problem: string }[]) {
    const lines = problems.map(({ variable, problem }) => `  ${variable} ${problem}`);
    super(
      [
        'ENVIRONMENT_INVALID: The environment cannot be used; nothing was started. A deployed stack sets these variables, elsewhere set them by hand:',
        ...lines,
      ].join('\n'),
    );
    this.variables = problems.map(({ variable }) => variable);
  }
}

/** An integer in the environment's text. */
export function envInt(min: number, max: number) {
  const error = `must be an integer from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, { error })
    .transform(Number)
    .pipe(z.int({ error }).min(min, { error }).max(max, { error }));
}

/** Text that is not empty. */
export function envText() {
  const error = 'must not be empty';
  return z.string().min(1, { error });
}

/**
 * The variables that `schema` names, checked and converted.
 *
 * @throws EnvironmentError with a line for each variable
 */
export function readEnv<T extends z.ZodRawShape>(
  shape: T,
  env: Readonly<Record<string, string | undefined>> = process.env,
): z.output<z.ZodObject<T>> {
  const parsed = z.object(shape).safeParse(env);
  if (parsed.success) return parsed.data;
  throw new EnvironmentError(
    parsed.error.issues.map((issue) => {
      const variable = issue.path.map(String).join('.');
      const value = env[variable];
      return {
        variable,
        problem: value === undefined ? 'is missing' : `is ${JSON.stringify(value)}; it ${issue.message}`,
      };
    }),
  );
}
