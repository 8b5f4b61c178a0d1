import { setTimeout as sleep } from 'node:timers/promises';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Command } from '../lib/events/command.ts';
import { type CommandSource, heldMs, type QueuedCommand } from '../lib/ports/command-queue.ts';
import { checkCommand } from './command-check.ts';
import type { Logger } from './logger.ts';
import { waitingMs } from './waiting-time.ts';

/** For a message that is on its way: where its poll is given up, it is hidden from the next holder for `heldMs`. */
const LAST_POLL_MS = 100;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 30_000;

export interface CommandRunnerOptions {
  readonly account: string;
  readonly source: CommandSource;
  /** Carries a command out; throws when it must be tried again, and gives up when `signal` aborts. */
  readonly perform: (command: Command, signal: AbortSignal) => Promise<void>;
  readonly raise: (alert: EventData<'alert.raised'>) => void;
  /** Whether the lease is held at this moment: only then is a command taken from the queue. */
  readonly mayWrite: () => boolean;
  readonly logger: Logger;
  readonly systemMs: () => number;
  /** A clock that nobody sets, for waiting; the system's where left out. */
  readonly steadyMs?: () => number;
}

export interface CommandStats {
  readonly done: number;
  readonly refused: number;
  readonly failed: number;
}

/**
 * Takes commands from the queue while the lease is held, and carries them out one at a time; a snapshot beside them,
 * because a list of the broker that does not come to its end must not hold up a person's cancel. A message is removed
 * once its command is done or refused; what fails is given back, and after some attempts lies in the dead-letter queue.
 */
export class CommandRunner {
  readonly #options: CommandRunnerOptions;
  readonly #abort = new AbortController();
  readonly #poll = new AbortController();
  #running: Promise<void> | undefined;
  /** Until the last snapshot has been taken: one behind the other. Never rejects. */
  #asking = Promise.resolve();
  #failuresInARow = 0;
  #stats = { done: 0, refused: 0, failed: 0 };

  constructor(options: CommandRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Takes no more commands, and leaves the one that is being carried out to the next holder. */
  async stop(): Promise<void> {
    this.#abort.abort();
    const late = setTimeout(() => this.#poll.abort(), LAST_POLL_MS);
    await this.#running;
    clearTimeout(late);
    await this.#asking;
  }

  stats(): CommandStats {
    return { ...this.#stats };
  }

  async #run(): Promise<void> {
    const { source, mayWrite } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      // A clock that was set makes the lease doubtful for a moment; who ends the term stops this.
      if (!mayWrite()) {
        await this.#rest(RETRY_FIRST_MS);
        continue;
      }
      try {
        const commands = await source.receive(this.#poll.signal);
        for (const queued of commands) {
          if (signal.aborted || !mayWrite()) await this.#quietly(source.giveBack(queued.receipt));
          else await this.#handle(queued);
        }
        this.#failuresInARow = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#noteFailure(error);
        await this.#pause();
      }
    }
  }

  async #handle({ body, receipt }: QueuedCommand): Promise<void> {
    const { account, source, raise, logger, systemMs } = this.#options;
    const checked = checkCommand(body, account, systemMs());
    if (!checked.ok) {
      logger.warn(checked.alert.message, { alert: checked.alert.alert, subject: checked.alert.subject });
      raise(checked.alert);
      this.#stats.refused += 1;
      await source.remove(receipt);
      return;
    }
    const { command } = checked;
    if (command.type !== 'snapshot') return this.#carryOut(command, receipt);
    this.#asking = this.#asking.then(() => this.#ask(command, receipt));
  }

  async #ask(command: Command, receipt: string): Promise<void> {
    const { source, mayWrite } = this.#options;
    const { signal } = this.#abort;
    if (signal.aborted || !mayWrite()) return this.#quietly(source.giveBack(receipt));
    try {
      await this.#carryOut(command, receipt);
    } catch (error) {
      if (!signal.aborted) this.#noteFailure(error);
    }
  }

  async #carryOut(command: Command, receipt: string): Promise<void> {
    const { source, logger } = this.#options;
    logger.info(`Command ${command.type}`, { id: command.id, issuedBy: command.issuedBy });
    await this.#held(receipt, () => this.#perform(command));
    this.#stats.done += 1;
    // Behind whatever was told of it: an event is in the outbox by the time its message goes.
    await source.remove(receipt);
  }

  #noteFailure(error: unknown): void {
    this.#stats.failed += 1;
    this.#options.logger.error('A command could not be received or carried out; it stays in its queue', {
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    });
  }

  /** While `work` goes on nobody else gets the message, nor any of its group; if it fails, the next reader gets it at once. */
  async #held(receipt: string, work: () => Promise<void>): Promise<void> {
    const { source } = this.#options;
    const timer = setInterval(() => void this.#quietly(source.hold(receipt)), heldMs / 3);
    try {
      await work();
    } catch (error) {
      await this.#quietly(source.giveBack(receipt));
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** What cannot be held or given back comes back by itself, only later. */
  async #quietly(change: Promise<void>): Promise<void> {
    await change.catch((error: unknown) =>
      this.#options.logger.warn('A command could not be held', { error: String(error) }),
    );
  }

  /** Again while it is valid: here, because each return to the queue counts towards its dead letters. */
  async #perform(command: Command): Promise<void> {
    const { perform, mayWrite, logger, systemMs, steadyMs = systemMs } = this.#options;
    const untilMs = steadyMs() + waitingMs(command.validUntil, systemMs());
    for (;;) {
      try {
        await perform(command, this.#abort.signal);
        return;
      } catch (error) {
        const isOver = untilMs <= steadyMs() + RETRY_FIRST_MS;
        if (isOver || this.#abort.signal.aborted || !mayWrite()) throw error;
        this.#stats.failed += 1;
        logger.warn(`Command ${command.type} failed and is tried again`, {
          id: command.id,
          error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
        });
        await this.#rest(RETRY_FIRST_MS);
      }
    }
  }

  async #pause(): Promise<void> {
    const pauseMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.#failuresInARow, 10));
    this.#failuresInARow += 1;
    await this.#rest(pauseMs);
  }

  async #rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }
}
