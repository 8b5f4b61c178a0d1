/** Addresses and keys of the alert channels, from one secret of the stage. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type ChannelSecret, ChannelSecretError, type ChannelSecrets } from '../ports/channel-secrets.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** One that was changed is known after this. */
const keptMs = 5 * 60_000;
/** The port of a webhook on this machine, which the sandbox may speak to without TLS. */
const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

export interface SecretsManagerChannelsOptions {
  readonly client: SecretsManagerClient;
  readonly secretName: string;
  /** The sandbox's own server on this machine has no TLS. */
  readonly mayBeLocal: boolean;
  readonly nowMs: () => number;
}

export class SecretsManagerChannels implements ChannelSecrets {
  readonly #options: SecretsManagerChannelsOptions;
  #read: { readonly atMs: number; readonly text: string } | undefined;

  constructor(options: SecretsManagerChannelsOptions) {
    this.#options = options;
  }

  async of(channel: string): Promise<ChannelSecret> {
    const all = this.#parse(await this.#text());
    const found = Object.hasOwn(all, channel) ? all[channel] : undefined;
    if (found === undefined) throw this.#missing(`It has no entry "${channel}".`);
    const { url, key } = (found ?? {}) as { readonly url?: unknown; readonly key?: unknown };
    if (typeof url !== 'string' || !this.#isAllowed(url))
      throw this.#invalid(`The "url" of "${channel}" is no https address.`);
    if (key !== undefined && typeof key !== 'string')
      throw this.#invalid(`The "key" of "${channel}" is no text.`);
    return { url, key: key ?? '' };
  }

  async #text(): Promise<string> {
    const { client, secretName, nowMs } = this.#options;
    if (this.#read !== undefined && nowMs() - this.#read.atMs < keptMs) return this.#read.text;
    let text: string | undefined;
    try {
      ({ SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretName })));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The words of AWS name the secret and the role, never what is in it.
      throw this.#missing(`Secrets Manager answered ${error.name}.`);
    }
    if (text === undefined) throw this.#invalid('It holds no text.');
    this.#read = { atMs: nowMs(), text };
    return text;
  }

  /** A parser's own words would quote what it read. */
  #parse(text: string): Readonly<Record<string, unknown>> {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#read = undefined;
      throw this.#invalid('It is no JSON object.');
    }
    return value as Readonly<Record<string, unknown>>;
  }

  #isAllowed(text: string): boolean {
    const url = URL.parse(text);
    if (url === null) return false;
    return (
      url.protocol === 'https:' ||
      (this.#options.mayBeLocal && url.protocol === 'http:' && loopback.has(url.hostname))
    );
  }

  /** What is missing may be there at the next attempt. */
  #missing(what: string): ChannelSecretError {
    this.#read = undefined;
    return new ChannelSecretError(
      'CHANNEL_SECRET_MISSING',
      `The secret ${this.#options.secretName}: ${what}`,
    );
  }

  #invalid(what: string): ChannelSecretError {
    this.#read = undefined;
    return new ChannelSecretError(
      'CHANNEL_SECRET_INVALID',
      `The secret ${this.#options.secretName}: ${what}`,
    );
  }
}

/** Of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openChannelSecrets(secretName: string, mayBeLocal: boolean): ChannelSecrets {
  const client = unlogged(new SecretsManagerClient({ requestHandler: requestPatience }));
  return new SecretsManagerChannels({ client, secretName, mayBeLocal, nowMs: Date.now });
}
