import { Command, CommanderError, type Option, type OutputConfiguration } from 'commander';
import { nearest } from '../../config/nearest.ts';
import { stages } from '../../lib/events/stage.ts';
import { addAlerts } from './alerts.ts';
import { addAudit } from './audit.ts';
import { addBackup } from './backup.ts';
import { addBackups, addVerifyAlone } from './backups.ts';
import { addBalances } from './balances.ts';
import { addCandles } from './candles.ts';
import { chosenOption } from './choices.ts';
import { type Cli, type Shown, type Streaming, show } from './cli.ts';
import { addCompletion } from './completion.ts';
import { addConsole } from './console.ts';
import { addDoctor } from './doctor.ts';
import { addDrill } from './drill.ts';
import { examples } from './examples.ts';
import { CliError, type ExitCode, exit } from './exit.ts';
import { explain } from './failures.ts';
import { addFills } from './fills.ts';
import { addFlags } from './flags.ts';
import type { Io } from './io.ts';
import { addLogs } from './logs.ts';
import { addOrder } from './order.ts';
import { addOrders } from './orders.ts';
import { addPlan } from './plan.ts';
import { addPositions } from './positions.ts';
import { addPreflight } from './preflight.ts';
import { addReconcile } from './reconcile.ts';
import { addRestore } from './restore.ts';
import { defaultDataDir } from './sandbox-place.ts';
import { addSecrets } from './secrets.ts';
import {
  type GlobalOptions,
  type OpenPorts,
  openSession,
  openStageSession,
  type StageSession,
} from './session.ts';
import { addSnapshot } from './snapshot.ts';
import { addStatus } from './status.ts';
import { addTrace } from './trace.ts';
import { addTrading } from './trading.ts';
import { printableLines } from './view.ts';

const exitCodes =
  'Exit codes: 0 ok, 1 fault, 2 wrong input, 3 a check found a problem, 4 AWS or the sandbox cannot be reached, 130 interrupted.';

/**
 * The operator's program, run once.
 *
 * @param argv what follows the program's name
 * @returns the exit code
 */
export async function runEvenkeel(
  argv: readonly string[],
  io: Io,
  open: OpenPorts,
  version: string,
): Promise<ExitCode> {
  let code: ExitCode = exit.ok;
  const program = createProgram(io, version);
  const interruption = createInterruption(io);
  const surroundings = { io, open, version, uncut: interruption.uncut };
  const runIn =
    <S extends StageSession>(openIt: (options: GlobalOptions) => S) =>
    <O>(logic: (session: S, options: O) => Promise<Shown | Streaming>) =>
      async function (this: Command) {
        refuseOptionsOfParent(this);
        const options = this.optsWithGlobals<GlobalOptions>();
        const session = openIt(options);
        code = show(session, await logic(session, { ...options, args: this.processedArgs } as O));
      };
  const cli: Cli = {
    program,
    run: runIn((options) => openSession(options, surroundings)),
    runStage: runIn((options) => openStageSession(options, surroundings)),
  };
  for (const add of [
    addStatus,
    addAlerts,
    addFlags,
    addTrading,
    addOrder,
    addOrders,
    addFills,
    addPositions,
    addBalances,
    addCandles,
    addAudit,
    addTrace,
    addLogs,
    addSnapshot,
    addReconcile,
    addPlan,
    addBackup,
    addBackups,
    addVerifyAlone,
    addRestore,
    addDrill,
    addSecrets,
    addPreflight,
    addDoctor,
  ]) {
    add(cli);
  }
  addConsole(cli, { open, run: (args, inner, ports) => runEvenkeel(args, inner, ports, version) });
  addCompletion(cli, io);
  for (const command of withBelow(program)) {
    namesWhatIsValid(command);
    const shown = examples[nameOf(command)];
    if (shown !== undefined) command.addHelpText('after', exampleText(shown));
  }
  try {
    await Promise.race([program.parseAsync(argv, { from: 'user' }), interruption.came]);
    return io.signal.aborted ? exit.interrupted : code;
  } catch (error) {
    if (io.signal.aborted) return exit.interrupted;
    return fail(error, argv, io);
  }
}

function createProgram(io: Io, version: string): Command {
  return new Command('evenkeel')
    .description(
      'Shows and steers a running Evenkeel: its book, flags, reconcile and its plans, audit trail, candles, backups and parts.',
    )
    .addOption(
      chosenOption('--stage <name>', 'which one; without it STAGE, else sandbox; live must be said', stages),
    )
    .option('--account <id>', 'IB account (default: the only one of the stage)')
    .option('--data <dir>', `data folder of the sandbox (default: ${defaultDataDir})`)
    .option('--json', 'JSON on standard output: times in UTC, decimals as text')
    .option('--no-color', 'no colours')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({
      showGlobalOptions: true,
      // `audit verify` takes the program's options, not those of `audit`.
      visibleGlobalOptions: (command) => (command.parent === null ? [] : [...globalOptions(command)]),
    })
    .configureOutput(outputOf(io));
}

