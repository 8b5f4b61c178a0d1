/** The known key that a mistyped one most likely meant, or undefined when none is close. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  return nearestFew(typed, known, 1)[0];
}

/** Up to so many known names that are close to a mistyped one, the closest first. */
export function nearestFew(typed: string, known: readonly string[], most: number): string[] {
  const plain = (key: string) => key.toLowerCase().replaceAll(/[-_]/g, '');
  const limit = Math.max(2, Math.floor(typed.length / 3));
  return known
    .map((key) => ({ key, distance: editDistance(plain(typed), plain(key)) }))
    .filter(({ key, distance }) => distance < key.length && distance <= limit)
    .toSorted((left, right) => left.distance - right.distance)
    .slice(0, most)
    .map(({ key }) => key);
}

/** Levenshtein distance, one row at a time. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
