/** Looks for planted secrets in everything that a run has left: as they are, in base64, in an address, in hex. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

/** The ways in which a text can stand in another one. In base64 it depends on what is before it: three ways. */
export function formsOf(secret: string): readonly string[] {
  const base64 = [0, 1, 2].flatMap((before) => {
    const text = Buffer.from('x'.repeat(before) + secret).toString('base64');
    // Of the characters at the edges, others decide too.
    const inner = text.slice(before === 0 ? 0 : 4, -4);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const escaped = [...Buffer.from(secret)].map((byte) => `%${byte.toString(16)}`).join('');
  const hex = Buffer.from(secret).toString('hex');
  const json = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(json).slice(1, -1);
  return [...new Set([secret, encodeURIComponent(secret), json, twice, escaped, hex, ...base64])];
}

/** The first form of a secret in some bytes, `''` where there is none. */
export function found(bytes: Buffer | string, secret: string): string {
  const texts = [Buffer.from(bytes), ...unpacked(Buffer.from(bytes))];
  return formsOf(secret).find((form) => texts.some((text) => text.includes(form))) ?? '';
}

/** `file: which secret`, for every file of a folder but those named. */
export function huntFiles(
  folder: string,
  secrets: Readonly<Record<string, string>>,
  but: readonly string[] = [],
): readonly string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.flatMap(({ parentPath, name }) => {
    const path = join(parentPath, name);
    if (but.includes(name)) return [];
    const bytes = readFileSync(path);
    return Object.entries(secrets)
      .filter(([, secret]) => found(bytes, secret) !== '')
      .map(([what]) => `${relative(folder, path)}: ${what}`);
  });
}

/** Parts of backups and files of the archive. */
function unpacked(bytes: Buffer): readonly Buffer[] {
  try {
    if (bytes.subarray(0, 4).equals(Buffer.of(0x28, 0xb5, 0x2f, 0xfd))) return [zstdDecompressSync(bytes)];
    if (bytes.subarray(0, 2).equals(Buffer.of(0x1f, 0x8b))) return [gunzipSync(bytes)];
  } catch {
    // Cut short: what can be read of it was looked through as it is.
  }
  return [];
}
