/**
 * Reads what open pages follow, and tells them what has changed. Nothing is read while nobody looks; what takes long to
 * read is read rarely, because a read that is long costs money.
 */
import type { Fault, Freshness, Message } from '../wire/messages.ts';
import { CommandFailed } from './bars.ts';
import { changedRows, type ToldRows, textOf } from './changed-rows.ts';
import type { Told, Topic } from './topics.ts';

const lookEveryMs = 3_000;
/** Of the time, one part in so many goes into reading a topic. */
const restShare = 20;
/** What is read at each look is what a person acts on: it rests no longer than this, however long it takes. */
const lookRestMaxMs = 15_000;
/** A longer list is told in pieces, so that a page can take it in without standing still. */
const rowsAtOnce = 1_000;

export interface Follower {
  readonly topics: ReadonlySet<string>;
  readonly send: (message: Message) => void;
}

interface Held {
  readonly topic: Topic;
  /** Undefined until it was read once. */
  told: Told | undefined;
  texts: ToldRows;
  headText: string;
  /** Why it could not be read the last time. */
  fault: Fault | undefined;
  /** Unix ms UTC as of which `told` is: when its reading began, or a look found it unchanged. No failure moves it. */
  toldAtMs: number;
  /** Unix ms UTC of the last reading's end, also of one that failed; 0: read it at the next look. */
  readAtMs: number;
  /** How long the last reading took; 0 where it failed, so that it is tried again soon. */
  tookMs: number;
  /** The book's state that `told` was read in. */
  moved: string;
  reading: Promise<void> | undefined;
}

export interface HubOptions {
  readonly topicOf: (name: string) => Topic | undefined;
  /** Changes whenever the book does. */
  readonly fingerprint: () => Promise<string>;
  readonly nowMs: () => number;
}

