/** Where a text is published to whoever has subscribed. */
export interface Topic {
  /** @returns the id that the topic gave it */
  publish(subject: string, text: string): Promise<string>;
}
