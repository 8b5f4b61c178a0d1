/** Clients of AWS, made once for each process. Region, credentials and endpoint come from the environment. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { EventPublisher } from '../ports/event-publisher.ts';
import { EventBridgePublisher } from './event-publisher.ts';

export function createEventBridgePublisher(eventBusName: string): EventPublisher {
  return new EventBridgePublisher({ client: new EventBridgeClient({}), eventBusName });
}
