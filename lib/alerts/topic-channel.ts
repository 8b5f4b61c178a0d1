/** The channel of e-mails: a topic, whose subscribers AWS writes to. */
import type { AlertChannel, ChannelAnswer, ChannelMessage } from '../ports/alert-channel.ts';
import type { Topic } from '../ports/topic.ts';
import { mailOf } from './mail.ts';

export class TopicChannel implements AlertChannel {
  readonly #topic: Topic;

  constructor(topic: Topic) {
    this.#topic = topic;
  }

  async send(message: ChannelMessage): Promise<ChannelAnswer> {
    const { subject, text } = mailOf(message);
    try {
      return { ok: true, answer: `message ${await this.#topic.publish(subject, text)}` };
    } catch (error) {
      const name = error instanceof Error ? error.name : 'an error';
      const why = name.startsWith('InvalidParameter') ? 'refused' : 'later';
      return { ok: false, why, retryAfterMs: 0, problem: `SNS answered ${name}` };
    }
  }
}
