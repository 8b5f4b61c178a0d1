import type { ComponentChildren } from 'preact';
import { topic } from '../topics.ts';

/** What topics say once they are known; until then that they are being read. Why they could not be stands above the view. */
export function Known({
  topics,
  children,
}: {
  topics: readonly string[];
  children: () => ComponentChildren;
}) {
  const read = topics.map((name) => topic(name).value);
  if (read.every(({ isKnown }) => isKnown)) return <>{children()}</>;
  if (read.every(({ fault }) => fault === null)) return <Skeleton />;
  return <p class="dim">It could not be read.</p>;
}

function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="sr">Reading…</span>
      <i />
      <i />
      <i />
      <i />
    </div>
  );
}
