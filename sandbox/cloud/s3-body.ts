import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { ServiceError } from './aws-errors.ts';

/** The bytes of an object as they were meant, and the checksums that were sent with them and hold. */
export interface S3Body {
  readonly bytes: Buffer;
  /** Without `aws-chunked`, which is of the transfer and not of the object. */
  readonly contentEncoding: string | undefined;
  /** Header name (`x-amz-checksum-sha256`) to its base64. */
  readonly checksums: Readonly<Record<string, string>>;
  /** True when Content-MD5 or a checksum was sent. */
  readonly checked: boolean;
}

const CHECKSUM = 'x-amz-checksum-';
/** Headers about a checksum that are none. */
const NO_CHECKSUM = new Set(['x-amz-checksum-mode', 'x-amz-checksum-algorithm', 'x-amz-checksum-type']);

const DIGESTS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  crc32: (bytes) => {
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(bytes));
    return sum;
  },
  sha1: (bytes) => createHash('sha1').update(bytes).digest(),
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
};

/**
 * Reads the body of a PutObject: decodes `aws-chunked`, and compares everything that was sent to compare it with. A body
 * that is not what its sender meant is refused, never stored. Throws ServiceError.
 */
export function readS3Body(headers: IncomingHttpHeaders, raw: Buffer): S3Body {
  const encodings = String(headers['content-encoding'] ?? '')
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '');
  const sha256 = String(headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD');
  const isChunked = sha256.startsWith('STREAMING-') || encodings.includes('aws-chunked');
  const { bytes, trailers } = isChunked ? decodeChunks(headers, raw) : { bytes: raw, trailers: {} };
  if (/^[0-9a-f]{64}$/i.test(sha256) && hex('sha256', raw) !== sha256.toLowerCase())
    throw new ServiceError(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  const md5 = headers['content-md5'];
  const checked = checkMd5(md5 === undefined ? undefined : String(md5), bytes);
  const checksums = checkSums({ ...headers, ...trailers }, bytes);
  const rest = encodings.filter((encoding) => encoding !== 'aws-chunked').join(',');
  return {
    bytes,
    contentEncoding: rest === '' ? undefined : rest,
    checksums,
    checked: checked || Object.keys(checksums).length > 0,
  };
}

function checkMd5(expected: string | undefined, bytes: Buffer): boolean {
  if (expected === undefined) return false;
  const digest = Buffer.from(expected, 'base64');
  if (digest.length !== 16)
    throw new ServiceError('InvalidDigest', 'The Content-MD5 you specified was invalid.');
  if (!timingSafeEqual(digest, createHash('md5').update(bytes).digest()))
    throw new ServiceError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  return true;
}

function checkSums(headers: IncomingHttpHeaders, bytes: Buffer): Record<string, string> {
  const held: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(CHECKSUM) || NO_CHECKSUM.has(name) || typeof value !== 'string') continue;
    const algorithm = name.slice(CHECKSUM.length);
    const digest = DIGESTS[algorithm];
    if (digest === undefined)
      throw new ServiceError(
        'NotImplemented',
        `The local cloud cannot verify the checksum ${algorithm}; use CRC32, SHA1 or SHA256`,
        501,
      );
    if (digest(bytes).toString('base64') !== value)
      throw new ServiceError(
        'BadDigest',
        `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
      );
    held[name] = value;
  }
  return held;
}

/** `<hex size>[;chunk-signature=…]\r\n<data>\r\n … 0\r\n<trailer>:<value>\r\n … \r\n` */
function decodeChunks(
  headers: IncomingHttpHeaders,
  raw: Buffer,
): { bytes: Buffer; trailers: Record<string, string> } {
  const parts: Buffer[] = [];
  let at = 0;
  const line = (): string => {
    const end = raw.indexOf('\r\n', at);
    if (end < 0) throw incomplete('a chunk has no end of line');
    const text = raw.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  for (;;) {
    const [, size] = /^([0-9a-f]{1,8})(?:;.*)?$/i.exec(line()) ?? [];
    if (size === undefined) throw incomplete('a chunk has no size');
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    if (at + length + 2 > raw.length) throw incomplete('a chunk is shorter than its size says');
    parts.push(raw.subarray(at, at + length));
    at += length;
    if (line() !== '') throw incomplete('a chunk is longer than its size says');
  }
  const trailers: Record<string, string> = {};
  while (at < raw.length) {
    const text = line();
    if (text === '') break;
    const colon = text.indexOf(':');
    if (colon < 1) throw incomplete('a trailer has no name');
    trailers[text.slice(0, colon).trim().toLowerCase()] = text.slice(colon + 1).trim();
  }
  if (at !== raw.length) throw incomplete('something follows the last chunk');
  const promised = String(headers['x-amz-trailer'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  for (const name of promised) {
    if (!(name in trailers))
      throw new ServiceError('MalformedTrailerError', `The trailer ${name} was announced and is missing.`);
  }
  const bytes = Buffer.concat(parts);
  const length = headers['x-amz-decoded-content-length'];
  if (length === undefined)
    throw new ServiceError('MissingContentLength', 'x-amz-decoded-content-length is missing.', 411);
  if (Number(length) !== bytes.length)
    throw incomplete(`${bytes.length} bytes came, ${String(length)} were announced`);
  return { bytes, trailers };
}

function incomplete(why: string): ServiceError {
  return new ServiceError('IncompleteBody', `The aws-chunked body cannot be read: ${why}.`);
}

function hex(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}
