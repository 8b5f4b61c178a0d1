/** The small words of every view: times, states, figures. A state is always said in letters too, never by colour alone. */
import type { ComponentChildren } from 'preact';
import { age, dateTime, msOf, utc } from '../format.ts';
import { nowMs } from '../topics.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'calm' | 'info';

/** A moment in the configured zone; UTC on hover and for machines. */
export function Moment({ at, none = '' }: { at: number | string | null | undefined; none?: string }) {
  const ms = msOf(at);
  if (ms === null) return <span class="dim">{none}</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={utc(ms)}>
      {dateTime(ms)}
    </time>
  );
}

/** How long ago, as it goes on; the moment itself on hover. */
export function Ago({ at, after = 'ago' }: { at: number | string | null | undefined; after?: string }) {
  const ms = msOf(at);
  if (ms === null) return <span class="dim">never</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={`${dateTime(ms)}, ${utc(ms)}`}>
      {age(nowMs.value - ms)} {after}
    </time>
  );
}

const marks: Readonly<Record<Tone, string>> = { good: '✓', warn: '!', bad: '✕', calm: '–', info: 'i' };

export function State({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`state ${tone}`}>
      <span class="mark" aria-hidden="true">
        {marks[tone]}
      </span>
      {children}
    </span>
  );
}

export const severityTone: Readonly<Record<string, Tone>> = {
  CRITICAL: 'bad',
  HIGH: 'bad',
  MEDIUM: 'warn',
  INFO: 'info',
};

export function planTone(state: string): Tone {
  if (state === 'applied') return 'good';
  if (state === 'refused' || state === 'rejected') return 'bad';
  return state === 'superseded' ? 'calm' : 'warn';
}

export function orderTone(status: string): Tone {
  if (status === 'Filled') return 'good';
  if (status === 'Rejected' || status === 'Inactive' || status === 'Unknown') return 'bad';
  if (status === 'Cancelled' || status === 'ApiCancelled' || status === 'Expired') return 'calm';
  return 'info';
}

/** The beginning of a hash; the whole of it on hover and for copying. */
export function Hash({ value, length = 12 }: { value: string; length?: number }) {
  return (
    <code title={value} class="hash">
      {value.slice(0, length)}
    </code>
  );
}

export function Facts({
  children,
  hasLongNames = false,
}: {
  children: ComponentChildren;
  hasLongNames?: boolean;
}) {
  return <dl class={hasLongNames ? 'facts long-names' : 'facts'}>{children}</dl>;
}

/** A word such as AWAITING_DRY_RUN_CONFIRM, which may be broken where it has a joint. */
export function Jointed({ word }: { word: string }) {
  return (
    <>
      {word.split('_').map((part, at) => (
        <>
          {at === 0 ? null : (
            <>
              _<wbr />
            </>
          )}
          {part}
        </>
      ))}
    </>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Card({
  title,
  aside,
  children,
  wide = false,
}: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const id = `card-${title.toLowerCase().replaceAll(/\W+/g, '-')}`;
  return (
    <section class={wide ? 'card wide' : 'card'} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** Nothing is there: what that means, and what to do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  );
}

export function Command({ children }: { children: string }) {
  return <code class="command">{children}</code>;
}
