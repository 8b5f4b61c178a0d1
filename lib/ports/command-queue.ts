/** A command as it lies in the queue; `lib/events/command.ts` has its schema. */
export interface QueuedCommand {
  readonly body: string;
  /** What `remove` takes. */
  readonly receipt: string;
}

/**
 * How long a received command is kept from other readers unless it is held again. As long as the lease lives without a
 * renewal: whoever takes over from a holder that was killed finds the commands it had begun.
 */
export const heldMs = 20_000;

/** The streamer's end of the command queue. */
export interface CommandSource {
  /** Waits up to 20 s for commands; none is an empty list. Stops waiting when `signal` aborts. */
  receive(signal: AbortSignal): Promise<readonly QueuedCommand[]>;
  /** Keeps a received command, and its group, from other readers for another `heldMs`. */
  hold(receipt: string): Promise<void>;
  /** Lets the next reader have it at once. */
  giveBack(receipt: string): Promise<void>;
  remove(receipt: string): Promise<void>;
}

/** The operator's end. */
export interface CommandSender {
  send(command: { readonly id: string; readonly group: string; readonly body: string }): Promise<void>;
}
