import { existsSync } from 'node:fs';
import path from 'node:path';
import { CloudError } from './errors.ts';
import { type Runtime, startProcess, startThread } from './lambda-runtime.ts';
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

/** An invocation that has not ended, also one that still waits for an environment. */
export interface Invocation {
  readonly functionName: string;
  readonly requestId: string;
  readonly sinceMs: number;
}

interface Job extends InvokeMessage {
  readonly sinceMs: number;
  readonly resolve: (result: InvokeResult) => void;
}

interface Environment {
  readonly runtime: Runtime;
  /** Tells its requests from those of another environment of the same role. */
  readonly sessionToken: string;
  state: 'starting' | 'idle' | 'busy' | 'gone';
  job: Job | undefined;
  timer: NodeJS.Timeout | undefined;
  exitError: FunctionErrorPayload | undefined;
}

/** Lambda takes no larger answer. */
const ANSWER_BYTES_MAX = 6_291_556;
/** Lambda gives a cold start 10 s before it counts as failed. */
const INIT_TIMEOUT_MS = 10_000;
const MODULE_FILES = ['.mjs', '.js', '.cjs'];

/**
 * The execution environments of one function: at most `poolMax` threads, or processes, each handling one invocation at
 * a time. An invocation that finds all busy waits. One that timed out, exited or ran out of memory is replaced.
 */
export class LambdaFunction {
  readonly model: FunctionModel;
  readonly #poolMax: number;
  readonly #env: Record<string, string>;
  readonly #log: LogFile;
  readonly #environments = new Set<Environment>();
  readonly #waiting: Job[] = [];
  readonly #file: string;
  readonly #asProcesses: boolean;
  #started = 0;
  #stopped = false;

  constructor(options: {
    model: FunctionModel;
    poolMax: number;
    env: Record<string, string>;
    log: LogFile;
    asProcesses: boolean;
  }) {
    this.model = options.model;
    this.#asProcesses = options.asProcesses;
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

  /** Its running processes; none when its environments are threads. */
  get pids(): number[] {
    return [...this.#environments].flatMap(({ runtime: { pid } }) => (pid === undefined ? [] : [pid]));
  }

  get underWay(): Invocation[] {
    const jobs = [...[...this.#environments].flatMap(({ job }) => job ?? []), ...this.#waiting];
    return jobs.map(({ requestId, sinceMs }) => ({ functionName: this.model.name, requestId, sinceMs }));
  }

  /** The process of the environment with this session token. */
  pidOf(sessionToken: string): number | undefined {
    return [...this.#environments].find((e) => e.sessionToken === sessionToken)?.runtime.pid;
  }

  /** Starts one environment, so that the first event does not wait for a cold start. */
  warm(): void {
    if (this.#environments.size === 0) this.#start();
  }

  /** Runs one invocation; errors of the function are values. */
  async invoke(payload: string, requestId: string): Promise<InvokeResult> {
    return new Promise((resolve) => {
      const timeoutMs = this.model.timeoutSeconds * 1_000;
      this.#waiting.push({ requestId, payload, timeoutMs, sinceMs: Date.now(), resolve });
      this.#next();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const environments = [...this.#environments];
    await Promise.all(environments.map(async ({ runtime }) => runtime.end()));
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
    this.#started += 1;
    const sessionToken = `${model.name}/${this.#started}`;
    const environment: Environment = {
      runtime: (this.#asProcesses ? startProcess : startThread)({
        input,
        env: { ...this.#env, AWS_SESSION_TOKEN: sessionToken },
        log: this.#log,
        onMessage: (message) => this.#onMessage(environment, message),
        onExit: (error) => this.#onExit(environment, error),
      }),
      sessionToken,
      state: 'starting',
      job: undefined,
      timer: undefined,
      exitError: undefined,
    };
    this.#environments.add(environment);
    environment.timer = setTimeout(() => {
      environment.exitError = {
        errorType: 'Sandbox.Timedout',
        errorMessage: `Init took more than ${INIT_TIMEOUT_MS / 1_000} seconds`,
      };
      void environment.runtime.end();
    }, INIT_TIMEOUT_MS);
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
      void environment.runtime.end();
    }, job.timeoutMs);
    const message: InvokeMessage = {
      requestId: job.requestId,
      payload: job.payload,
      timeoutMs: job.timeoutMs,
    };
    environment.runtime.post(message);
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
        void environment.runtime.end();
        return;
      case 'result':
        this.#finish(environment, resultOf(message.payload));
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

  /** It ended: a failed start fails the invocation that waits for it, as Lambda does; a crash its own. */
  #onExit(environment: Environment, how: FunctionErrorPayload): void {
    clearTimeout(environment.timer);
    this.#environments.delete(environment);
    if (this.#stopped) return;
    const error = environment.exitError ?? how;
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

function resultOf(payload: string): InvokeResult {
  if (Buffer.byteLength(payload) <= ANSWER_BYTES_MAX)
    return { payload, functionError: undefined, timedOut: false };
  const error: FunctionErrorPayload = {
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size exceeded maximum allowed payload size (${ANSWER_BYTES_MAX} bytes).`,
  };
  return { payload: JSON.stringify(error), functionError: 'Unhandled', timedOut: false };
}
