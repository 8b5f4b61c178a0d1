import type { IBApi } from '@stoqey/ib';
import type { BrokerList } from '../lib/domain/orders/broker-facts.ts';
import { BrokerMessageError } from './broker-facts-values.ts';
import { StreamerError } from './streamer-error.ts';
import { FrameCutter, WireError } from './wire-frames.ts';

/** Who is told of what the guarded decoder cannot use. */
export interface DecoderHost {
  /** False once the attempt is over: what is left of the chunk belongs to nobody. */
  current(): boolean;
  /** One message that cannot be read; the session goes on. `list` is the one whose row it may have been. */
  unreadable(error: BrokerMessageError, list: BrokerList | undefined): void;
  /** The connection cannot be trusted any more. */
  broken(error: WireError): void;
}

export interface DecoderFigures {
  /** Messages that could not be read. */
  readonly unreadable: number;
  /** Messages of kinds that nobody here listens to: left unread. */
  readonly ignored: number;
  /** Messages with more fields than their kind has; what is known of them was read. */
  readonly surplus: number;
}

/** A gateway of which so many messages cannot be read on one connection is not one that we can speak with. */
const unreadableMax = 10_000;
/** For one piece of the stream that has unreadable messages: a forged count can make each cost 150 ms and 256 MB. */
const pieceMsMax = 5_000;
const errorId = '4';
/** Of an error: JSON with details, behind version, id, code and text. Nothing here reads it, and the library throws. */
const errorDetailsAt = 5;

/** What is listened to, by number, with the name that people know it by and the list that it may be a row of. */
const heard = new Map<string, readonly [name: string, list?: BrokerList]>([
  ['1', ['tickPrice']],
  ['2', ['tickSize']],
  ['3', ['orderStatus', 'open-orders']],
  ['4', ['error']],
  ['5', ['openOrder', 'open-orders']],
  ['6', ['updateAccountValue', 'account-values']],
  ['9', ['nextValidId']],
  ['10', ['contractDetails']],
  ['11', ['execDetails', 'executions']],
  ['15', ['managedAccounts']],
  ['17', ['historicalData']],
  ['45', ['tickGeneric']],
  ['46', ['tickString']],
  ['49', ['currentTime']],
  ['52', ['contractDetailsEnd']],
  ['53', ['openOrderEnd', 'open-orders']],
  ['54', ['accountDownloadEnd', 'account-values']],
  ['55', ['execDetailsEnd', 'executions']],
  ['58', ['marketDataType']],
  ['59', ['commissionReport', 'executions']],
  ['61', ['position', 'positions']],
  ['62', ['positionEnd', 'positions']],
  ['81', ['tickReqParams']],
  ['99', ['tickByTickAllLast']],
  ['101', ['completedOrder', 'completed-orders']],
  ['102', ['completedOrdersEnd', 'completed-orders']],
]);

/** The inside of version 1.6 of the library, as far as it is taken over. */
interface Inside {
  readonly socket: {
    onData(data: Buffer): void;
    onMessage(text: string): void;
    readonly neverReceived: boolean;
  };
  readonly decoder: {
    readStr(): string;
    processMsg(id: number): void;
    emitQueue: { readonly name: string; readonly args: readonly unknown[] }[];
    readonly callback: { emitEvent(name: string, ...args: readonly unknown[]): void };
  };
}

/** The end of a message where the library wanted one field more. */
class TooShort extends Error {}

/**
 * Takes over how an instance of @stoqey/ib reads its socket, and leaves it the meaning of the fields. Left to itself
 * the library reads on for ever at a negative length, keeps what has no end for the next message, moves the whole
 * queue for each field, throws out of the socket at a forged count or at bad JSON, and of a row that is too short it
 * says only that something was: the list that the row belonged to would pass for whole.
 *
 * @throws StreamerError when the inside of the pinned library is not what it was
 */
export function guardDecoder(api: IBApi, host: DecoderHost): () => DecoderFigures {
  const { socket, decoder } = insideOf(api);
  const cutter = new FrameCutter();
  let fields: readonly string[] = [];
  let at = 0;
  let pieceBeganMs = 0;
  let unreadable = 0;
  let ignored = 0;
  let surplus = 0;

  decoder.readStr = () => {
    const field = fields[at];
    if (field === undefined) throw new TooShort('too few fields');
    at += 1;
    return field;
  };

  const decode = (): void => {
    const id = fields[0]!;
    const kind = heard.get(id);
    if (kind === undefined) {
      ignored += 1;
      return;
    }
    at = 1;
    decoder.emitQueue = [];
    try {
      decoder.processMsg(Number(id));
    } catch (error) {
      unreadable += 1;
      const [name, list] = kind;
      const why =
        error instanceof TooShort ? 'too few fields' : `fields that make no sense (${nameOf(error)})`;
      host.unreadable(new BrokerMessageError(`${name} has ${why}`), list);
      if (unreadable >= unreadableMax) throw new WireError(`${unreadable} messages could not be read`);
      if (performance.now() - pieceBeganMs > pieceMsMax)
        throw new WireError(`messages that cannot be read took more than ${pieceMsMax} ms`);
      return;
    }
    if (at < fields.length) surplus += 1;
    for (const { name, args } of decoder.emitQueue) decoder.callback.emitEvent(name, ...args);
  };

  const take = (message: string[]): boolean => {
    if (socket.neverReceived) {
      checkGreeting(message);
      socket.onMessage(`${message.join('\0')}\0`);
    } else {
      if (message[0] === errorId && message[errorDetailsAt]) message[errorDetailsAt] = '';
      fields = message;
      decode();
    }
    return host.current();
  };

  socket.onData = (data) => {
    if (!host.current()) return;
    pieceBeganMs = performance.now();
    try {
      cutter.push(data, take);
    } catch (error) {
      // Whatever else is thrown comes from our own side of a listener, and is not the gateway's doing.
      if (!(error instanceof WireError)) throw error;
      host.broken(error);
    }
  };
  return () => ({ unreadable, ignored, surplus });
}

/** The gateway's first message: the version that it speaks, and its time. */
function checkGreeting([version = '']: readonly string[]): void {
  if (/^\d{1,6}$/.test(version)) return;
  throw new WireError(`the first message is ${JSON.stringify(version.slice(0, 40))} and no server version`);
}

function insideOf(api: IBApi): Inside {
  const { controller } = api as unknown as { controller?: Partial<Inside> };
  const { socket, decoder } = controller ?? {};
  const whole =
    typeof socket?.onData === 'function' &&
    typeof socket.onMessage === 'function' &&
    typeof socket.neverReceived === 'boolean' &&
    typeof decoder?.readStr === 'function' &&
    typeof decoder.processMsg === 'function' &&
    Array.isArray(decoder.emitQueue) &&
    typeof decoder.callback?.emitEvent === 'function';
  if (whole) return { socket, decoder };
  api.removeAllListeners();
  api.disconnect();
  throw new StreamerError(
    'DECODER_NOT_GUARDED',
    'The inside of @stoqey/ib is not what it was in the version that is pinned, so what the gateway sends cannot be checked before it is read. Nothing is asked. Install the version of package-lock.json (npm ci).',
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
