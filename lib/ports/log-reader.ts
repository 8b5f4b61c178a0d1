/** One entry of a log, as the part wrote it. */
export interface LogLine {
  /** Unix milliseconds, UTC. */
  readonly atMs: number;
  /** Which of the group's writers: a container, or one environment of a function. */
  readonly stream: string;
  /** Unique in its group; entries of one millisecond are told apart by it. */
  readonly id: string;
  readonly message: string;
}

export interface LogQuery {
  readonly group: string;
  /** Only streams whose name begins so. */
  readonly streamPrefix?: string | undefined;
  /** Unix milliseconds, UTC, inclusive. */
  readonly fromMs: number;
}

/** The logs of a stage's parts. */
export interface LogReader {
  /** Entries in order of time, page by page. Throws LogGroupMissingError. */
  lines(query: LogQuery): AsyncGenerator<LogLine, void, undefined>;
}

/** The group is not there: the stage was not deployed, or the part never started. */
export class LogGroupMissingError extends Error {
  override readonly name = 'LogGroupMissingError';
  readonly code = 'LOG_GROUP_MISSING';

  constructor(group: string) {
    super(
      `LOG_GROUP_MISSING: There is no log group ${group}. The stage is not deployed in this account and region, or the part never ran.`,
    );
  }
}