/** `flags set`; `''` for the program itself. */
function nameOf(command: Command): string {
  if (command.parent === null) return '';
  return `${nameOf(command.parent)} ${command.name()}`.trim();
}

function exampleText(lines: readonly string[]): string {
  return ['', 'Examples', ...lines.map(exampleLine), '', exitCodes].join('\n');
}

/** npm's own banner would stand in what is read by a program. */
function exampleLine(line: string): string {
  return `  npm run ${/--json| > /.test(line) ? '-s ' : ''}ops -- ${line}`;
}

function outputOf(io: Io): OutputConfiguration {
  return {
    writeOut: (text) => io.out.write(text),
    // Errors are written by `fail`, help that stands for an error here.
    writeErr: (text) => io.err.write(text),
    outputError: () => undefined,
    getOutHelpWidth: () => io.out.columns,
    getErrHelpWidth: () => io.err.columns,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  };
}

function withBelow(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withBelow)];
}

/** A mistyped option or command is named with the ones that there are. */
function namesWhatIsValid(command: Command): void {
  command.exitOverride((error) => {
    const advice = adviceFor(command, error);
    throw advice === ''
      ? error
      : new CommanderError(error.exitCode, error.code, `${error.message}\n${advice}`);
  });
}

function adviceFor(command: Command, { code, message }: CommanderError): string {
  const says = (kind: string, names: readonly string[], typed: string) => {
    const meant = message.includes('Did you mean') ? undefined : nearest(typed, names);
    return `Valid ${kind}: ${names.join(', ')}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
  };
  const quoted = /'([^']+)'/.exec(message)?.[1] ?? '';
  const below = command.commands.map((each) => each.name());
  if (code === 'commander.unknownOption') return says('options', optionNames(command), quoted);
  if (code === 'commander.unknownCommand') return says('commands', below, quoted);
  // A command that does something by itself takes a mistyped one below it for an argument.
  if (code === 'commander.excessArguments' && below.length > 0)
    return says('commands', below, command.args[0] ?? '');
  return '';
}

/** Commander reads `audit verify --limit 3` as an option of `audit`, which would be ignored without a word. */
function refuseOptionsOfParent(command: Command): void {
  const { parent } = command;
  if (parent === null || parent.parent === null) return;
  const given = parent.options.find(
    (option) =>
      parent.getOptionValueSource(option.attributeName()) === 'cli' &&
      // One that both have reaches the command all the same.
      !command.options.some(({ long }) => long === option.long),
  );
  if (given !== undefined)
    command.error(`error: unknown option '${given.long}'`, { code: 'commander.unknownOption' });
}

function optionNames(command: Command): string[] {
  const own = command.parent === null ? [] : command.options;
  return [...own, ...globalOptions(command)].map(({ long }) => long ?? '').concat('--help');
}

function globalOptions(command: Command): readonly Option[] {
  return command.parent === null ? command.options : globalOptions(command.parent);
}

function fail(error: unknown, argv: readonly string[], io: Io): ExitCode {
  if (error instanceof CommanderError) {
    // --help and --version have been written; a command without its subcommand has shown its help.
    if (error.exitCode === 0) return exit.ok;
    if (error.code === 'commander.help') return exit.input;
    const message = error.message.replace(/^error: /, '').replace(/\(outputHelp\)$/, '');
    return tell({ code: 'USAGE', message, exitCode: exit.input }, argv, io);
  }
  return tell(explain(error, placeOf(argv, io)), argv, io);
}

function tell(
  words: { readonly code: string; readonly message: string; readonly exitCode: ExitCode },
  argv: readonly string[],
  io: Io,
): ExitCode {
  const { code, message, exitCode } = words;
  io.err.write(
    argv.includes('--json')
      ? `${JSON.stringify({ error: { code, message, exitCode } })}\n`
      : `${code}: ${printableLines(message)}\n`,
  );
  return exitCode;
}

/** Stage and folder as the command line has them, also when it could not be read as a whole. */
function placeOf(argv: readonly string[], { env }: Io): { stage: string; dataDir: string | undefined } {
  const given = (option: string): string | undefined => {
    const at = argv.findIndex((word) => word === option || word.startsWith(`${option}=`));
    if (at < 0) return undefined;
    return argv[at]!.includes('=') ? argv[at]!.slice(option.length + 1) : argv[at + 1];
  };
  const stage = given('--stage') ?? (env.STAGE || 'sandbox');
  return { stage, dataDir: stage === 'sandbox' ? (given('--data') ?? defaultDataDir) : undefined };
}

/**
 * `came` rejects when the person interrupts: a call that is under way is not waited for, but for work that must not be
 * cut off.
 */
function createInterruption({ signal }: Io): { came: Promise<never>; uncut: StageSession['uncut'] } {
  const { promise, reject } = Promise.withResolvers<never>();
  let uncuts = 0;
  const stop = () => {
    if (uncuts === 0) reject(new CliError('INTERRUPTED', 'Interrupted.', exit.interrupted));
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return {
    came: promise,
    uncut: async (work) => {
      uncuts += 1;
      try {
        return await work();
      } finally {
        uncuts -= 1;
      }
    },
  };
}
