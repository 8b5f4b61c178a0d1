import type { News } from '../../lib/domain/book/news.ts';
import type { Envelope } from '../../lib/events/envelope.ts';

/** An event that the book does not keep lies in its queue. */
export class EventNotBookedError extends Error {
  override readonly name = 'EventNotBookedError';
  readonly code = 'EVENT_NOT_BOOKED';

  constructor({ type, id }: Envelope) {
    super(
      `EVENT_NOT_BOOKED: The book keeps orders, fills, commissions, positions and balances, and no ${type} (${id}). ` +
        'Nothing was changed. The sender put it into the wrong queue.',
    );
  }
}

/**
 * What the book has to know of an event.
 *
 * @throws EventNotBookedError for an event that is none of its business
 */
export function newsOf(event: Envelope): News {
  const at = { epoch: event.epoch, seq: event.seq };
  switch (event.type) {
    case 'order.placed':
    case 'order.changed':
    case 'order.filled':
    case 'order.cancelled':
    case 'order.rejected':
      return { kind: 'order', at, report: event.data };
    case 'fill.received':
      return { kind: 'fill', at, report: event.data };
    case 'commission.received':
      return { kind: 'commission', at, report: event.data };
    case 'position.changed':
      return { kind: 'position', at, report: event.data };
    case 'balance.changed':
      return { kind: 'balance', at, report: event.data };
    default:
      throw new EventNotBookedError(event);
  }
}
