/** A way to people: e-mail, Slack, Discord, a webhook. */
import type { AlertMessage } from '../domain/alerts/types.ts';

export type ChannelAnswer =
  | { readonly ok: true; readonly answer: string }
  | {
      readonly ok: false;
      /** `refused`: the same message would be refused again. */
      readonly why: 'later' | 'refused';
      /** As the channel asked; 0 for none. */
      readonly retryAfterMs: number;
      /** For a person; never holds an address or a key. */
      readonly problem: string;
    };

export interface AlertChannel {
  /** Never throws. */
  send(message: ChannelMessage): Promise<ChannelAnswer>;
}

/** A message of the desk, or a test. */
export interface ChannelMessage extends AlertMessage {
  readonly stage: string;
  /** The same when it is sent again. */
  readonly id: string;
  /** System time, Unix ms. */
  readonly sentMs: number;
  /** Not null: this is a test, asked for so. */
  readonly test: string | null;
}
