import type { OpenOrderFact, OrderStatusFact } from '../lib/domain/orders/broker-facts.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Command } from '../lib/events/command.ts';
import type { ListResult } from './broker-lists.ts';
import type { Logger } from './logger.ts';

export type CancelCommand = Extract<Command, { type: 'cancel' }>;

/** IB's words for an order that nothing more becomes of; a list that is being told may still have it. */
const ended: ReadonlySet<string> = new Set(['Filled', 'Cancelled', 'ApiCancelled']);

/** `sent`: the broker has been asked to end it, now or before. */
export type CancelOutcome = 'sent' | 'not-open' | 'foreign' | 'expired';

/** What a cancel needs of the streamer. */
export interface CancelHost {
  /** Of our own session. */
  readonly clientId: number;
  /** The open orders of all clients, asked for now. */
  collect(): Promise<ListResult>;
  /** Whether the lease is held at this moment. */
  readonly mayWrite: () => boolean;
  /** By the order's id at our client; false where there is no connection, and so nothing was sent. */
  cancel(orderId: number): boolean;
  raise(alert: EventData<'alert.raised'>): void;
  readonly logger: Logger;
  readonly systemMs: () => number;
}

/** The broker could not be asked, or may not be told: the command stays in its queue. Nothing was cancelled. */
export class CancelPostponedError extends Error {
  override readonly name = 'CancelPostponedError';
  readonly code = 'CANCEL_POSTPONED';

  constructor({ id, permId, validUntil }: CancelCommand, why: string) {
    super(
      `CANCEL_POSTPONED: The order ${permId} was not cancelled (command ${id}): ${why}. It is tried again if its queue gives it back before ${validUntil}; after that an alert says so.`,
    );
  }
}

/**
 * Cancels one order of our own client. An order id names an order only within one run of ids, so the broker is asked
 * first whether it is still the order that was meant. That of another client is answered by an alert: IB lets nobody
 * else cancel it but by a global cancel, which is never sent.
 *
 * @throws CancelPostponedError when it must be tried again
 */
export async function cancelOrder(
  command: CancelCommand,
  host: CancelHost,
  signal: AbortSignal,
): Promise<CancelOutcome> {
  const { permId, clientId, orderId, validUntil } = command;
  if (clientId !== host.clientId) {
    host.raise(foreign(command, `client ${clientId}`, host));
    return 'foreign';
  }
  const isLate = () => host.systemMs() > Date.parse(validUntil);
  // Before the broker is asked as well: where it cannot be, the command would never be answered.
  if (isLate()) return expired(command, host);
  const { outcome, facts } = await host.collect();
  if (signal.aborted || !host.mayWrite()) throw new CancelPostponedError(command, 'the lease is lost');
  // It may be told more than once while the list comes: the last word counts.
  const told = facts.filter(
    (fact): fact is OpenOrderFact | OrderStatusFact =>
      (fact.kind === 'open-order' || fact.kind === 'order-status') && fact.permId === permId,
  );
  const open = told.findLast((fact) => fact.kind === 'open-order');
  const status = told.at(-1)?.status ?? '';
  if (open === undefined || ended.has(status)) {
    if (open === undefined && outcome !== 'ok')
      throw new CancelPostponedError(command, `the open orders are ${outcome}`);
    host.raise({
      alert: 'cancel_not_open',
      severity: 'INFO',
      subject: `order ${permId}`,
      message: `${asked(command)} The broker does not list it as open any more, so nothing was sent. Look at what became of it: \`evenkeel orders\`.`,
    });
    return 'not-open';
  }
  if (open.account !== command.account || open.clientId !== clientId || open.orderId !== orderId) {
    const owner = `account ${open.account}, client ${open.clientId}, order id ${open.orderId}`;
    host.raise(foreign(command, owner, host));
    return 'foreign';
  }
  if (isLate()) return expired(command, host);
  if (status === 'PendingCancel') {
    // The command came twice, or somebody else was faster.
    host.logger.info('The order is being cancelled already', { id: command.id, permId, orderId });
    return 'sent';
  }
  if (!host.cancel(orderId)) throw new CancelPostponedError(command, 'the link to the gateway is down');
  host.logger.info('Cancel sent', { id: command.id, permId, orderId, issuedBy: command.issuedBy });
  return 'sent';
}

function expired(command: CancelCommand, host: CancelHost): 'expired' {
  host.raise({
    alert: 'command_expired',
    severity: 'MEDIUM',
    subject: command.id,
    message: `${asked(command)} It was valid until ${command.validUntil}, and could not be carried out before. Nothing was sent. Send it again.`,
  });
  return 'expired';
}

function foreign(command: CancelCommand, owner: string, host: CancelHost): EventData<'alert.raised'> {
  return {
    alert: 'cancel_foreign_order',
    severity: 'MEDIUM',
    subject: `order ${command.permId}`,
    message: `${asked(command)} It is not an order of this streamer's client ${host.clientId} (${owner}), and IB lets nobody else cancel it. Nothing was sent. Cancel it in TWS, or where it was placed.`,
  };
}

function asked({ permId, issuedBy }: CancelCommand): string {
  return `${issuedBy} asked to cancel the order with permId ${permId}.`;
}
