/** Lines of a plain or gzipped text file, as a stream, with line numbers and bounded memory. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TapeError } from './tape-error.ts';

/** A row has some 60 characters; a "line" of this length is a file of another kind. */
const lineCharsMax = 65_536;

/** Yields each line without its line end; a byte order mark and carriage returns are removed. */
export async function* readLines(file: string): AsyncGenerator<{ text: string; line: number }> {
  const stream = await openText(file);
  let line = 0;
  let rest = '';
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      const text = rest + chunk;
      let from = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
        line += 1;
        yield { text: cleaned(text.slice(from, end), line), line };
        from = end + 1;
      }
      rest = text.slice(from);
      if (rest.length > lineCharsMax) {
        throw new TapeError(
          'TAPE_MALFORMED_ROW',
          { file, line: line + 1, column: lineCharsMax },
          `the line is longer than ${lineCharsMax} characters.`,
          'A tape is CSV text with one row a line.',
        );
      }
    }
  } catch (error) {
    throw asTapeError(file, error);
  } finally {
    stream.destroy();
  }
  if (rest !== '') yield { text: cleaned(rest, line + 1), line: line + 1 };
}

function cleaned(text: string, line: number): string {
  const start = line === 1 && text.startsWith('\uFEFF') ? 1 : 0;
  const end = text.endsWith('\r') ? text.length - 1 : text.length;
  return text.slice(start, end);
}

/** Gzip is told by its first two bytes, not by the name; a `.gz` name without them is an error of its own. */
async function openText(file: string): Promise<Readable> {
  let gzip = false;
  try {
    const handle = await open(file, 'r');
    try {
      const head = Buffer.alloc(2);
      await handle.read(head, 0, 2, 0);
      gzip = head[0] === 0x1f && head[1] === 0x8b;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asTapeError(file, error);
  }
  if (!gzip) {
    if (file.endsWith('.gz')) throw badGzip(file, 'the file is named .gz but does not start as gzip does.');
    return createReadStream(file, 'utf8');
  }
  const gunzip = createGunzip();
  // The callback form destroys both ends; the error itself is thrown by the iteration over gunzip.
  pipeline(createReadStream(file), gunzip, () => undefined);
  return gunzip.setEncoding('utf8');
}

function badGzip(file: string, what: string, cause?: unknown): TapeError {
  return new TapeError(
    'TAPE_BAD_GZIP',
    { file },
    what,
    'Copy or compress the tape again; `gzip -t` must accept it.',
    cause === undefined ? undefined : { cause },
  );
}

function asTapeError(file: string, error: unknown): unknown {
  if (error instanceof TapeError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code.startsWith('Z_')) return badGzip(file, `the gzip stream is broken (${error.message}).`, error);
  if (['ENOENT', 'EACCES', 'EISDIR', 'EPERM', 'ENOTDIR', 'EIO', 'EMFILE'].includes(code)) {
    const what = { ENOENT: 'there is no such file.', EISDIR: 'this is a folder, not a file.' }[code];
    return new TapeError(
      'TAPE_UNREADABLE',
      { file },
      what ?? `the file cannot be read (${error.message}).`,
      'Check the path and the permissions.',
      { cause: error },
    );
  }
  return error;
}
