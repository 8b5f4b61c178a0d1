/** Framing of what the gateway sends: a length of four bytes, then fields that each end with NUL. */

/** Days of five-second bars in one answer have half of this; everything else is far smaller. */
export const frameBytesMax = 2 * 1024 * 1024;
/** The longest real field, a contract's trading hours, has some kilobytes. */
export const fieldCharsMax = 32_768;
const headerBytes = 4;
const piecesMax = 1_024;
const nul = 0;

/** The bytes are not the protocol: nothing that follows can be trusted, not even where the next message begins. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code = 'GATEWAY_WIRE_BROKEN';

  constructor(what: string) {
    super(
      `GATEWAY_WIRE_BROKEN: ${what}. The connection is thrown away and made anew. If it comes back, what listens on the gateway's host and port is no IB Gateway, or one of a version that is not known.`,
    );
  }
}

/**
 * Cuts the gateway's bytes into messages, however they are split and glued. It holds one unfinished message at most, as
 * the pieces in which it came: putting them together at each piece would cost the square of their number.
 */
export class FrameCutter {
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Bytes that the unfinished message needs, as far as is known. */
  #needed = headerBytes;

  /**
   * @param take gets the fields of each whole message; false ends it: what follows is dropped
   * @throws WireError; the stream is useless after that
   */
  push(chunk: Buffer, take: (fields: string[]) => boolean): void {
    if (this.#bytes + chunk.length < this.#needed) {
      this.#keep(chunk);
      return;
    }
    const data = this.#bytes === 0 ? chunk : Buffer.concat([...this.#pieces, chunk]);
    this.#pieces = [];
    this.#bytes = 0;
    let at = 0;
    while (data.length - at >= headerBytes) {
      const length = data.readInt32BE(at);
      if (length <= 0 || length > frameBytesMax) {
        throw new WireError(`a message has a length of ${length}, and 1 to ${frameBytesMax} is possible`);
      }
      const end = at + headerBytes + length;
      if (end > data.length) break;
      // Without it, the library keeps the piece and puts it in front of the next message.
      if (data[end - 1] !== nul) throw new WireError('a message does not end with NUL');
      const fields = data.toString('utf8', at + headerBytes, end - 1).split('\0');
      if (length > fieldCharsMax) this.#measure(fields);
      at = end;
      if (!take(fields)) return;
    }
    const rest = data.length - at;
    this.#needed = rest < headerBytes ? headerBytes : headerBytes + data.readInt32BE(at);
    // Not the whole chunk for its last bytes.
    if (rest > 0) this.#keep(Buffer.from(data.subarray(at)));
  }

  #keep(piece: Buffer): void {
    // Each piece costs more than its bytes: of many small ones one is made now and then.
    if (this.#pieces.length >= piecesMax) this.#pieces = [Buffer.concat(this.#pieces)];
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  #measure(fields: readonly string[]): void {
    const longest = fields.find((field) => field.length > fieldCharsMax);
    if (longest === undefined) return;
    throw new WireError(`a field has ${longest.length} characters, and ${fieldCharsMax} is possible`);
  }
}
