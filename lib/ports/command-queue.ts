/** A command as it lies in the queue; `lib/events/command.ts` has its schema. */
export interface QueuedCommand {
  readonly body: string;
  /** What `remove` takes. */
  readonly receipt: string;
}

/** The streamer's end of the command queue. */
export interface CommandSource {
  /** Waits up to 20 s for commands; none is an empty list. Stops waiting when `signal` aborts. */
  receive(signal: AbortSignal): Promise<readonly QueuedCommand[]>;
  remove(receipt: string): Promise<void>;
}

/** The operator's end. */
export interface CommandSender {
  send(command: { readonly id: string; readonly group: string; readonly body: string }): Promise<void>;
}
