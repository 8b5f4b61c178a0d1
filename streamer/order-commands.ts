import { cancelAll, cancelOne } from './cancel-commands.ts';
import { flatten } from './flatten-command.ts';
import { modify } from './modify-command.ts';
import type { CommandHost, OrderCommandsOptions, TradeCommand } from './order-command-types.ts';
import { OwnOrders } from './own-orders.ts';
import { settle } from './settle-command.ts';

/** Carries out trading commands: each is answered, and those that send something are recorded before. */
export class OrderCommands {
  readonly #host: CommandHost;

  constructor(options: OrderCommandsOptions) {
    this.#host = { ...options, own: new OwnOrders(options) };
  }

  /** @throws when it must be tried again */
  async perform(command: TradeCommand, signal: AbortSignal): Promise<void> {
    switch (command.type) {
      case 'place':
      case 'place-bracket':
        return this.#host.desk.place(command, signal);
      case 'modify':
        return modify(command, this.#host, signal);
      case 'cancel':
        return cancelOne(command, this.#host, signal);
      case 'cancel-all':
        return cancelAll(command, this.#host, signal);
      case 'settle':
        return settle(command, this.#host, signal);
      case 'flatten':
        return flatten(command, this.#host, signal);
    }
  }
}
