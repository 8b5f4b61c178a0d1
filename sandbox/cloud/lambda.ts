import { existsSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { CloudError } from './errors.ts';
import type { FunctionErrorPayload, InvokeMessage, WorkerInput, WorkerMessage } from './lambda-worker.ts';
import type { LogFile } from './log-file.ts';
import type { FunctionModel } from './model.ts';

export interface InvokeResult {
  /** JSON text: what the handler returned, or Lambda's description of its error. */
  readonly payload: string;
  /** `Unhandled` when the function failed, else undefined. */
  readonly functionError: 'Unhandled' | undefined;
  readonly timedOut: boolean;
}

interface Job extends InvokeMessage {
  readonly resolve: (result: InvokeResult) => void;
}

interface Environment {
  readonly worker: Worker;
  state: 'starting' | 'idle' | 'busy' | 'gone';
  job: Job | undefined;
  timer: NodeJS.Timeout | undefined;
  exitError: FunctionErrorPayload | undefined;
}

/** Lambda gives a cold start 10 s before it counts as failed. */
const INIT_TIMEOUT_MS = 10_000;
const MODULE_FILES = ['.mjs', '.js', '.cjs'];

/**
 * The execution environments of one function: at most `poolMax` worker threads, each handling one invocation at a time.
 * An invocation that finds all busy waits. A worker that timed out, exited or ran out of memory is replaced.
 */
export class LambdaFunction {
  readonly model: FunctionModel;
  readonly #poolMax: number;
  readonly #env: Record<string, string>;
  readonly #log: LogFile;
  readonly #environments = new Set<Environment>();
  readonly #waiting: Job[] = [];
  readonly #file: string;
  #stopped = false;

  constructor(options: { model: FunctionModel; poolMax: number; env: Record<string, string>; log: LogFile }) {
    this.model = options.model;
    this.#poolMax = options.poolMax;
    this.#env = options.env;
    this.#log = options.log;
    const moduleName = options.model.handler.slice(0, options.model.handler.lastIndexOf('.'));
    const found = MODULE_FILES.map((extension) =>
      path.join(options.model.codeDir, `${moduleName}${extension}`),
    ).find(existsSync);
    if (found === undefined) {
      throw new CloudError(
        'TEMPLATE_INVALID',
        `The function ${options.model.logicalId} has the handler ${options.model.handler}, but ${options.model.codeDir} holds no ${moduleName}.mjs, .js or .cjs.`,
        'Build the functions and synthesise again (npm run synth).',
      );
    }
    this.#file = found;
  }

  get poolMax(): number {
    return this.#poolMax;
  }

  /** Starts one environment, so that the first event does not wait for a cold start. */
  warm(): void {
    if (this.#environments.size === 0) this.#start();
  }

  /** Runs one invocation; errors of the function are values. */
  async invoke(payload: string, requestId: string): Promise<InvokeResult> {
    return new Promise((resolve) => {
      this.#waiting.push({ requestId, payload, timeoutMs: this.model.timeoutSeconds * 1_000, resolve });
      this.#next();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const environments = [...this.#environments];
    await Promise.all(environments.map(async ({ worker }) => worker.terminate()));
  }

  #next(): void {
    if (this.#waiting.length === 0 || this.#stopped) return;
    const idle = [...this.#environments].find((e) => e.state === 'idle');
    if (idle !== undefined) {
      const job = this.#waiting.shift();
      if (job !== undefined) this.#run(idle, job);
      return;
    }
    const starting = [...this.#environments].filter((e) => e.state === 'starting').length;
    if (this.#environments.size < this.#poolMax && starting < this.#waiting.length) this.#start();
  }

  #start(): void {
    const { model } = this;
    const input: WorkerInput = {
      file: this.#file,
      exportName: model.handler.slice(model.handler.lastIndexOf('.') + 1),
      functionName: model.name,
      functionArn: model.arn,
      memoryMb: model.memoryMb,
    };
    const worker = new Worker(new URL('./lambda-worker.ts', import.meta.url), {
      workerData: input,
      env: { ...this.#env },
      // Nothing of the parent's Node options may reach the function.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: model.memoryMb },
    });
    const environment: Environment = {
      worker,
      state: 'starting',
      job: undefined,
      timer: undefined,
      exitError: undefined,
    };
    this.#environments.add(environment);
    this.#log.pipe(worker.stdout);
    this.#log.pipe(worker.stderr);
    environment.timer = setTimeout(() => {
      environment.exitError = {
        errorType: 'Sandbox.Timedout',
        errorMessage: `Init took more than ${INIT_TIMEOUT_MS / 1_000} seconds`,
      };
      void worker.terminate();
    }, INIT_TIMEOUT_MS);
    worker.on('message', (message: WorkerMessage) => this.#onMessage(environment, message));
    worker.on('error', (error) => {
      environment.exitError = describeCrash(error);
    });
    worker.on('exit', (code) => this.#onExit(environment, code));
  }

  #run(environment: Environment, job: Job): void {
    environment.state = 'busy';
    environment.job = job;
    environment.timer = setTimeout(() => {
      const errorMessage = `${new Date().toISOString()} ${job.requestId} Task timed out after ${this.model.timeoutSeconds.toFixed(2)} seconds`;
      this.#log.line(errorMessage);
      this.#finish(environment, {
        payload: JSON.stringify({ errorType: 'Sandbox.Timedout', errorMessage }),
        functionError: 'Unhandled',
        timedOut: true,
      });
      environment.state = 'gone';
      void environment.worker.terminate();
    }, job.timeoutMs);
    const message: InvokeMessage = {
      requestId: job.requestId,
      payload: job.payload,
      timeoutMs: job.timeoutMs,
    };
    environment.worker.postMessage(message);
  }

  #onMessage(environment: Environment, message: WorkerMessage): void {
    if (environment.state === 'gone') return;
    switch (message.type) {
      case 'ready':
        clearTimeout(environment.timer);
        environment.state = 'idle';
        break;
      case 'init-failed':
        environment.exitError = message.error;
        void environment.worker.terminate();
        return;
      case 'result':
        this.#finish(environment, { payload: message.payload, functionError: undefined, timedOut: false });
        environment.state = 'idle';
        break;
      case 'error':
        this.#finish(environment, {
          payload: JSON.stringify(message.error),
          functionError: 'Unhandled',
          timedOut: false,
        });
        environment.state = 'idle';
        break;
    }
    this.#next();
  }

  /** The thread ended: a failed start fails the invocation that waits for it, as Lambda does; a crash its own. */
  #onExit(environment: Environment, code: number): void {
    clearTimeout(environment.timer);
    this.#environments.delete(environment);
    if (this.#stopped) return;
    const error = environment.exitError ?? {
      errorType: 'Runtime.ExitError',
      errorMessage: `Runtime exited with error: exit status ${code}`,
    };
    if (environment.state === 'starting') environment.job = this.#waiting.shift();
    if (environment.state !== 'gone') {
      this.#log.line(JSON.stringify(error));
      this.#finish(environment, {
        payload: JSON.stringify(error),
        functionError: 'Unhandled',
        timedOut: false,
      });
    }
    this.#next();
  }

  #finish(environment: Environment, result: InvokeResult): void {
    clearTimeout(environment.timer);
    const { job } = environment;
    environment.job = undefined;
    job?.resolve(result);
  }
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
