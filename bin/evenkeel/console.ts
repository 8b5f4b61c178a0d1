import { once } from 'node:events';
import { InvalidArgumentError } from 'commander';
import type { ConsoleServer } from '../../console/server/server.ts';
import type { Cli } from './cli.ts';
import { brokerOf } from './console-broker.ts';
import { bookState, ConsolePorts } from './console-ports.ts';
import { commandRunner, type RunProgram } from './console-runner.ts';
import { CliError, exit } from './exit.ts';
import type { OpenPorts, Session } from './session.ts';

const portByDefault = 5_000;

/** What the console is made with beside the session: the program that it belongs to. */
export interface ConsoleProgram {
  readonly run: RunProgram;
  readonly open: OpenPorts;
}

/** @throws CliError CONSOLE_PORT_TAKEN */
export async function openConsole(
  session: Session,
  { run, open }: ConsoleProgram,
  port: number,
): Promise<ConsoleServer> {
  const { stage, account, io, view, version } = session;
  // Every command loads this file; the bundler and the server are for this one alone.
  const [{ bundlePage }, { startConsole }] = await Promise.all([
    import('../../console/server/bundle.ts'),
    import('../../console/server/server.ts'),
  ]);
  const ports = new ConsolePorts(open, session);
  try {
    return await startConsole({
      port,
      files: await bundlePage(),
      run: commandRunner(session, run, ports),
      broker: brokerOf(() => ports.now().acting, session),
      fingerprint: () => bookState(ports, account),
      about: { stage, account, timeZone: view.timeZone, version },
      nowMs: io.nowMs,
    });
  } catch (error) {
    throw portError(error, port);
  }
}

function portError(error: unknown, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const other = port === portByDefault ? portByDefault + 1 : portByDefault;
  if (code === 'EADDRINUSE')
    return new CliError(
      'CONSOLE_PORT_TAKEN',
      `Another program listens on 127.0.0.1:${port}: another console, or on macOS the AirPlay receiver (port 5000). Stop it, or choose another port: console --port ${other}.`,
    );
  if (code === 'EACCES')
    return new CliError(
      'CONSOLE_PORT_FORBIDDEN',
      `You may not listen on port ${port}. Choose one from 1024: console --port ${portByDefault}.`,
    );
  return error;
}

export function addConsole({ program, run }: Cli, console: ConsoleProgram): void {
  program
    .command('console')
    .description('the operator’s page in your browser, on 127.0.0.1 alone, until Ctrl-C')
    .option('--port <n>', 'where it listens; 0 takes a free one', portNumber, portByDefault)
    .action(
      run<{ port: number }>(async (session, { port }) => {
        const { io, stage, account, json } = session;
        if (json)
          throw new CliError(
            'OPTION_MISPLACED',
            'The console has no JSON; each command that it shows has: status --json. Leave --json out.',
          );
        // Ctrl-C is how it ends: the page's streams are closed first.
        return session.uncut(async () => {
          const server = await openConsole(session, console, port);
          io.out.write(
            `The console of ${account} in the stage ${stage} is at\n\n  ${server.url}\n\nOpen this address: what stands behind the # admits you, until Ctrl-C ends the console.\n`,
          );
          if (!io.signal.aborted) await once(io.signal, 'abort');
          await server.close();
          return exit.interrupted;
        });
      }),
    );
}

function portNumber(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (number < 0 || number > 65_535) throw new InvalidArgumentError('Allowed: a port, from 0 to 65535.');
  return number;
}
