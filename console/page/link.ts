/** The way to the console's server: the token of this start, questions, actions, and the stream of what changes. */
import type { Message, Reply } from '../wire/messages.ts';
import { link, take } from './topics.ts';

const tokenKey = 'evenkeel-token';
const againMs = [500, 1_000, 2_000, 5_000];
/** A page that nobody sees stops asking. */
const restAfterMs = 60_000;
/** Characters. */
const longMessage = 100_000;

/**
 * The token comes behind the `#` of the address, which a browser sends to nobody. It is kept for this tab alone, and
 * taken out of the address, so that it is not bookmarked or shown on a shared screen.
 */
export function takeToken(): void {
  const given = /^#token=([\w-]{20,})$/.exec(location.hash)?.[1];
  if (given === undefined) return;
  sessionStorage.setItem(tokenKey, given);
  history.replaceState(null, '', '#/overview');
}

function headers(): Record<string, string> {
  return {
    'content-type': 'application/json',
    authorization: `Bearer ${sessionStorage.getItem(tokenKey) ?? ''}`,
  };
}

async function post(path: string, body: unknown): Promise<Reply> {
  try {
    const response = await fetch(path, { method: 'POST', headers: headers(), body: JSON.stringify(body) });
    if (response.status === 401) link.value = 'denied';
    return (await response.json()) as Reply;
  } catch {
    return {
      ok: false,
      code: 'CONSOLE_UNREACHABLE',
      message:
        'The console does not answer. Is the command still running? Whether it was done, the audit trail says.',
    };
  }
}

export function ask(question: { readonly ask: string; readonly [name: string]: unknown }): Promise<Reply> {
  return post('/api/ask', question);
}

/** A number that is good for one action. */
export async function once(): Promise<string> {
  const reply = await post('/api/once', {});
  return reply.ok ? String(reply.result) : '';
}

export function act(
  action: { readonly action: string; readonly [name: string]: unknown },
  number: string,
): Promise<Reply> {
  return post('/api/do', { ...action, once: number });
}

let wanted: readonly string[] = [];
let current: AbortController | undefined;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let resting: ReturnType<typeof setTimeout> | undefined;

/** Follows these topics and no others. */
export function follow(topics: readonly string[]): void {
  if (current !== undefined && topics.join() === wanted.join()) return;
  wanted = topics;
  reconnect();
}

export function restWhenHidden(): void {
  document.addEventListener('visibilitychange', () => {
    clearTimeout(resting);
    if (document.visibilityState === 'hidden') {
      resting = setTimeout(() => {
        current?.abort();
        clearTimeout(timer);
        link.value = 'resting';
      }, restAfterMs);
    } else if (link.value === 'resting') reconnect();
  });
}

function reconnect(): void {
  current?.abort();
  clearTimeout(timer);
  if (link.value === 'resting') link.value = 'connecting';
  const mine = new AbortController();
  current = mine;
  void stream(mine.signal).then((outcome) => {
    if (mine.signal.aborted) return;
    link.value = outcome;
    if (outcome === 'denied') return;
    timer = setTimeout(reconnect, againMs[Math.min(failures, againMs.length - 1)]);
    failures += 1;
  });
}

async function stream(signal: AbortSignal): Promise<'lost' | 'denied'> {
  try {
    const body = JSON.stringify({ topics: wanted });
    const response = await fetch('/api/stream', { method: 'POST', headers: headers(), body, signal });
    if (response.status === 401) return 'denied';
    if (!response.ok || response.body === null) return 'lost';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parts: string[] = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return 'lost';
      link.value = 'live';
      failures = 0;
      parts.push(value);
      // A long message comes in many pieces: they are joined once, at its end.
      if (!/^\n|\n\n|\n$/.test(value)) continue;
      const messages = parts.join('').split('\n\n');
      parts.length = 0;
      parts.push(messages.pop() ?? '');
      for (const text of messages) {
        take(JSON.parse(text.slice('data: '.length)) as Message);
        // Between two long ones a person's input comes first.
        if (text.length > longMessage) await new Promise((resolve) => void setTimeout(resolve));
      }
    }
  } catch {
    return 'lost';
  }
}
