/** What is wrong with one value of the configuration. */
export interface ConfigProblem {
  /** Where: `streamers.0.gateway.port`, or the file itself. */
  readonly path: string;
  /** The value that was given, as JSON; undefined where nothing was given. */
  readonly value?: string;
  /** What is wrong, or what is allowed. */
  readonly allowed: string;
  /** The environment variable that the value came from, where it came from one. */
  readonly variable?: string;
}

export type ConfigErrorCode =
  | 'CONFIG_STAGE_UNKNOWN'
  | 'CONFIG_FILE_MISSING'
  | 'CONFIG_NOT_YAML'
  | 'CONFIG_INVALID';

/** The configuration cannot be used. Nothing was started. The message has one line for each problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly problems: readonly ConfigProblem[];

  constructor(code: ConfigErrorCode, where: string, problems: readonly ConfigProblem[]) {
    super(
      [
        `${code}: ${where} cannot be used; nothing was started. Correct this and start again (docs/configuration.md):`,
        ...problems.map((problem) => `  ${describe(problem)}`),
      ].join('\n'),
    );
    this.code = code;
    this.problems = problems;
  }
}

function describe({ path, value, allowed, variable }: ConfigProblem): string {
  const from = variable === undefined ? '' : ` (from ${variable})`;
  return value === undefined ? `${path}${from}: ${allowed}` : `${path}${from} is ${value}; ${allowed}`;
}
