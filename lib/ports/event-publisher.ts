/** What the bus needs to know of an event: it goes out as its JSON. `Envelope` of lib/events is one. */
export interface OutgoingEvent {
  readonly id: string;
  /** The event's name. */
  readonly type: string;
}

/** What became of one event. A failure may pass: the sender keeps the event and tries it again. */
export type PublishResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** `EntryTooLarge` never passes; every other code may. */
      readonly code: string;
      readonly message: string;
    };

/** The most events that one call takes. */
export const publishBatchMax = 10;

/** The way to the event bus. */
export interface EventPublisher {
  /**
   * Sends at most ten events. Never throws for a failure of the bus or the network: that is a result.
   *
   * @returns one result for each event, at its index
   */
  publish(events: readonly OutgoingEvent[]): Promise<readonly PublishResult[]>;
}
