/** Clients of AWS, made once for each process. Region, credentials and endpoint come from the environment. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { EventPublisher } from '../ports/event-publisher.ts';
import { EventBridgePublisher } from './event-publisher.ts';

export function createEventBridgePublisher(eventBusName: string): EventPublisher {
  // A call that never comes back would hold its place in the publisher for ever.
  const client = new EventBridgeClient({
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000 },
  });
  return new EventBridgePublisher({ client, eventBusName });
}
