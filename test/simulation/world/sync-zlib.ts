/**
 * Compression by a thread pool ends when it ends, by no clock of a run: here it ends at once. Loaded before the modules that
 * keep these functions.
 */
import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';

type Done = (error: Error | null, result: Buffer) => void;
type Compress = (input: Buffer, options: object) => Buffer;

const atOnce =
  (compress: Compress) =>
  (input: Buffer, ...rest: unknown[]): void => {
    const done = rest.pop() as Done;
    const result = compress(input, (rest[0] ?? {}) as object);
    queueMicrotask(() => done(null, result));
  };

Object.assign(zlib, {
  zstdCompress: atOnce(zlib.zstdCompressSync),
  zstdDecompress: atOnce(zlib.zstdDecompressSync),
});
syncBuiltinESMExports();
