/** One client's socket: hello, output with back-pressure and the slow fault, message rate, and how it ends. */
import type { Socket } from 'node:net';
import { error } from './encode.ts';
import { FrameBatch, FrameReader, frame, type Hello, ProtocolError } from './frame.ts';
import { SlowOutput, type SlowRate } from './slow-output.ts';

/** What a client may leave unread before it is closed, as a real gateway does when its output buffer is full. */
const outputBytesMax = 64 * 1024 * 1024;
const rateWindowMs = 1_000;
/** The third breach of the message rate ends the session (ib-facts row 23). */
const rateBreachesMax = 3;

export interface SessionHandlers {
  readonly onHello: (session: Session, hello: Hello) => void;
  readonly onRequest: (session: Session, fields: string[]) => void;
  /** The client can take more, or needs no more waiting for. */
  readonly onFree: () => void;
  readonly onClosed: (session: Session, reason: string) => void;
  readonly log: (text: string) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly messagesPerSecond: number;
}

export type SessionStage = 'hello' | 'start' | 'ready';

export class Session {
  /** Number of the connection, from 1, for the log. */
  readonly number: number;
  readonly openedAtMs: number;
  stage: SessionStage = 'hello';
  serverVersion = 0;
  clientId = -1;
  /** What the client asked for by reqMarketDataType: 1 live, 2 frozen, 3 delayed, 4 delayed frozen. */
  marketDataType = 1;
  /** The socket stays open, nothing is sent and whatever arrives is ignored. */
  halfOpen = false;
  /** A half-open session that still blocks its client id. */
  keepsClientId = false;
  /** Tape rows that this client was sent, each counted once however many lines it has on them. */
  rowsSent = 0;
  lastRow: object | undefined;
  framesSent = 0;
  bytesSent = 0;
  requests = 0;
  rateBreaches = 0;
  /** Closed because of what it sent. */
  protocolError = false;

  readonly #socket: Socket;
  readonly #handlers: SessionHandlers;
  readonly #reader = new FrameReader();
  readonly #batch = new FrameBatch();
  readonly #requestTimes: number[] = [];
  #slow: SlowOutput | undefined;
  #flushQueued = false;
  #closedReason: string | undefined;

  constructor(number: number, socket: Socket, handlers: SessionHandlers) {
    this.number = number;
    this.#socket = socket;
    this.#handlers = handlers;
    this.openedAtMs = handlers.now();
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('drain', () => handlers.onFree());
    socket.on('error', (problem) => this.#ended(`socket error: ${problem.message}`));
    socket.on('close', () => this.#ended('closed by the client'));
  }

  get closed(): boolean {
    return this.#closedReason !== undefined;
  }

  /** True while the client leaves data unread; the tape at full speed waits for it. */
  get blocked(): boolean {
    return (
      !this.closed && !this.halfOpen && (this.#socket.writableNeedDrain || (this.#slow?.waiting ?? false))
    );
  }

  /** Queues one message; it leaves at the end of the current turn or when a chunk is full. */
  send(body: string): void {
    if (this.closed || this.halfOpen) return;
    this.framesSent += 1;
    if (this.#slow !== undefined) {
      this.#slow.push(frame(body));
    } else {
      const full = this.#batch.add(body);
      if (full !== undefined) this.#write(full);
      if (!this.#flushQueued) {
        this.#flushQueued = true;
        queueMicrotask(() => this.flush());
      }
    }
    if (this.#socket.writableLength + (this.#slow?.bytes ?? 0) > outputBytesMax) {
      this.close(`it left more than ${outputBytesMax} bytes unread`, 'rst');
    }
  }

  sendError(id: number, code: number, text: string): void {
    this.send(error(this.serverVersion, { id, code, text }));
  }

  /** Hands everything packed so far to the socket. */
  flush(): void {
    this.#flushQueued = false;
    const chunk = this.#batch.take();
    if (chunk !== undefined) this.#write(chunk);
  }

  /** Throttles what is sent from now on; `undefined` sends the rest at once and ends it. */
  setSlow(rate: SlowRate | undefined): void {
    this.flush();
    this.#slow?.end();
    this.#slow =
      rate === undefined || this.closed
        ? undefined
        : new SlowOutput(rate, (bytes) => this.#write(bytes), this.#handlers.onFree);
    this.#handlers.onFree();
  }

  /** From now on nothing goes out and nothing that comes in counts; the socket stays. */
  makeHalfOpen(keepClientId: boolean): void {
    this.flush();
    this.#slow?.discard();
    this.halfOpen = true;
    this.keepsClientId = keepClientId;
    this.#handlers.onFree();
  }

  /** Ends the session: `fin` after what is queued, `rst` at once. */
  close(reason: string, how: 'fin' | 'rst' = 'fin'): void {
    if (this.closed) return;
    this.flush();
    if (how === 'fin') {
      this.#slow?.end();
      this.#slow = undefined;
      this.#socket.end();
      // A peer that never closes its side must not hold the port or the process.
      this.#socket.setTimeout(2_000, () => this.#socket.destroy());
    } else {
      this.#socket.resetAndDestroy();
    }
    this.#ended(reason);
  }

  #ended(reason: string): void {
    if (this.closed) return;
    this.#closedReason = reason;
    this.#slow?.discard();
    this.#slow = undefined;
    this.#handlers.onClosed(this, reason);
  }

  #write(bytes: Buffer): void {
    if (this.closed || this.#socket.destroyed) return;
    this.bytesSent += bytes.length;
    this.#socket.write(bytes);
  }

  #read(chunk: Buffer): void {
    if (this.closed || this.halfOpen) return;
    try {
      for (const frameIn of this.#reader.push(chunk)) {
        if (this.closed || this.halfOpen) return;
        if (frameIn.kind === 'hello') this.#handlers.onHello(this, frameIn);
        else if (this.#withinRate()) this.#handlers.onRequest(this, frameIn.fields);
      }
    } catch (problem) {
      this.protocolError = problem instanceof ProtocolError;
      // A mistake of the gateway itself must not take the other clients down with it; it is logged in full.
      const reason =
        problem instanceof ProtocolError ? problem.message : `internal error: ${(problem as Error).stack}`;
      this.close(reason);
    }
  }

  /** At most 50 messages in any second; what goes beyond is dropped and answered with error 100. */
  #withinRate(): boolean {
    this.requests += 1;
    const now = this.#handlers.now();
    const times = this.#requestTimes;
    while (times.length > 0 && now - times[0]! >= rateWindowMs) times.shift();
    if (times.length < this.#handlers.messagesPerSecond) {
      times.push(now);
      return true;
    }
    this.rateBreaches += 1;
    // One burst is one breach: the window starts anew after it.
    times.length = 0;
    this.sendError(-1, 100, 'Max rate of messages per second has been exceeded.');
    if (this.rateBreaches >= rateBreachesMax) this.close('it exceeded the message rate three times');
    return false;
  }
}
