/**
 * Whether two values of one type say the same: their stamps (`at`) aside, and whatever the order of their fields, which
 * a database does not keep.
 */
export function sameContent(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return a === b;
  return Object.keys(a).every((name) => name === 'at' || sameContent(a[name], b[name]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
