import type { ComponentChildren } from 'preact';
import { topic } from '../topics.ts';
import { Ago } from './words.tsx';

/** What a topic says once it is known; until then that it is being read, and why it could not be. */
export function Known({
  topics,
  children,
}: {
  topics: readonly string[];
  children: () => ComponentChildren;
}) {
  const read = topics.map((name) => topic(name).value);
  const faulty = read.find(({ fault }) => fault !== null);
  const isKnown = read.every((each) => each.isKnown);
  return (
    <>
      {faulty?.fault ? (
        <div class="fault" role="alert">
          <strong>{faulty.fault.code}</strong> {faulty.fault.message}
          {faulty.isKnown ? (
            <>
              {' '}
              What you see is from <Ago at={faulty.atMs} />.
            </>
          ) : null}
        </div>
      ) : null}
      {isKnown ? children() : faulty === undefined ? <Skeleton /> : null}
    </>
  );
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
