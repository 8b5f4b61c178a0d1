import { WatchedBook } from './console-book.ts';
import { findSandbox } from './sandbox-place.ts';
import type { OpenPorts, Session } from './session.ts';
import type { StagePorts } from './stage-ports.ts';

interface Opened {
  readonly acting: StagePorts;
  readonly reading: StagePorts;
  readonly glancing: StagePorts;
  readonly book: WatchedBook;
}

/** Ports that stay open as long as the console does. A sandbox that was started again is another place: opened anew. */
export class ConsolePorts {
  readonly #open: OpenPorts;
  readonly #session: Pick<Session, 'stage' | 'config' | 'dataDir' | 'io'>;
  readonly #opened = new Map<string, Opened>();

  constructor(open: OpenPorts, session: Pick<Session, 'stage' | 'config' | 'dataDir' | 'io'>) {
    this.#open = open;
    this.#session = session;
  }

  reading: OpenPorts = (where) => this.#at(where).reading;

  glancing: OpenPorts = (where) => this.#at(where).glancing;

  acting: OpenPorts = (where) => this.#at(where).acting;

  /** @throws CliError SANDBOX_NOT_RUNNING */
  now(): Opened {
    const { stage, config, dataDir } = this.#session;
    return this.#at({ stage, config, place: dataDir === undefined ? undefined : findSandbox(dataDir) });
  }

  #at(where: Parameters<OpenPorts>[0]): Opened {
    const key = where.place?.endpoint ?? '';
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const acting = this.#open(where);
    const book = new WatchedBook(acting.book, this.#session.io.nowMs);
    const opened = { acting, reading: { ...acting, book }, glancing: { ...acting, book: book.glance }, book };
    this.#opened.clear();
    this.#opened.set(key, opened);
    return opened;
  }
}

/** The book's state in a word, by the heads of its audit chains: no change of the book leaves them as they were. */
export async function bookState(ports: ConsolePorts, account: string): Promise<string> {
  const { acting, book } = ports.now();
  try {
    const chains = await acting.audit.chains(account);
    const state = JSON.stringify(chains.map(({ writer, seq }) => [writer, seq]));
    book.isNow(state);
    return state;
  } catch (error) {
    book.isNow('');
    throw error;
  }
}
