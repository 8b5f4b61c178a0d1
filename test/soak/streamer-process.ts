/** The streamer's own program in its own process, on simulated time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { ImageRuntime } from '../helpers/streamer-image.ts';
import type { Bundles } from './bundle.ts';
import type { ProcessFigures, SoakAnswer, SoakOrder } from './messages.ts';
import { real } from './virtual-clock.ts';
import type { WireCount } from './wires.ts';

/** Real time for an answer; a machine with much else to do is slow. */
const PATIENCE_MS = 60_000;
const LAST_WORDS = 1_500;

export interface StreamerProcessOptions {
  readonly bundles: Bundles;
  readonly runtime: ImageRuntime;
  readonly env: Readonly<Record<string, string>>;
  readonly startMs: number;
  readonly gatewayPort: number;
  readonly logFile: string;
}

type Told = SoakAnswer | { readonly kind: 'health'; readonly port: number } | { readonly kind: 'stopped' };

export class StreamerProcess {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  #waiting: { readonly wanted: (told: Told) => boolean; readonly got: (told: Told) => void } | undefined;
  readonly #told: Told[] = [];
  readonly exited: Promise<number | string>;
  #fail: ((error: Error) => void) | undefined;
  healthPort = 0;

  private constructor({ bundles, runtime, env, startMs, gatewayPort, logFile }: StreamerProcessOptions) {
    this.#logFile = logFile;
    const log = openSync(logFile, 'a');
    const preload = pathToFileURL(bundles.preload).href;
    const args = [
      ...runtime.nodeOptions,
      '--expose-gc',
      '--import',
      preload,
      bundles.main,
      '--wait-for-gateway',
    ];
    this.#child = spawn(process.execPath, args, {
      env: {
        PATH: process.env.PATH ?? '',
        ...runtime.environment,
        ...env,
        SOAK_START_MS: String(startMs),
        SOAK_GATEWAY_PORT: String(gatewayPort),
      },
      // Its own group: Ctrl-C reaches the soak, which stops the streamer as it should be stopped.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#child.on('message', (message) => this.#take(message as Told));
    const kill = () => this.#child.kill('SIGKILL');
    process.once('exit', kill);
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        process.off('exit', kill);
        this.#fail?.(new Error(`The streamer ended (${signal ?? code}).\n${this.#lastWords()}`));
        resolve(signal ?? code ?? 0);
      });
    });
  }

  static async start(options: StreamerProcessOptions): Promise<StreamerProcess> {
    const streamer = new StreamerProcess(options);
    const told = await streamer.#next((each) => 'kind' in each && each.kind === 'health');
    if ('port' in told) streamer.healthPort = told.port;
    return streamer;
  }

  /** Lets simulated time go on in the streamer, or, without a time, only what is on its sockets be worked off. */
  async go(gateway: readonly WireCount[], toMs?: number): Promise<readonly WireCount[]> {
    this.#send({ soak: 'go', gateway, ...(toMs === undefined ? {} : { toMs }) });
    const answer = await this.#next((told) => 'soak' in told && told.soak === 'there');
    return 'gateway' in answer ? answer.gateway : [];
  }

  async measure(): Promise<ProcessFigures> {
    this.#send({ soak: 'measure' });
    const answer = await this.#next((told) => 'soak' in told && told.soak === 'measured');
    if (!('figures' in answer)) throw new Error('measured without figures');
    return answer.figures;
  }

  async stats(): Promise<Record<string, unknown>> {
    const response = await fetch(`http://127.0.0.1:${this.healthPort}/stats`);
    return (await response.json()) as Record<string, unknown>;
  }

  /** Asks it to stop; its time has to go on for that. */
  terminate(): void {
    this.#fail = undefined;
    this.#child.kill('SIGTERM');
  }

  kill(): void {
    this.#fail = undefined;
    this.#child.kill('SIGKILL');
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #send(order: SoakOrder): void {
    if (this.#child.connected) this.#child.send(order);
  }

  #take(told: Told): void {
    if (this.#waiting?.wanted(told)) {
      const { got } = this.#waiting;
      this.#waiting = undefined;
      got(told);
    } else this.#told.push(told);
  }

  #next(wanted: (told: Told) => boolean): Promise<Told> {
    const index = this.#told.findIndex(wanted);
    if (index >= 0) return Promise.resolve(this.#told.splice(index, 1)[0]!);
    return new Promise((resolve, reject) => {
      const end = () => {
        real.clearTimeout(timer);
        this.#fail = undefined;
      };
      const fail = (error: Error) => {
        end();
        reject(error);
      };
      const timer = real.setTimeout(
        () => fail(new Error(`The streamer gave no answer for ${PATIENCE_MS} ms.\n${this.#lastWords()}`)),
        PATIENCE_MS,
      );
      this.#fail = fail;
      this.#waiting = {
        wanted,
        got: (told) => {
          end();
          resolve(told);
        },
      };
    });
  }

  #lastWords(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-LAST_WORDS);
  }
}
