import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { programEnvironment } from './programs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface RunningConsole {
  /** The address that the command has printed, with the token of this start. */
  readonly url: string;
  /** Ctrl-C; its exit code and signal. */
  interrupt(): Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
  kill(): void;
}

/** `evenkeel console` on a free port, as a person starts it. */
export async function startConsoleProgram(
  dataDir: string,
  env: Readonly<Record<string, string>>,
): Promise<RunningConsole> {
  const argv = [`${root}bin/evenkeel.ts`, '--data', dataDir, 'console', '--port', '0'];
  const child = spawn(process.execPath, argv, {
    cwd: root,
    env: { ...programEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let said = '';
  for await (const text of child.stdout) {
    said += String(text);
    const url = /^ {2}(http:\S+)$/m.exec(said)?.[1];
    if (url === undefined) continue;
    return {
      url,
      interrupt: () => {
        child.kill('SIGINT');
        return closed;
      },
      kill: () => void child.kill('SIGKILL'),
    };
  }
  throw new Error(`The console did not start: ${said}`);
}
