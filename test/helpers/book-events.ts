/** Events for the book, as a streamer would tell them, from a few choices. */
import fc from 'fast-check';
import type { EventData, EventName } from '../../lib/events/catalogue.ts';
import { type Envelope, eventId, parseEnvelope } from '../../lib/events/envelope.ts';
import { readExample } from './render-event-docs.ts';

const placed = readExample('order.placed') as Envelope<'order.placed'>;
const filled = readExample('fill.received') as Envelope<'fill.received'>;
const contract = placed.data.contract;

export interface Told {
  readonly account?: string;
  readonly epoch?: number;
  readonly seq: number;
}

/** An event that passes the catalogue's own check. */
export function eventOf<N extends EventName>(type: N, data: EventData<N>, told: Told): Envelope {
  const { account = 'DU1', epoch = 1, seq } = told;
  const at = '2026-01-05T14:30:00.000Z';
  const head = { version: 1, stage: 'sandbox', streamer: 'main', account, occurredAt: at, recordedAt: at };
  return parseEnvelope({ ...head, id: eventId('main', epoch, seq), type, epoch, seq, data });
}

export function orderEvent(
  type: Extract<EventName, `order.${string}`>,
  permId: number,
  changes: Partial<EventData<'order.placed'>>,
  told: Told,
): Envelope {
  const identity = { orderKey: `P${permId}`, permId, orderId: permId % 3, orderRef: `ref-${permId % 2}` };
  return eventOf(type, { ...placed.data, ...identity, ...changes }, told);
}

export function fillEvent(
  permId: number,
  changes: Partial<EventData<'fill.received'>> & { execBase: string; revision: number },
  told: Told,
): Envelope {
  const { execBase, revision } = changes;
  const identity = { orderKey: `P${permId}`, permId, orderId: permId % 3, orderRef: `ref-${permId % 2}` };
  const execId = `${execBase}.${String(revision).padStart(2, '0')}`;
  return eventOf('fill.received', { ...filled.data, ...identity, execId, ...changes }, told);
}

export function commissionEvent(
  orderKey: string,
  execBase: string,
  revision: number,
  commission: string,
  told: Told,
): Envelope {
  const execId = `${execBase}.${String(revision).padStart(2, '0')}`;
  const data = { orderKey, execId, execBase, revision, commission, currency: 'USD', realizedPnl: null };
  return eventOf('commission.received', data, told);
}

export function positionEvent(conId: number, position: string, told: Told): Envelope {
  const data = {
    contract: { ...contract, conId },
    position,
    averageCost: '132340',
    averagePrice: '1323.4',
  };
  return eventOf('position.changed', data, told);
}

export function balanceEvent(currency: string, cash: string, told: Told): Envelope {
  return eventOf('balance.changed', { currency, cash }, told);
}

/** One thing that is told; `seq` comes from its place in the history. */
type Saying = (told: Told) => Envelope;

const permId = fc.integer({ min: 1, max: 4 });
const execBase = fc.constantFrom('e.1', 'e.2', 'e.3');
const revision = fc.integer({ min: 1, max: 2 });
const quantity = fc.constantFrom('0', '1', '2', '3');
const price = fc.constantFrom('1323.4', '1323.5');

const living = fc
  .tuple(permId, fc.constantFrom('PreSubmitted', 'Submitted', 'PendingCancel'), quantity, price)
  .map(
    ([id, status, reportedFilled, limitPrice]): Saying =>
      (told) =>
        orderEvent(
          status === 'PreSubmitted' ? 'order.placed' : 'order.changed',
          id,
          {
            status: status as 'Submitted',
            brokerStatus: status,
            reportedFilled,
            terms: { ...placed.data.terms, limitPrice },
          },
          told,
        ),
  );

const ended = fc
  .tuple(permId, fc.constantFrom('Filled', 'Cancelled', 'Rejected'), fc.constantFrom(0, 201, 202))
  .map(
    ([id, status, code]): Saying =>
      (told) =>
        orderEvent(
          status === 'Filled'
            ? 'order.filled'
            : status === 'Cancelled'
              ? 'order.cancelled'
              : 'order.rejected',
          id,
          {
            status: status as 'Filled',
            brokerStatus: status,
            reason: code === 0 ? null : { code, message: `code ${code}` },
          },
          told,
        ),
  );

/** An execution belongs to one order: which one follows from its base. */
function orderOf(base: string): number {
  return Number(base.slice(2)) % 2 === 0 ? 2 : 1;
}

const fill = fc.tuple(execBase, revision, quantity, price, fc.boolean()).map(
  ([base, rev, size, at, synthetic]): Saying =>
    (told) =>
      fillEvent(
        orderOf(base),
        { execBase: base, revision: rev, quantity: size, price: at, synthetic, timeMs: 1_000 + rev },
        told,
      ),
);

const commission = fc.tuple(execBase, revision, fc.constantFrom('2.32', '-0.5', '2.4'), fc.boolean()).map(
  ([base, rev, cost, known]): Saying =>
    (told) =>
      commissionEvent(known ? `P${orderOf(base)}` : '', base, rev, cost, told),
);

const position = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.constantFrom('0', '5', '-2')).map(
  ([conId, size]): Saying =>
    (told) =>
      positionEvent(conId, size, told),
);

const balance = fc.tuple(fc.constantFrom('USD', 'EUR'), fc.constantFrom('100', '0', '-7.25')).map(
  ([currency, cash]): Saying =>
    (told) =>
      balanceEvent(currency, cash, told),
);

/** A history of one account in the order in which it was told: seqs grow by gaps, the epoch goes up in between. */
export function history(maxLength: number): fc.Arbitrary<(account: string) => Envelope[]> {
  return fc
    .array(
      fc.tuple(
        fc.oneof(living, ended, fill, commission, position, balance),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 5 }),
      ),
      { minLength: 2, maxLength },
    )
    .map((sayings) => (account) => {
      let epoch = 1;
      let seq = 0;
      return sayings.map(([say, gap, restart]) => {
        if (restart === 0) {
          epoch += 1;
          seq = 0;
        }
        seq += gap;
        return say({ account, epoch, seq });
      });
    });
}

/** Another way for the same events to arrive: shuffled, some of them several times. */
export function disorder(): fc.Arbitrary<<T>(events: readonly T[]) => T[]> {
  return fc
    .infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }))
    .map((stream) => (events) => {
      const next = (): number => stream.next().value as number;
      const twice = events.flatMap((event) => (next() < 0.3 ? [event, event] : [event]));
      return twice
        .map((event) => ({ event, place: next() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ event }) => event);
    });
}
