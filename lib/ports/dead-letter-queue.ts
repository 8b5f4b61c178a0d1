/** A message that can never be handled, as it came. */
export interface DeadLetter {
  /** Of the message; putting it there again is the same dead letter. */
  readonly messageId: string;
  /** Message group that it came in. */
  readonly group: string;
  /** Unchanged. */
  readonly body: string;
  /** Code of what is wrong with it. */
  readonly reason: string;
  /** What is wrong with it, for a person. */
  readonly message: string;
}

/** Where messages go that can never be handled, for a person to look at. */
export interface DeadLetterQueue {
  put(letter: DeadLetter): Promise<void>;
}
