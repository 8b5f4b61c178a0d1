/** Clients of AWS, made once for each process. Region, credentials and endpoint come from the environment. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { EventPublisher } from '../ports/event-publisher.ts';
import { EventBridgePublisher } from './event-publisher.ts';
import { publishPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** @param source Source of the events; the streamer's when left out */
export function createEventBridgePublisher(eventBusName: string, source?: string): EventPublisher {
  // A call that never comes back would hold its place in the publisher for ever.
  const client = unlogged(new EventBridgeClient({ requestHandler: publishPatience }));
  return new EventBridgePublisher({ client, eventBusName, ...(source === undefined ? {} : { source }) });
}
