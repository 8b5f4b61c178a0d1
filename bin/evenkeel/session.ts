import { loadConfig } from '../../config/load.ts';
import type { Config, StreamerConfig } from '../../config/schema.ts';
import { type Stage, stages } from '../../lib/events/stage.ts';
import { CliError } from './exit.ts';
import type { Io } from './io.ts';
import { defaultDataDir, findSandbox, type SandboxPlace } from './sandbox-place.ts';
import type { StagePorts } from './stage-ports.ts';
import { unknownName, validName } from './valid-names.ts';
import { createView, type View } from './view.ts';

/** The options that every command has. */
export interface GlobalOptions {
  readonly stage?: string;
  readonly account?: string;
  /** Data folder of the sandbox. */
  readonly data?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

/** A run of a command that is about a whole stage, every account in it. */
export interface StageSession {
  readonly stage: Stage;
  /** The sandbox's data folder; undefined for a deployed stage. */
  readonly dataDir: string | undefined;
  readonly config: Config;
  /** The account that `--account` names; undefined for all. */
  readonly named: string | undefined;
  readonly ports: StagePorts;
  readonly json: boolean;
  readonly view: View;
  readonly io: Io;
  /** Version of this program. */
  readonly version: string;
  /** Does work that Ctrl-C must not cut off in the middle: it sees `io.signal`, and ends by itself soon after. */
  readonly uncut: <T>(work: () => Promise<T>) => Promise<T>;
}

/** A run of a command that is about one account. */
export interface Session extends StageSession {
  readonly account: string;
  /** The streamer of this account. */
  readonly streamer: StreamerConfig;
}

/** Opens the ports of a stage: at a place of its own for the sandbox, else where the environment leads. */
export type OpenPorts = (stage: {
  readonly stage: Stage;
  readonly config: Config;
  readonly place: SandboxPlace | undefined;
}) => StagePorts;

/**
 * The stage that is meant. `--stage` decides, else `STAGE`, else the sandbox.
 *
 * @throws CliError for an unknown stage, and for `live` that only a variable names: it must be said each time
 */
export function chooseStage(given: string | undefined, env: Io['env']): Stage {
  if (given !== undefined) return validName('stage', given, stages);
  const stage = validName('stage', env.STAGE || 'sandbox', stages);
  if (stage === 'live') {
    throw new CliError(
      'STAGE_LIVE_UNSAID',
      'The variable STAGE says live. Live is never a default: repeat the command with --stage live if you mean it, or name another stage.',
    );
  }
  return stage;
}

/** @throws CliError ACCOUNT_UNKNOWN, or ACCOUNT_NEEDED where the stage has several */
export function chooseAccount(given: string | undefined, config: Config): StreamerConfig {
  const accounts = config.streamers.map(({ account }) => account);
  if (given === undefined) {
    const [only, ...more] = config.streamers;
    if (only !== undefined && more.every(({ account }) => account === only.account)) return only;
    throw new CliError(
      'ACCOUNT_NEEDED',
      `The stage ${config.stage} has several accounts: ${[...new Set(accounts)].join(', ')}. Say which one: --account.`,
    );
  }
  const streamer = config.streamers.find(({ account }) => account.toLowerCase() === given.toLowerCase());
  if (streamer === undefined)
    throw unknownName('account', given, [...new Set(accounts)], ` in the stage ${config.stage}`);
  return streamer;
}

/** Where the sandbox of these options keeps its data; undefined for a deployed stage. */
export function sandboxDataDir(stage: string, options: GlobalOptions): string | undefined {
  if (stage === 'sandbox') return options.data ?? defaultDataDir;
  if (options.data === undefined) return undefined;
  throw new CliError(
    'OPTION_MISPLACED',
    `--data is the folder of a sandbox, and the stage is ${stage}. Leave it out.`,
  );
}

/** What a session is opened with beside the command line. */
export interface Surroundings {
  readonly io: Io;
  readonly open: OpenPorts;
  readonly version: string;
  readonly uncut: StageSession['uncut'];
}

export function openSession(options: GlobalOptions, surroundings: Surroundings): Session {
  const session = openStageSession(options, surroundings);
  const streamer = chooseAccount(options.account, session.config);
  return { ...session, account: streamer.account, streamer };
}

export function openStageSession(
  options: GlobalOptions,
  { io, open, version, uncut }: Surroundings,
): StageSession {
  const stage = chooseStage(options.stage, io.env);
  const config = loadConfig({ env: io.env, stage });
  const named = options.account === undefined ? undefined : chooseAccount(options.account, config).account;
  const dataDir = sandboxDataDir(stage, options);
  const place = dataDir === undefined ? undefined : findSandbox(dataDir);
  return {
    stage,
    dataDir,
    config,
    named,
    ports: open({ stage, config, place }),
    json: options.json ?? false,
    view: createView(config.displayTimeZone, options.color && io.out.isTTY && !io.env.NO_COLOR),
    io,
    version,
    uncut,
  };
}
