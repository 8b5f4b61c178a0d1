/**
 * A UUID of version 8 (RFC 9562: made by the sender's own rule) from the first 128 bits of a digest: the same digest is the
 * same id, so a command that is made twice is one command.
 *
 * @param hex lower-case hexadecimal, at least 32 digits
 */
export function uuidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
