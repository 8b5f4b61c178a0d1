import { filled } from '../../lib/domain/safety/placeholder.ts';
import type { SecretValue } from '../../lib/ports/secret-store.ts';
import { CliError } from './exit.ts';
import type { Prompts } from './prompts.ts';
import { loginKeys, type StageSecret } from './stage-secrets.ts';

/** What is to be written, and whether keys that it does not name stay. */
export interface NewSecret {
  readonly value: SecretValue;
  readonly keep: boolean;
}

const channelName = /^[a-z][a-z0-9-]{0,62}$/;

/** Asks a person. A password is typed twice: IB locks a login after some wrong ones. */
export async function askSecret({ kind }: StageSecret, prompts: Prompts): Promise<NewSecret> {
  return kind === 'login'
    ? { value: await askLogin(prompts), keep: false }
    : { value: await askChannel(prompts), keep: true };
}

async function askLogin(prompts: Prompts): Promise<SecretValue> {
  const [userId, password] = loginKeys;
  const user = (await prompts.hidden(`${userId}, the user name at IB`, isFilled)).trim();
  const first = await prompts.hidden(password, isFilled);
  await prompts.hidden(`${password} once more`, (again) =>
    again === first ? undefined : 'That is not the same; delete it and type it again.',
  );
  return { [userId]: user, [password]: first };
}

async function askChannel(prompts: Prompts): Promise<SecretValue> {
  const name = await prompts.line('Name of the channel, as in the configuration', (text) =>
    channelName.test(text) ? undefined : 'Allowed: kebab-case, for example desk-slack.',
  );
  const url = (await prompts.hidden('url, the webhook', urlProblem)).trim();
  const key = await prompts.hidden('key to sign with, of a webhook (none: leave it empty)', (text) =>
    text === '' ? undefined : isFilled(text),
  );
  return { [name]: { url, ...(key === '' ? {} : { key }) } };
}

/**
 * The JSON that standard input holds; it is the whole secret.
 *
 * @throws CliError SECRET_INPUT_INVALID, which never repeats what was read
 */
export function parseSecret({ kind, short }: StageSecret, input: string): NewSecret {
  const wanted =
    kind === 'login'
      ? `an object with ${loginKeys.join(' and ')}`
      : 'an object with a key for each channel, each with url and, of a webhook, key';
  const refuse = (why: string): CliError =>
    new CliError(
      'SECRET_INPUT_INVALID',
      `What standard input holds is not ${wanted}: ${why}. Nothing was written to ${short}.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    // The error of the parser quotes what it read.
    throw refuse('it is no JSON');
  }
  if (!isObject(value)) throw refuse('it is no object');
  const why = kind === 'login' ? loginProblem(value) : channelsProblem(value);
  if (why !== undefined) throw refuse(why);
  return { value: value as SecretValue, keep: false };
}

function loginProblem(value: Readonly<Record<string, unknown>>): string | undefined {
  const other = Object.keys(value).find((key) => !loginKeys.some((known) => known === key));
  if (other !== undefined) return `there is no key ${other}`;
  for (const key of loginKeys) {
    const problem = textProblem(value[key]);
    if (problem !== undefined) return `${key} ${problem}`;
  }
  return undefined;
}

function channelsProblem(value: Readonly<Record<string, unknown>>): string | undefined {
  if (Object.keys(value).length === 0) return 'it has no channel';
  for (const [name, channel] of Object.entries(value)) {
    if (!channelName.test(name)) return 'the name of a channel is not in kebab-case';
    if (!isObject(channel)) return `${name} is no object`;
    for (const [key, text] of Object.entries(channel)) {
      const problem = textProblem(text);
      if (problem !== undefined) return `${name}.${key} ${problem}`;
    }
    const problem = urlProblem(typeof channel.url === 'string' ? channel.url : '');
    if (problem !== undefined) return `${name}.url: ${problem}`;
  }
  return undefined;
}

function textProblem(value: unknown): string | undefined {
  if (value === undefined) return 'is missing';
  if (typeof value !== 'string') return 'is no text';
  return isFilled(value)?.toLowerCase().replace(/\.$/, '');
}

function isFilled(text: string): string | undefined {
  const state = filled(text);
  if (state === 'filled') return undefined;
  return state === 'empty' ? 'Is empty.' : 'Is a placeholder.';
}

function urlProblem(text: string): string | undefined {
  const url = URL.parse(text.trim());
  if (url?.protocol !== 'https:') return 'Allowed: a URL that begins with https://.';
  return isFilled(text);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
