/** What must hold of an order in the moment in which it is written to a socket. */
import type { Order } from '@stoqey/ib';
import type { Intent } from '../../../lib/domain/orders/intent.ts';
import type { StreamerProcess } from '../world/streamer.ts';
import type { Witness } from './witness.ts';

/** By the holder of the lease, recorded before in the book and on the disk, and for the first time. */
export function checkWriting(
  witness: Witness,
  process: StreamerProcess,
  orderId: number,
  { orderRef = '', whatIf = false }: Order,
): void {
  if (whatIf) return;
  witness.asking(process);
  const intents: Intent[] = [];
  for (const [, body] of witness.book.of('INTENT#')) {
    const intent = body as unknown as Intent;
    if (intent.legs.some((leg) => leg.orderRef === orderRef)) intents.push(intent);
  }
  const sending = intents.filter(({ state }) => state === 'sending');
  if (sending.length === 0)
    witness.broken('sent-unreserved', `${orderRef} was written and no intent of it is being sent`);
  if (!sending.some(({ key }) => process.delivery.outbox.journal.mayHaveLeft(key)))
    witness.broken('sent-unreserved', `${orderRef} was written and is not in the journal`);
  const before = witness.written.get(orderRef);
  const times = (before?.times ?? 0) + 1;
  if (before !== undefined && before.orderId !== orderId)
    witness.broken('sent-twice', `${orderRef} was written with the ids ${before.orderId} and ${orderId}`);
  const allowed = intents.filter(({ legs }) => legs.length > 0).length;
  if (times > allowed)
    witness.broken('sent-twice', `${orderRef} was written ${times} times for ${allowed} intents`);
  witness.written.set(orderRef, { orderId, times });
}