export class Hub {
  readonly #options: HubOptions;
  readonly #followers = new Set<Follower>();
  readonly #held = new Map<string, Held>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #again = false;
  #isClosed = false;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  /** Tells a follower what is known and from then on what changes, until the returned function is called. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    for (const name of follower.topics) {
      const held = this.#heldOf(name);
      if (held?.told !== undefined)
        for (const message of wholeOf(name, held, held.told)) follower.send(message);
      // After the whole, which says of a page's topic that it could be read.
      if (held?.fault !== undefined) follower.send(held.fault);
    }
    this.#beat(follower);
    this.look();
    return () => {
      this.#followers.delete(follower);
      for (const name of this.#held.keys()) if (!this.#isFollowed(name)) this.#held.delete(name);
      if (this.#followers.size === 0) clearTimeout(this.#timer);
    };
  }

  /** Looks at once; after something was done, everything that rests on the book is read again. */
  look(everything = false): void {
    if (everything) for (const held of this.#held.values()) held.tookMs = held.readAtMs = 0;
    if (this.#isClosed) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    void this.#lookRound();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#followers.clear();
  }

  async #lookRound(): Promise<void> {
    this.#looking = true;
    this.#again = false;
    try {
      await this.#lookOnce();
    } finally {
      this.#looking = false;
      if (!this.#isClosed && this.#followers.size > 0) {
        if (this.#again) this.look();
        else this.#timer = setTimeout(() => this.look(), lookEveryMs);
      }
    }
  }

  async #lookOnce(): Promise<void> {
    const names = new Set([...this.#followers].flatMap(({ topics }) => [...topics]));
    const now = this.#options.nowMs();
    // Where even that cannot be read, every topic says by itself why.
    const moved = await this.#options.fingerprint().catch(() => '');
    for (const name of names) {
      const held = this.#heldOf(name);
      if (held === undefined) continue;
      if (isUnchanged(held, moved)) held.toldAtMs = now;
      if (this.#isDue(held, moved)) held.reading ??= this.#read(name, held, moved);
    }
    // A slow topic does not hold the others up: the next look comes without it.
    await Promise.race([
      Promise.all([...this.#held.values()].flatMap(({ reading }) => reading ?? [])),
      new Promise((resolve) => void setTimeout(resolve, lookEveryMs).unref()),
    ]);
    for (const follower of this.#followers) this.#beat(follower);
  }

  #beat({ topics: followed, send }: Follower): void {
    const topics: Record<string, Freshness> = {};
    for (const name of followed) {
      const held = this.#held.get(name);
      if (held !== undefined) topics[name] = { atMs: held.toldAtMs, paceMs: paceOf(held.topic) };
    }
    send({ t: 'beat', nowMs: this.#options.nowMs(), topics });
  }

  #heldOf(name: string): Held | undefined {
    const known = this.#held.get(name);
    if (known !== undefined) return known;
    const topic = this.#options.topicOf(name);
    if (topic === undefined) return undefined;
    const none = {
      told: undefined,
      texts: new Map(),
      headText: '',
      fault: undefined,
      toldAtMs: 0,
      readAtMs: 0,
      tookMs: 0,
      moved: '',
    };
    const held: Held = { topic, ...none, reading: undefined };
    this.#held.set(name, held);
    return held;
  }

  #isDue({ topic: { when }, fault, readAtMs, tookMs, moved: before }: Held, moved: string): boolean {
    if (readAtMs === 0) return true;
    const rested = this.#options.nowMs() - readAtMs;
    const restMs = tookMs * restShare;
    if (rested < (when === 'look' ? Math.min(restMs, lookRestMaxMs) : restMs)) return false;
    if (when === 'look') return true;
    // Where the last reading failed, the book may stand still and the reading is missing all the same.
    return when === 'book' ? moved !== before || moved === '' || fault !== undefined : rested >= when;
  }

  async #read(name: string, held: Held, moved: string): Promise<void> {
    const beganMs = this.#options.nowMs();
    // Nobody followed it any more: whoever does now is told by a reading of his own.
    const isLeft = () => this.#held.get(name) !== held;
    held.tookMs = 0;
    try {
      const told = await held.topic.read();
      if (isLeft()) return;
      held.tookMs = this.#options.nowMs() - beganMs;
      held.moved = moved;
      this.#tell(name, held, told, beganMs);
    } catch (error) {
      if (!isLeft()) this.#tellFault(name, held, error);
    } finally {
      held.readAtMs = this.#options.nowMs();
      held.reading = undefined;
    }
  }

  /** @param atMs when its reading began: what changed after that may be missing */
  #tell(name: string, held: Held, told: Told, atMs: number): void {
    const headText = textOf(told.head);
    const { told: texts, rows, gone } = changedRows(held.texts, told.rows ?? []);
    const isFirst = held.told === undefined || held.fault !== undefined;
    const isSame = headText === held.headText && rows.length === 0 && gone.length === 0;
    held.told = told;
    held.texts = texts;
    held.headText = headText;
    held.fault = undefined;
    held.toldAtMs = atMs;
    if (isFirst) for (const message of wholeOf(name, held, told)) this.#send(name, message);
    else if (!isSame) this.#send(name, { t: 'change', topic: name, atMs, head: told.head, rows, gone });
  }

  #tellFault(name: string, held: Held, error: unknown): void {
    const code = error instanceof CommandFailed ? error.code : 'CONSOLE_FAULT';
    const message = error instanceof Error ? error.message : String(error);
    // Whoever comes later is told when he comes.
    if (held.fault?.code === code && held.fault.message === message) return;
    held.fault = { t: 'fault', topic: name, atMs: this.#options.nowMs(), code, message };
    this.#send(name, held.fault);
  }

  #send(name: string, message: Message): void {
    for (const { topics, send } of this.#followers) if (topics.has(name)) send(message);
  }

  #isFollowed(name: string): boolean {
    return [...this.#followers].some(({ topics }) => topics.has(name));
  }
}

/** Whether the book says by itself that what was told still stands. */
function isUnchanged({ topic: { when }, told, fault, moved: before }: Held, moved: string): boolean {
  return when === 'book' && told !== undefined && fault === undefined && moved !== '' && moved === before;
}

function paceOf({ when }: Topic): number {
  return typeof when === 'number' ? when : lookEveryMs;
}

/** The whole of a topic; of a long list the first rows, and then the others as changes of it. */
function* wholeOf(name: string, { toldAtMs: atMs }: Held, { head, rows }: Told): Generator<Message> {
  yield { t: 'whole', topic: name, atMs, head, rows: rows?.slice(0, rowsAtOnce) ?? null };
  for (let from = rowsAtOnce; from < (rows?.length ?? 0); from += rowsAtOnce) {
    const piece = rows!.slice(from, from + rowsAtOnce);
    yield { t: 'change', topic: name, atMs, head, rows: piece, gone: [] };
  }
}
