/** Takes the address and the key of a channel out of what a service has answered, in whatever form it gives them back. */
import type { ChannelSecret } from '../ports/channel-secrets.ts';

/** Nothing in an address that is shorter is a secret. */
const secretCharsMin = 6;

export function masked(text: string, { url, key }: ChannelSecret): string {
  const { pathname, search } = new URL(url);
  const parts = [url, pathname, search, ...pathname.split('/'), ...search.split(/[?&=]/), key].filter(
    (part) => part.length >= secretCharsMin,
  );
  const forms = new Set(
    parts.flatMap((part) => [part, encodeURIComponent(part), JSON.stringify(part).slice(1, -1)]),
  );
  const plain = [...forms]
    // What holds another one is masked first, or its rest would stay.
    .toSorted((a, b) => b.length - a.length)
    .reduce((masking, part) => masking.replaceAll(part, '***'), text);
  // Of base64 all of the word: what is beside the secret decides its edges.
  const encoded = new Set(parts.flatMap(base64Of));
  return plain.replaceAll(/[A-Za-z0-9+/_-]{6,}={0,2}/g, (word) =>
    [...encoded].some((form) => word.includes(form)) ? '***' : word,
  );
}

/** What surely stands in the base64 of anything that holds the text, by how many characters are before it. */
function base64Of(text: string): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const all = Buffer.from('x'.repeat(before) + text).toString('base64');
    const inner = all.slice(before === 0 ? 0 : 4, -4);
    if (inner.length < secretCharsMin) return [];
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
