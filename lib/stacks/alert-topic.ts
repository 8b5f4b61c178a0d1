import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { acknowledgeMailWithoutRedrive } from './acknowledgements.ts';

export interface AlertTopicProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  /** Who gets an e-mail; each has to confirm it once. */
  readonly emails: readonly string[];
}

/** Where whatever a person must know is sent: by the alerts function, and by CloudWatch when all of our code is down. */
export class AlertTopic extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { prefix, emails }: AlertTopicProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', {
      topicName: `${prefix}-alerts`,
      displayName: 'Evenkeel',
      enforceSSL: true,
    });
    for (const email of emails)
      acknowledgeMailWithoutRedrive(this.topic.addSubscription(new EmailSubscription(email)));
  }
}
