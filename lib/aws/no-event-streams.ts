/**
 * What takes the place of the SDK's event streams in a function's bundle (lib/stacks/bundle.ts): they carry the answers
 * of a few operations (S3 Select, a Lambda's streamed response) that no function calls, and are 14 KiB of each.
 */
function leftOut(): never {
  throw new Error(
    'EVENT_STREAMS_LEFT_OUT: The function calls an operation of AWS that answers with an event stream, and its bundle has none. ' +
      'Nothing was sent. Take the alias of @smithy/core/event-streams out of lib/stacks/bundle-run.ts.',
  );
}

/** Clients call this when they are made; what it would add is used only where an operation streams. */
export const resolveEventStreamSerdeConfig = <Config>(config: Config): Config => config;

export const eventStreamSerdeProvider = leftOut;

export class EventStreamSerde {
  constructor() {
    leftOut();
  }
}
