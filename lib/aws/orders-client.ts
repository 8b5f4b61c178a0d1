/** The sender's end of trading: commands of one account, to the FIFO queue of its streamer. */
import { createHash, randomUUID } from 'node:crypto';
import { uuidOf } from '../domain/orders/command-id.ts';
import type { LegName } from '../domain/orders/order-wish.ts';
import { type Command, type CommandInput, commandSchema, intentKey } from '../events/command.ts';
import { tradeGroup } from '../events/command-names.ts';
import type { CommandSender } from '../ports/command-queue.ts';
import { openCommandSenders } from './command-queue.ts';

const validForMsByDefault = 30_000;

type InputOf<T extends CommandInput['type']> = Extract<CommandInput, { type: T }>;
type LegInput = Omit<InputOf<'place'>['order'], 'leg'>;

/** One order. Quantity and prices are decimal text; what has a default (no price, DAY, regular hours) may be left out. */
export type OrderInput = LegInput & { readonly conId: number };

/** An entry with the orders that end it: opposite side, the entry's quantity, good till cancelled unless said otherwise. */
export interface BracketInput {
  readonly conId: number;
  readonly entry: LegInput;
  readonly takeProfit?: ChildInput & { readonly limitPrice: string };
  /** A stop; with a limit price a stop limit. */
  readonly stopLoss?: ChildInput & { readonly stopPrice: string; readonly limitPrice?: string };
}

type ChildInput = Pick<LegInput, 'timeInForce' | 'outsideRth'>;

/** What changes about an order; what is left out stays. Decimal text. */
export interface ChangeInput {
  readonly leg?: LegName;
  readonly quantity?: string;
  readonly limitPrice?: string;
  readonly stopPrice?: string;
}

export interface SendOptions {
  /**
   * Names what is wanted, 1 to 64 letters, digits or `. _ : -`. Sent again with the same key it is the same command: SQS
   * drops it within five minutes, the streamer knows it for ever.
   */
  readonly key?: string;
}

/** It lies in the queue; what becomes of it, the event `command.answered` tells. */
export interface SentCommand {
  readonly commandId: string;
  /** The intent's key as it was given; `''` where the streamer makes one, and for commands on orders that exist. */
  readonly key: string;
}

export interface OrdersClient {
  /** Without a key every call is a command of its own, which the streamer knows by what is ordered within ten seconds. */
  place(order: OrderInput, options?: SendOptions): Promise<SentCommand>;
  placeBracket(bracket: BracketInput, options?: SendOptions): Promise<SentCommand>;
  /** @param orderKey key of the order; the key in `options` names this change of it */
  modify(orderKey: string, change: ChangeInput, options?: SendOptions): Promise<SentCommand>;
  /** Ids as the order's events and the book have them; orders of other API clients are never cancelled. */
  cancel(
    order: { readonly permId: number; readonly clientId: number; readonly orderId: number },
    options?: SendOptions,
  ): Promise<SentCommand>;
  /** All working orders of this stage's client, or those of one contract. */
  cancelAll(which?: { readonly conId?: number }, options?: SendOptions): Promise<SentCommand>;
  /**
   * Says how an order ended that IB's lists do not have any more; only by a person.
   *
   * @param orderKey its key in the book
   */
  settle(
    orderKey: string,
    how: { readonly end: 'Cancelled' | 'Filled'; readonly reason: string },
    options?: SendOptions,
  ): Promise<SentCommand>;
  /** Closes the position in a contract. */
  flatten(position: { readonly conId: number }, options?: SendOptions): Promise<SentCommand>;
}

interface Common {
  /** IB account, for example `DU1234567`. */
  readonly account: string;
  /** Who asks, for the audit trail: the strategy's name, an ARN. */
  readonly issuedBy: string;
  /** After so long the streamer no longer carries the command out. */
  readonly validForMs?: number;
  /** A person at the command line may cancel in SAFE_MODE and protect a position while the lock holds. */
  readonly by?: 'person' | 'program';
  /** System time, Unix milliseconds UTC. */
  readonly nowMs?: () => number;
}

/** The queue by its URL (region and credentials from the environment), or one that is open already. */
export type OrdersClientOptions = Common &
  ({ readonly queueUrl: string } | { readonly sender: CommandSender });

/** The command is not one that a streamer could read. Nothing was sent. */
export class OrderCommandError extends Error {
  override readonly name = 'OrderCommandError';
  readonly code = 'ORDER_COMMAND_INVALID';
  /** `order.quantity`, `key` */
  readonly field: string;

