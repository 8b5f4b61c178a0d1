import { asOfMs, topic } from '../topics.ts';
import { Ago } from './words.tsx';

/** Why topics of a view could not be read, and how old what is shown of them is; each reason once. */
export function Faults({ topics }: { topics: readonly string[] }) {
  const faulty = topics.flatMap((name) => {
    const { fault } = topic(name).value;
    return fault === null ? [] : [{ name, ...fault }];
  });
  const reasons = Object.values(Object.groupBy(faulty, ({ code, message }) => `${code} ${message}`));
  return reasons.map((each) => {
    const { code, message } = each![0]!;
    return (
      <div key={`${code} ${message}`} class="fault">
        {/* The age goes on, and a screen reader is to say the reason once. */}
        <p role="alert">
          <strong>{code}</strong> {message}
        </p>
        {each!.map(({ name }) => (
          <Age key={name} name={name} />
        ))}
      </div>
    );
  });
}

function Age({ name }: { name: string }) {
  const atMs = asOfMs(name);
  if (atMs === 0) return <p>Nothing of {wordOf(name)} was read yet.</p>;
  return (
    <p>
      What you see of {wordOf(name)} is from <Ago at={atMs} />.
    </p>
  );
}

/** A topic as a person reads it: `candles:17` are candles. */
export function wordOf(name: string): string {
  return name.split(':')[0]!;
}
