/**
 * The front door of the gateway: a process of our own between streamer and gateway, which may be killed, stopped, and told
 * to spoil the wire. The broker lives in the simulated gateway's process; were that killed, IB itself would be gone.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What becomes of the bytes; nothing for a sound wire. */
export interface WireRule {
  /** Connections that carry a byte now carry none from then on, and stay open. */
  readonly halfOpen?: boolean;
  readonly delayMs?: number;
  /** One byte a write. */
  readonly split?: boolean;
  /** In the midst of the next piece that is carried. */
  readonly resetInFrame?: boolean;
  readonly bytesPerSecond?: number;
  /** New connections are accepted and closed. */
  readonly refuse?: boolean;
}

export type FrontOrder =
  | { readonly kind: 'upstream'; readonly port: number }
  | { readonly kind: 'rule'; readonly rule: WireRule }
  | { readonly kind: 'cut' | 'detach' | 'count' };

/** `bytesUp`: from the streamer to the gateway, over all connections of this process. */
export interface FrontCounts {
  readonly open: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly connections: number;
}

export type FrontMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | ({ readonly kind: 'counts' } & FrontCounts);

const worker = fileURLToPath(new URL('./front-worker.ts', import.meta.url));

export class Front {
  #child: ChildProcess;
  #upstream: number | undefined;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Connections wait until the gateway's port is told. */
  static async start(): Promise<Front> {
    const { child, port } = await startWorker(0);
    return new Front(child, port);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  lead(port: number): void {
    this.#upstream = port;
    this.#tell({ kind: 'upstream', port });
  }

  rule(rule: WireRule): void {
    this.#tell({ kind: 'rule', rule });
  }

  /** Every connection is reset. */
  cut(): void {
    this.#tell({ kind: 'cut' });
  }

  /** The gateway's side of every connection ends, the streamer's stays: its gateway is another one's now. */
  detach(): void {
    this.#tell({ kind: 'detach' });
  }

  async counts(): Promise<FrontCounts> {
    const { promise, resolve } = Promise.withResolvers<FrontCounts>();
    const hear = (message: unknown): void => {
      const { kind, ...counts } = message as FrontMessage & FrontCounts;
      if (kind === 'counts') resolve(counts);
    };
    this.#child.on('message', hear);
    this.#tell({ kind: 'count' });
    try {
      return await promise;
    } finally {
      this.#child.off('message', hear);
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#child.once('exit', () => resolve());
    this.#child.kill('SIGKILL');
    await promise;
  }

  /** On the port it had. */
  async restart(): Promise<void> {
    this.#child = (await startWorker(this.port)).child;
    if (this.#upstream !== undefined) this.lead(this.#upstream);
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }

  #tell(order: FrontOrder): void {
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }
}

async function startWorker(port: number): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(worker, [String(port)], { detached: true, execArgv: [] });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on('message', (message: FrontMessage) => {
    if (message.kind === 'listening') resolve(message.port);
  });
  child.once('error', reject);
  child.once('exit', (code, signal) => reject(new Error(`the front ended (${signal ?? code})`)));
  return { child, port: await promise };
}
