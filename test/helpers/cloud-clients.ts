import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { expect } from 'vitest';

/** Real SDK clients that speak to a local cloud as a role (its logical id) or as the operator. They do not retry by themselves. */
export function clientsOf(endpoint: string, accessKeyId: string, maxAttempts = 1): CloudClients {
  const config = {
    endpoint,
    region: 'eu-west-1',
    maxAttempts,
    credentials: { accessKeyId, secretAccessKey: 'local' },
  };
  return {
    dynamodb: new DynamoDBClient(config),
    events: new EventBridgeClient(config),
    lambda: new LambdaClient(config),
    logs: new CloudWatchLogsClient(config),
    secrets: new SecretsManagerClient(config),
    sqs: new SQSClient(config),
    sts: new STSClient(config),
  };
}

export interface CloudClients {
  readonly dynamodb: DynamoDBClient;
  readonly events: EventBridgeClient;
  readonly lambda: LambdaClient;
  readonly logs: CloudWatchLogsClient;
  readonly secrets: SecretsManagerClient;
  readonly sqs: SQSClient;
  readonly sts: STSClient;
}

/** The next message of a queue, with its attributes; fails when none comes within `seconds`. */
export async function receiveOne(
  { sqs }: CloudClients,
  endpoint: string,
  queue: string,
  seconds = 5,
): Promise<{ body: string; attributes: Record<string, string | undefined> }> {
  const { Messages: messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: `${endpoint}/000000000000/${queue}`,
      WaitTimeSeconds: seconds,
      MaxNumberOfMessages: 1,
      MessageAttributeNames: ['All'],
    }),
  );
  const [message] = messages ?? [];
  expect(message, `no message came to ${queue}`).toBeDefined();
  const attributes = Object.entries(message?.MessageAttributes ?? {});
  return {
    body: message?.Body ?? '',
    attributes: Object.fromEntries(attributes.map(([name, value]) => [name, value.StringValue])),
  };
}
