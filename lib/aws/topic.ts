/** A topic of SNS: what is published goes to everybody who has subscribed and confirmed it. */
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { Topic } from '../ports/topic.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** SNS takes 99 signs of ASCII as the subject of an e-mail. */
const subjectCharsMax = 99;

export class SnsTopic implements Topic {
  readonly #client: SNSClient;
  readonly #arn: string;

  constructor({ client, arn }: { readonly client: SNSClient; readonly arn: string }) {
    this.#client = client;
    this.#arn = arn;
  }

  async publish(subject: string, text: string): Promise<string> {
    const { MessageId } = await this.#client.send(
      new PublishCommand({ TopicArn: this.#arn, Subject: asSubject(subject), Message: text }),
    );
    return MessageId ?? '';
  }
}

/** Starts with no space, has no line ends and no signs that SNS refuses. */
function asSubject(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]+/g, '?').trimStart();
  return plain.slice(0, subjectCharsMax) || 'Evenkeel';
}

/** Of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openTopic(arn: string): Topic {
  // One attempt: the desk of alerts tries again by itself, and knows when.
  return new SnsTopic({
    arn,
    client: unlogged(new SNSClient({ requestHandler: requestPatience, maxAttempts: 1 })),
  });
}
