import { useEffect, useMemo, useState } from 'preact/hooks';

/** What is typed is shown at once, and looked for a moment later. */
const waitMs = 30;

const texts = new WeakMap<object, string>();

/** Rows that have every word of the search in one of their texts. */
export function useSearch<T extends object>(
  rows: readonly T[],
  textOf: (row: T) => string,
): { readonly found: readonly T[]; readonly words: string; readonly setWords: (words: string) => void } {
  const [words, setWords] = useState('');
  const [sought, setSought] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSought(words), waitMs);
    return () => clearTimeout(timer);
  }, [words]);
  const found = useMemo(() => {
    const wanted = sought.toLowerCase().split(/\s+/).filter(Boolean);
    if (wanted.length === 0) return rows;
    return rows.filter((row) => {
      const text = texts.get(row) ?? textOf(row).toLowerCase();
      texts.set(row, text);
      return wanted.every((word) => text.includes(word));
    });
  }, [rows, sought]);
  return { found, words, setWords };
}

export function Search({
  label,
  words,
  setWords,
  found,
  all,
}: {
  label: string;
  words: string;
  setWords: (words: string) => void;
  found: number;
  all: number;
}) {
  return (
    <div class="search">
      <label>
        <span class="sr">{label}</span>
        <input
          type="search"
          placeholder={label}
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      </label>
      <output>
        {words === ''
          ? all.toLocaleString('en')
          : `${found.toLocaleString('en')} of ${all.toLocaleString('en')}`}
      </output>
    </div>
  );
}
