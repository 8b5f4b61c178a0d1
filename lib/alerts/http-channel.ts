/** A channel that is one POST: Slack, Discord, a webhook. Address and key are in no answer, no error and no log. */
import type { AlertChannel, ChannelAnswer, ChannelMessage } from '../ports/alert-channel.ts';
import { type ChannelSecret, ChannelSecretError, type ChannelSecrets } from '../ports/channel-secrets.ts';
import { discordBody } from './discord.ts';
import { masked } from './mask.ts';
import { slackBody } from './slack.ts';
import { signedHeaders, webhookBody } from './webhook.ts';
import { short } from './words.ts';

export type HttpChannelType = 'slack' | 'discord' | 'webhook';

const patienceMs = 5_000;
const answerCharsMax = 200;
/** The message itself is wrong: it would be refused again. */
const refusals: ReadonlySet<number> = new Set([400, 413, 422]);

const bodies: Readonly<Record<HttpChannelType, (message: ChannelMessage) => object>> = {
  slack: slackBody,
  discord: discordBody,
  webhook: webhookBody,
};

export interface HttpChannelOptions {
  readonly name: string;
  readonly type: HttpChannelType;
  readonly secrets: ChannelSecrets;
  readonly fetch: typeof globalThis.fetch;
  readonly nowMs: () => number;
}

export class HttpChannel implements AlertChannel {
  readonly #options: HttpChannelOptions;

  constructor(options: HttpChannelOptions) {
    this.#options = options;
  }

  async send(message: ChannelMessage): Promise<ChannelAnswer> {
    const { name, secrets } = this.#options;
    let secret: ChannelSecret;
    try {
      secret = await secrets.of(name);
    } catch (error) {
      return later(error instanceof ChannelSecretError ? error.message : 'the secret could not be read');
    }
    if (this.#options.type === 'webhook' && secret.key === '')
      return later(`CHANNEL_SECRET_INVALID: the entry "${name}" of the secret has no "key" to sign with.`);
    return this.#post(message, secret);
  }

  async #post(message: ChannelMessage, secret: ChannelSecret): Promise<ChannelAnswer> {
    const { type, fetch, nowMs } = this.#options;
    const { url, key } = secret;
    const body = JSON.stringify(bodies[type](message));
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'evenkeel',
      ...(type === 'webhook' ? signedHeaders(body, message, key) : {}),
    };
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        // Another address has not been named by anybody.
        redirect: 'error',
        signal: AbortSignal.timeout(patienceMs),
      });
      // A service may answer with what it was called by. As it came: a piece of a secret is not known for one any more.
      const whole = masked(await response.text(), secret);
      const said = short(whole.replaceAll(/\s+/g, ' ').trim(), answerCharsMax);
      const words = `${response.status}${said === '' ? '' : `: ${said}`}`;
      if (response.ok) return { ok: true, answer: words };
      return {
        ok: false,
        why: refusals.has(response.status) ? 'refused' : 'later',
        retryAfterMs: retryAfter(response.headers.get('retry-after'), nowMs()),
        problem: `it answered ${words}`,
      };
    } catch (error) {
      return later(`it cannot be reached (${codeOf(error)})`);
    }
  }
}

function later(problem: string): ChannelAnswer {
  return { ok: false, why: 'later', retryAfterMs: 0, problem };
}

/** Seconds, or a date. */
function retryAfter(text: string | null, nowMs: number): number {
  if (text === null) return 0;
  const ms = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms)) : 0;
}

/** The name of what went wrong; the words of an error may hold the address. */
function codeOf(error: unknown): string {
  const { name, cause } = error as { readonly name?: unknown; readonly cause?: { readonly code?: unknown } };
  if (typeof cause?.code === 'string') return cause.code;
  return name === 'TimeoutError' ? `no answer within ${patienceMs / 1_000} s` : 'the connection failed';
}
