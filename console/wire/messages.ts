/** What the console's server and its page say to each other. */

/** Who and where, said once at the beginning of a stream. */
export interface Hello {
  readonly t: 'hello';
  readonly stage: string;
  readonly account: string;
  /** IANA zone in which times are shown. */
  readonly timeZone: string;
  readonly version: string;
  /** The server's clock, Unix ms UTC: ages are reckoned by it. */
  readonly nowMs: number;
}

/** The whole of a topic; `rows` where it is a list, so that later messages can name single rows. */
export interface Whole {
  readonly t: 'whole';
  readonly topic: string;
  /** As of when it is, Unix ms UTC. */
  readonly atMs: number;
  readonly head: unknown;
  readonly rows: readonly Row[] | null;
}

/** What has changed in a topic since its last message. */
export interface Change {
  readonly t: 'change';
  readonly topic: string;
  readonly atMs: number;
  readonly head: unknown;
  readonly rows: readonly Row[];
  readonly gone: readonly string[];
}

/** A topic could not be read; what was shown before stays, with its age. */
export interface Fault {
  readonly t: 'fault';
  readonly topic: string;
  /** When it began, Unix ms UTC. */
  readonly atMs: number;
  readonly code: string;
  readonly message: string;
}

/** Said at the end of each look: how old what was told is now, also where nothing of it has changed. */
export interface Beat {
  readonly t: 'beat';
  /** The server's clock, Unix ms UTC. */
  readonly nowMs: number;
  /** Of each topic that is followed. */
  readonly topics: Readonly<Record<string, Freshness>>;
}

export interface Freshness {
  /** As of when what was told is: its last reading without a fault, or a look that found it unchanged. Unix ms UTC, 0: never. */
  readonly atMs: number;
  /** How often it should be. */
  readonly paceMs: number;
}

/** A row of a list with the key by which it is found again. */
export type Row = readonly [key: string, value: unknown];

export type Message = Hello | Whole | Change | Fault | Beat;

/** What an answer to a question or an action says. */
export type Reply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly result?: unknown };
