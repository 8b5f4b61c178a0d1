/** Addresses and keys of channels, by the channel's name. They are never logged and never part of an error. */
export interface ChannelSecret {
  readonly url: string;
  /** Of a signed webhook; '' for none. */
  readonly key: string;
}

export interface ChannelSecrets {
  /** @throws ChannelSecretError with a code; its words hold no address and no key */
  of(channel: string): Promise<ChannelSecret>;
}

export type ChannelSecretErrorCode = 'CHANNEL_SECRET_MISSING' | 'CHANNEL_SECRET_INVALID';

/** The secret of the stage does not have what a channel needs. */
export class ChannelSecretError extends Error {
  override readonly name = 'ChannelSecretError';
  readonly code: ChannelSecretErrorCode;

  constructor(code: ChannelSecretErrorCode, what: string) {
    super(
      `${code}: ${what} Its form is {"<channel>": {"url": "https://…", "key": "…"}}, the key for a signed webhook alone (docs/alerts.md).`,
    );
    this.code = code;
  }
}
