import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process of the benchmark that speaks by messages. */
export interface Peer<Told extends { readonly kind: string }> {
  /** Waits for the next message of a kind. Throws when the process ends, or says nothing of the kind, before. */
  next<K extends Told['kind']>(kind: K): Promise<Extract<Told, { readonly kind: K }>>;
  send(message: object): void;
  /** Waits until it has ended by itself. */
  ended(): Promise<void>;
  kill(): void;
}

/** Options of Node and variables for the process, beside what this one has. */
export interface PeerRuntime {
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const SILENCE_MS = 180_000;

export function startPeer<Told extends { readonly kind: string }>(
  file: string,
  options: object,
  { execArgv = [], env = {} }: PeerRuntime = {},
): Peer<Told> {
  const child: ChildProcess = fork(new URL(file, import.meta.url), [JSON.stringify(options)], {
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const told: Told[] = [];
  let look = (): void => undefined;
  child.on('message', (message) => {
    told.push(message as Told);
    look();
  });
  let endedAs: string | undefined;
  const exit = once(child, 'exit').then(([code, signal]) => {
    endedAs = `${file} ended with ${signal ?? code}`;
    look();
  });
  return {
    next: (kind) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          look = () => undefined;
          reject(new Error(`${file} said no "${kind}" within ${SILENCE_MS / 1_000} s`));
        }, SILENCE_MS);
        look = () => {
          const index = told.findIndex((message) => message.kind === kind);
          if (index < 0 && endedAs === undefined) return;
          clearTimeout(timer);
          look = () => undefined;
          if (index < 0) reject(new Error(`${endedAs} before it said "${kind}"`));
          else resolve(told.splice(index, 1)[0] as Extract<Told, { readonly kind: typeof kind }>);
        };
        look();
      }),
    send: (message) => {
      child.send(message);
    },
    ended: async () => {
      await exit;
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}
