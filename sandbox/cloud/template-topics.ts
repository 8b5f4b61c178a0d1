import { unsupported } from './intrinsics.ts';
import type { TopicModel } from './model.ts';
import type { Resource, TemplateReader } from './template.ts';

/** A topic with who has subscribed to it. Only e-mail: it ends outside of the machine in any case. */
export function buildTopic({ name, arn }: Resource, reader: TemplateReader): TopicModel {
  const subscriptions = reader
    .all('AWS::SNS::Subscription')
    .filter(
      ({ logicalId, props }) =>
        reader.byArn(props.TopicArn, ['AWS::SNS::Topic'], `${logicalId}.TopicArn`).arn === arn,
    )
    .map(({ logicalId, props }) => {
      if (props.Protocol !== 'email')
        throw unsupported(`${logicalId}.Protocol`, `the subscription protocol ${String(props.Protocol)}`);
      return String(props.Endpoint);
    });
  return { name, arn, subscriptions };
}