  constructor(type: string, field: string, problem: string) {
    super(
      `ORDER_COMMAND_INVALID: The field ${field} of the command ${type} cannot be sent: ${problem}. Nothing was sent. Correct it; quantities and prices are decimal text.`,
    );
    this.field = field;
  }
}

/**
 * A client that sends an account's trading commands.
 *
 * Its calls throw OrderCommandError (`ORDER_COMMAND_INVALID`) before anything is sent, and errors of SQS, after which it is
 * unknown whether the command lies in the queue: send it again with the same key.
 */
export function ordersClient(options: OrdersClientOptions): OrdersClient {
  const { account, issuedBy, validForMs = validForMsByDefault, by = 'program', nowMs = Date.now } = options;
  const sender = 'sender' in options ? options.sender : openCommandSenders()(options.queueUrl);

  const send = async (
    type: CommandInput['type'],
    fields: Readonly<Record<string, unknown>>,
    name: string | undefined,
  ): Promise<string> => {
    if (name !== undefined) checkKey(type, name);
    const id = name === undefined ? randomUUID() : commandIdOf(account, type, name);
    const issuedMs = nowMs();
    const command = checked(type, {
      ...fields,
      type,
      id,
      version: 1,
      account,
      by,
      issuedBy,
      issuedAt: new Date(issuedMs).toISOString(),
      validUntil: new Date(issuedMs + validForMs).toISOString(),
    });
    await sender.send({ id, group: tradeGroup(account), body: JSON.stringify(command) });
    return id;
  };
  /** For commands whose key is that of the intent as well. */
  const sendIntent = async (
    type: CommandInput['type'],
    fields: Readonly<Record<string, unknown>>,
    key: string | undefined,
  ): Promise<SentCommand> => ({
    commandId: await send(type, key === undefined ? fields : { ...fields, key }, key),
    key: key ?? '',
  });

  return {
    place: ({ conId, ...order }, { key } = {}) => sendIntent('place', { conId, order }, key),
    placeBracket: (bracket, { key } = {}) =>
      sendIntent('place-bracket', { conId: bracket.conId, legs: legsOf(bracket) }, key),
    modify: async (orderKey, change, { key } = {}) => ({
      commandId: await send('modify', { ...change, key: orderKey }, key),
      key: orderKey,
    }),
    cancel: async ({ permId, clientId, orderId }, { key } = {}) => ({
      commandId: await send('cancel', { permId, clientId, orderId }, key),
      key: '',
    }),
    cancelAll: async ({ conId } = {}, { key } = {}) => ({
      commandId: await send('cancel-all', { conId: conId ?? null }, key),
      key: '',
    }),
    settle: async (orderKey, { end, reason }, { key } = {}) => ({
      commandId: await send('settle', { orderKey, end, reason }, key),
      key: '',
    }),
    flatten: ({ conId }, { key } = {}) => sendIntent('flatten', { conId }, key),
  };
}

/** The id of the command that has this key: the same for whoever makes it, however often. */
export function commandIdOf(account: string, type: CommandInput['type'], key: string): string {
  const text = JSON.stringify(['trading command', account, type, key]);
  return uuidOf(createHash('sha256').update(text).digest('hex'));
}

function legsOf({ entry, takeProfit, stopLoss }: BracketInput) {
  const child = {
    action: entry.action === 'BUY' ? 'SELL' : 'BUY',
    quantity: entry.quantity,
    timeInForce: 'GTC',
  };
  return [
    { ...entry, leg: 'entry' },
    ...(takeProfit ? [{ ...child, ...takeProfit, leg: 'take-profit', orderType: 'LMT' }] : []),
    ...(stopLoss
      ? [
          {
            ...child,
            ...stopLoss,
            leg: 'stop-loss',
            orderType: stopLoss.limitPrice === undefined ? 'STP' : 'STP LMT',
          },
        ]
      : []),
  ];
}

function checked(type: string, command: unknown): Command {
  const { success, data, error } = commandSchema.safeParse(command);
  if (success) return data;
  const [issue] = error.issues;
  throw new OrderCommandError(type, issue?.path.join('.') || 'command', issue?.message ?? 'it is no command');
}

function checkKey(type: string, key: string): void {
  const { success, error } = intentKey.safeParse(key);
  if (!success) throw new OrderCommandError(type, 'key', error.issues[0]?.message ?? 'it is no key');
}
