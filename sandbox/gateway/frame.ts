/** Framing of the TWS text protocol: a 4-byte big-endian length, then fields that each end with NUL. */

/** What a client sent is not the protocol. The client is closed with this as the logged reason. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code = 'GATEWAY_PROTOCOL';
}

/** The longest client message, an order, has some two kilobytes; more than this is a broken or hostile length. */
const frameBytesMax = 65_536;
/** `v100..193` and connect options. */
const helloBytesMax = 1_024;
const helloPrefix = Buffer.from('API\0', 'latin1');
const headerBytes = 4;

/** The client's first bytes: the range of server versions it understands. */
export interface Hello {
  readonly kind: 'hello';
  readonly versionMin: number;
  readonly versionMax: number;
  readonly options: string;
}

export interface RequestFrame {
  readonly kind: 'request';
  readonly fields: string[];
}

/** Cuts a client's byte stream into its hello and its frames. Holds at most one unfinished frame. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #greeted = false;

  /** Yields what is complete in the bytes so far. Throws `ProtocolError`; the stream is useless after that. */
  *push(chunk: Buffer): Generator<Hello | RequestFrame> {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    for (;;) {
      const taken: { value: Hello | RequestFrame; bytes: number } | undefined = this.#greeted
        ? takeFrame(data)
        : takeHello(data);
      if (taken === undefined) break;
      this.#greeted = true;
      data = data.subarray(taken.bytes);
      yield taken.value;
    }
    this.#rest = Buffer.from(data);
  }
}

function takeHello(data: Buffer): { value: Hello; bytes: number } | undefined {
  const prefix = data.subarray(0, helloPrefix.length);
  if (!prefix.equals(helloPrefix.subarray(0, prefix.length))) {
    throw new ProtocolError('the first bytes are not the hello of a TWS client ("API", NUL)');
  }
  const start = helloPrefix.length + headerBytes;
  if (data.length < start) return undefined;
  const length = data.readInt32BE(helloPrefix.length);
  if (length <= 0 || length > helloBytesMax) throw new ProtocolError(`the hello has a length of ${length}`);
  if (data.length < start + length) return undefined;
  const text = data.toString('latin1', start, start + length);
  const match = /^v(\d{1,6})(?:\.\.(\d{1,6}))?(?: (.*))?$/.exec(text);
  if (match === null)
    throw new ProtocolError(`the hello is ${JSON.stringify(text.slice(0, 80))}, not v100..193`);
  const versionMin = Number(match[1]);
  const versionMax = Number(match[2] ?? match[1]);
  return {
    value: { kind: 'hello', versionMin, versionMax, options: match[3] ?? '' },
    bytes: start + length,
  };
}

function takeFrame(data: Buffer): { value: RequestFrame; bytes: number } | undefined {
  if (data.length < headerBytes) return undefined;
  const length = data.readInt32BE(0);
  if (length <= 0 || length > frameBytesMax) throw new ProtocolError(`a frame has a length of ${length}`);
  const end = headerBytes + length;
  if (data.length < end) return undefined;
  if (data[end - 1] !== 0) throw new ProtocolError('a frame does not end with NUL');
  const fields = data.toString('utf8', headerBytes, end - 1).split('\0');
  return { value: { kind: 'request', fields }, bytes: end };
}

/** One frame around an encoded message. */
export function frame(body: string): Buffer {
  const bytes = Buffer.byteLength(body);
  const out = Buffer.allocUnsafe(headerBytes + bytes);
  out.writeUInt32BE(bytes, 0);
  out.write(body, headerBytes);
  return out;
}

/** Packs frames into chunks, so that a burst of ticks costs one write to the socket and not one each. */
export class FrameBatch {
  static readonly chunkBytes = 65_536;
  #chunk: Buffer = Buffer.allocUnsafe(FrameBatch.chunkBytes);
  #used = 0;

  get bytes(): number {
    return this.#used;
  }

  /** Adds a message. Returns chunks that are full and must be written now, usually none. */
  add(body: string): Buffer | undefined {
    // A character takes at most three bytes in UTF-8 (surrogate pairs: four for two).
    const bytesMax = headerBytes + body.length * 3;
    let full: Buffer | undefined;
    if (this.#used + bytesMax > this.#chunk.length) {
      full = this.take();
      if (bytesMax > this.#chunk.length) {
        return full === undefined ? frame(body) : Buffer.concat([full, frame(body)]);
      }
    }
    const bytes = this.#chunk.write(body, this.#used + headerBytes);
    this.#chunk.writeUInt32BE(bytes, this.#used);
    this.#used += headerBytes + bytes;
    return full;
  }

  /** Hands over what is packed so far; the batch starts a new chunk, because the socket still holds this one. */
  take(): Buffer | undefined {
    if (this.#used === 0) return undefined;
    const chunk = this.#chunk.subarray(0, this.#used);
    if (this.#chunk.length - this.#used >= FrameBatch.chunkBytes / 4) {
      // Little was used: keep filling the same memory behind what the socket holds.
      this.#chunk = this.#chunk.subarray(this.#used);
    } else {
      this.#chunk = Buffer.allocUnsafe(FrameBatch.chunkBytes);
    }
    this.#used = 0;
    return chunk;
  }
}
