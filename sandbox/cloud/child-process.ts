import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';

/**
 * A shell that runs a command and ends it when its own standard input closes. The pipe closes with the parent however
 * that ends, SIGKILL included, so an engine never outlives the sandbox and never keeps its files locked.
 */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
( cat <&3 >/dev/null
  kill -TERM $child 2>/dev/null
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 $child 2>/dev/null || exit 0
    sleep 0.1
  done
  kill -KILL $child 2>/dev/null ) &
exec 3<&-
wait $child
`;

export interface GuardedChild {
  /** Resolves with the output's last lines when the process ends. */
  readonly ended: Promise<string>;
  readonly running: () => boolean;
  readonly stop: () => Promise<void>;
}

const OUTPUT_KEPT = 4_000;

/** Starts a command that dies with this process. */
export function spawnGuarded(command: string, args: readonly string[]): GuardedChild {
  const child: ChildProcess = spawn('/bin/sh', ['-c', GUARD, 'engine', command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Its own group: Ctrl-C in the terminal reaches the sandbox alone, which then stops the engine in order.
    detached: true,
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_KEPT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.stdin?.on('error', () => undefined);
  let running = true;
  // The shell's exit, not the closing of its pipes: the guard's own subshell may hold those a little longer.
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      running = false;
      resolve(error.message);
    });
    child.once('exit', () => {
      running = false;
      resolve(output.trim());
    });
  });
  child.unref();
  return {
    ended,
    running: () => running,
    stop: async () => {
      child.ref();
      child.stdin?.end();
      await ended;
    },
  };
}

/** A port of the loopback interface that is free now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('the operating system gave no port'));
      });
    });
  });
}
