import { setTimeout as sleep } from 'node:timers/promises';
import { openPorts } from '../../bin/evenkeel/open-ports.ts';
import { runEvenkeel } from '../../bin/evenkeel/program.ts';
import { type Ended, programEnvironment } from './programs.ts';

/**
 * The operator's program in this process, over the real ports of a stage and with nobody at the terminal: starting it anew
 * for each command is most of what a command costs. What the process itself does (signals, pipes, its exit) needs `run`.
 */
export async function evenkeelHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const output = (name: keyof typeof said) => ({
    write: (text: string) => {
      said[name] += text;
    },
    isTTY: false,
    columns: 100,
  });
  const io = {
    out: output('stdout'),
    err: output('stderr'),
    env: { ...programEnvironment(), ...env },
    signal: new AbortController().signal,
    nowMs: Date.now,
    sleep: async (ms: number) => sleep(ms),
    ask: undefined,
    readInput: async () => '',
  };
  const code = await runEvenkeel(args, io, openPorts, '0.0.0');
  return { code, ...said };
}
