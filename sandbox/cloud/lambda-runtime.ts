import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FunctionErrorPayload, InvokeMessage, WorkerInput, WorkerMessage } from './lambda-worker.ts';
import type { LogFile } from './log-file.ts';

/** What runs one execution environment of a function: a thread of this process, or a process of its own. */
export interface Runtime {
  /** Of a process; undefined of a thread. */
  readonly pid: number | undefined;
  post(message: InvokeMessage): void;
  /** Ends it at once; `onExit` is still called. */
  end(): Promise<void>;
}

export interface RuntimeOptions {
  readonly input: WorkerInput;
  readonly env: Readonly<Record<string, string>>;
  readonly log: LogFile;
  readonly onMessage: (message: WorkerMessage) => void;
  /** Called once, with what Lambda says of an environment that ended so. */
  readonly onExit: (error: FunctionErrorPayload) => void;
}

const WORKER = new URL('./lambda-worker.ts', import.meta.url);
/** Nothing of the parent's Node options may reach the function. */
const NODE_ARGUMENTS = ['--disable-warning=ExperimentalWarning'];

/** A worker thread: cheap, but it cannot be killed as a process can. */
export function startThread({ input, env, log, onMessage, onExit }: RuntimeOptions): Runtime {
  const worker = new Worker(WORKER, {
    workerData: input,
    env: { ...env },
    execArgv: NODE_ARGUMENTS,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: input.memoryMb },
  });
  log.pipe(worker.stdout);
  log.pipe(worker.stderr);
  let crash: FunctionErrorPayload | undefined;
  worker.on('message', onMessage);
  worker.on('error', (error) => {
    crash = describeCrash(error);
  });
  worker.on('exit', (code) => onExit(crash ?? exited(`exit status ${code}`)));
  return {
    pid: undefined,
    post: (message) => worker.postMessage(message),
    end: async () => {
      await worker.terminate();
    },
  };
}

/** A process, which ends with this one and may be killed before. */
export function startProcess({ input, env, log, onMessage, onExit }: RuntimeOptions): Runtime {
  const child = fork(fileURLToPath(WORKER), [JSON.stringify(input)], {
    env: { ...env },
    execArgv: [...NODE_ARGUMENTS, `--max-old-space-size=${input.memoryMb}`],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C in the terminal reaches the sandbox alone, which then ends its functions in order.
    detached: true,
  });
  const killWithUs = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killWithUs);
  if (child.stdout !== null) log.pipe(child.stdout);
  if (child.stderr !== null) log.pipe(child.stderr);
  child.on('message', (message) => onMessage(message as WorkerMessage));
  const ended = new Promise<void>((resolve) => {
    const finish = (error: FunctionErrorPayload): void => {
      process.removeListener('exit', killWithUs);
      resolve();
      onExit(error);
    };
    child.once('error', (error) => {
      // Without a pid it never ran; else this is a message that did not reach it, and its exit follows.
      if (child.pid === undefined) finish(describeCrash(error));
    });
    child.once('exit', (code, signal) =>
      finish(exited(signal === null ? `exit status ${code}` : `signal: ${SIGNALS[signal] ?? signal}`)),
    );
  });
  return {
    pid: child.pid,
    post: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Lambda writes signals as Go does. */
const SIGNALS: Readonly<Record<string, string>> = {
  SIGKILL: 'killed',
  SIGABRT: 'aborted',
  SIGTERM: 'terminated',
};

function exited(how: string): FunctionErrorPayload {
  return { errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with error: ${how}` };
}

function describeCrash(error: Error): FunctionErrorPayload {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    return { errorType: 'Runtime.OutOfMemory', errorMessage: 'Runtime exited: out of memory' };
  return {
    errorType: `Runtime.Unhandled.${error.name}`,
    errorMessage: error.message,
    trace: (error.stack ?? '').split('\n'),
  };
}
