import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { ServiceError } from './aws-errors.ts';
import type { Access } from './iam.ts';
import { compileLogFilter } from './log-filter.ts';
import type { CloudModel, LogGroupModel } from './model.ts';

type Input = Readonly<Record<string, unknown>>;
type Output = Record<string, unknown>;

interface LogEvent {
  readonly logStreamName: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly message: string;
  readonly ingestionTime: number;
  readonly eventId: string;
}

const LIMIT_MAX = 10_000;
const GROUPS_MAX = 50;
/** A line that begins with its time. */
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;

/**
 * CloudWatch Logs for reading: the log groups of the template, answered from the files that the functions and the
 * streamer write. A line is an event; its time is the one that it says itself (`timestamp` or `time` of a JSON object,
 * or an ISO date at its start), else that of the line before.
 */
export class Logs {
  readonly #groups: readonly LogGroupModel[];
  readonly #place: { readonly region: string; readonly account: string };
  readonly #dataDir: string;
  readonly #containerLogs: Readonly<Record<string, string>>;

  /** `containerLogs`: a container's name to the file that its output goes to. */
  constructor(
    model: Pick<CloudModel, 'logGroups' | 'region' | 'account'>,
    dataDir: string,
    containerLogs: Readonly<Record<string, string>>,
  ) {
    this.#groups = model.logGroups;
    this.#place = model;
    this.#dataDir = dataDir;
    this.#containerLogs = containerLogs;
  }

  access(operation: string, input: Input): Access[] {
    const { region, account } = this.#place;
    const group = operation === 'FilterLogEvents' ? groupName(input) : '*';
    return [
      { action: `logs:${operation}`, resource: `arn:aws:logs:${region}:${account}:log-group:${group}:*` },
    ];
  }

  /** Answers DescribeLogGroups or FilterLogEvents. Throws ServiceError. */
  async answer(operation: string, input: Input): Promise<Output> {
    return operation === 'DescribeLogGroups' ? this.#describe(input) : this.#filter(input);
  }

  #describe({ logGroupNamePrefix: prefix, logGroupNamePattern: pattern, limit, nextToken }: Input): Output {
    const max = integer('limit', limit, GROUPS_MAX) ?? GROUPS_MAX;
    const from = integer('nextToken', nextToken === undefined ? undefined : Number(nextToken), 1e9) ?? 0;
    const matching = this.#groups
      .filter(({ name }) => name.startsWith(String(prefix ?? '')) && name.includes(String(pattern ?? '')))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const shown = matching.slice(from, from + max).map(({ name, arn }) => ({
      logGroupName: name,
      arn,
      logGroupArn: arn.replace(/:\*$/, ''),
      creationTime: 0,
      metricFilterCount: 0,
      storedBytes: 0,
      logGroupClass: 'STANDARD',
    }));
    return {
      logGroups: shown,
      ...(from + max < matching.length ? { nextToken: String(from + max) } : {}),
    };
  }

  async #filter(input: Input): Promise<Output> {
    const name = groupName(input);
    const group = this.#groups.find((one) => one.name === name);
    if (group === undefined)
      throw new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.');
    const startMs = integer('startTime', input.startTime, Number.MAX_SAFE_INTEGER) ?? 0;
    const endMs = integer('endTime', input.endTime, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY;
    const limit = integer('limit', input.limit, LIMIT_MAX) ?? LIMIT_MAX;
    const matches = compileLogFilter(input.filterPattern);
    const streams = input.logStreamNames as readonly string[] | undefined;
    const streamPrefix = String(input.logStreamNamePrefix ?? '');
    const events = (await Promise.all(this.#filesOf(group).map(readEvents))).flat();
    const found = events
      .filter(({ timestamp }) => timestamp >= startMs && timestamp <= endMs)
      .filter(
        ({ logStreamName }) => streams?.includes(logStreamName) ?? logStreamName.startsWith(streamPrefix),
      )
      .filter(({ message }) => matches(message))
      .toSorted((a, b) => a.timestamp - b.timestamp);
    const token = input.nextToken;
    const after = token === undefined ? -1 : found.findIndex(({ eventId }) => eventId === token);
    if (token !== undefined && after < 0)
      throw new ServiceError('InvalidParameterException', 'The specified nextToken is invalid.');
    const shown = found.slice(after + 1, after + 1 + limit);
    const last = shown.at(-1);
    return {
      events: shown,
      searchedLogStreams: [],
      // The token is the last event that was answered: what is written meanwhile shifts nothing.
      ...(last !== undefined && found.at(-1) !== last ? { nextToken: last.eventId } : {}),
    };
  }

  /** A function's log file has an older part beside it once it has grown large. */
  #filesOf({ functions, containers }: LogGroupModel): { stream: string; files: readonly string[] }[] {
    const ofFunctions = functions.map((name) => {
      const file = path.join(this.#dataDir, 'logs', `${name}.log`);
      return { stream: 'local', files: [`${file}.1`, file] };
    });
    const ofContainers = containers.flatMap((name) => {
      const file = this.#containerLogs[name];
      return file === undefined ? [] : [{ stream: `${name}/${name}/local`, files: [file] }];
    });
    return [...ofFunctions, ...ofContainers];
  }
}

async function readEvents({
  stream,
  files,
}: {
  stream: string;
  files: readonly string[];
}): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  const alike = new Map<string, number>();
  let timestamp = 0;
  for (const file of files) {
    for await (const line of linesOf(file)) {
      timestamp = timeOf(line) ?? timestamp;
      const text = `${stream} ${timestamp} ${line}`;
      const nth = alike.get(text) ?? 0;
      alike.set(text, nth + 1);
      const eventId = createHash('sha1').update(`${text} ${nth}`).digest('hex');
      events.push({ logStreamName: stream, timestamp, message: line, ingestionTime: timestamp, eventId });
    }
  }
  return events;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file);
  } catch (error) {
    // Nothing was written yet.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for await (const line of handle.readLines()) if (line !== '') yield line;
}

function timeOf(line: string): number | undefined {
  if (!line.startsWith('{')) {
    const [iso] = ISO.exec(line) ?? [];
    return iso === undefined ? undefined : Date.parse(iso);
  }
  try {
    const { timestamp, time } = JSON.parse(line) as { timestamp?: unknown; time?: unknown };
    const said = timestamp ?? time;
    const ms = typeof said === 'number' ? said : Date.parse(String(said));
    return Number.isNaN(ms) ? undefined : ms;
  } catch {
    return undefined;
  }
}

function groupName({ logGroupName: name, logGroupIdentifier: identifier }: Input): string {
  const id = String(name ?? identifier ?? '');
  return id.startsWith('arn:') ? (id.split(':log-group:')[1] ?? '').replace(/:\*$/, '') : id;
}

function integer(name: string, value: unknown, max: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new ServiceError(
    'InvalidParameterException',
    `${String(value)} is no valid ${name}: a whole number from 0 to ${max}`,
  );
}
