/** What must be so at any quiet moment, and once nothing befalls the system any more. */
import { Decimal } from 'decimal.js';
import { canonicalJson, chainTools, digest } from '../../../lib/aws/audit-hash.ts';
import { AuditTable } from '../../../lib/aws/audit-table.ts';
import { BookTable } from '../../../lib/aws/book-table.ts';
import { fromAttributes } from '../../../lib/aws/marshalling.ts';
import { alertTypes } from '../../../lib/domain/alerts/catalogue.ts';
import { foldTrail } from '../../../lib/domain/audit/fold.ts';
import { verifyAudit } from '../../../lib/domain/audit/verify.ts';
import type { BalanceBody, PositionBody } from '../../../lib/domain/book/accounts.ts';
import type { FillBody } from '../../../lib/domain/book/fills.ts';
import type { OrderBody } from '../../../lib/domain/book/orders.ts';
import type { Candle } from '../../../lib/domain/market/candle.ts';
import type { Intent } from '../../../lib/domain/orders/intent.ts';
import { recordOf } from '../../../sandbox/gateway/broker/record.ts';
import { isOfBook } from '../../../streamer/outbox.ts';
import { differences } from '../../helpers/book-against-broker.ts';
import { names } from '../world/cloud.ts';
import type { World } from '../world/world.ts';
import { checkBackups } from './backups.ts';
import { checkExecutionsTold } from './booked.ts';
import { checkAnswered, checkRefused } from './commands.ts';
import { checkDiscrepanciesTold } from './told.ts';
import type { Witness } from './witness.ts';

const account = 'DU1234567';
const minuteMs = 60_000;

/** The chains are whole, and what they say is the book. Costs as much as the trail is long. */
export async function checkTrail({ cloud, witness }: World): Promise<void> {
  const client = cloud.tables.client('witness');
  const book = new BookTable({ client, bookTable: names.book, auditTable: names.audit });
  const audit = new AuditTable({ client, auditTable: names.audit, book });
  for (const { finding } of await verifyAudit(audit, account, digest))
    if (finding !== undefined) witness.broken('audit-trail', finding.message);
  let folded: Awaited<ReturnType<typeof foldTrail>>;
  try {
    folded = await foldTrail(audit, account, chainTools.keyOf);
  } catch (error) {
    witness.broken('audit-trail', (error as Error).message);
    return;
  }
  for (const sort of new Set([...folded.keys(), ...witness.book.items.keys()])) {
    const said = canonicalJson((folded.get(sort) ?? null) as never);
    const there = canonicalJson((witness.book.items.get(sort) ?? null) as never);
    if (said !== there)
      witness.broken('audit-trail', `the trail has ${sort} as ${said}, the book as ${there}`);
  }
}

/** Once all is quiet. */
export async function checkEnd(world: World): Promise<void> {
  await checkTrail(world);
  againstBroker(world);
  fillsAndPositions(world.witness);
  intents(world);
  events(world.witness);
  candles(world);
  alerts(world.witness);
  checkAnswered(world);
  checkRefused(world);
  checkDiscrepanciesTold(world);
  checkExecutionsTold(world);
  await checkBackups(world);
}

function againstBroker({ gateway, witness }: World): void {
  const seen = {
    orders: bodies<OrderBody>(witness, 'ORDER#'),
    fills: bodies<FillBody>(witness, 'FILL#'),
    positions: bodies<PositionBody>(witness, 'POS#'),
    balances: bodies<BalanceBody>(witness, 'CASH#'),
  };
  for (const difference of differences(recordOf(gateway.broker), seen, account))
    witness.broken(/there once/.test(difference) ? 'keys' : 'book-broker', difference);
}

/** Of the revisions of an execution the last one counts. */
function fillsAndPositions(witness: Witness): void {
  const sums = new Map<number, Decimal>();
  const lasts = new Map<string, FillBody>();
  for (const fill of bodies<FillBody>(witness, 'FILL#')) {
    const base = fill.execId.slice(0, fill.execId.lastIndexOf('.'));
    const before = lasts.get(base);
    if (before === undefined || before.execId < fill.execId) lasts.set(base, fill);
  }
  for (const { report } of lasts.values()) {
    if (report === null || report === undefined) continue;
    const { conId } = report.contract;
    const signed = new Decimal(report.quantity).times(report.side === 'BUY' ? 1 : -1);
    sums.set(conId, (sums.get(conId) ?? new Decimal(0)).plus(signed));
  }
  for (const { contract, position } of bodies<PositionBody>(witness, 'POS#')) {
    const sum = sums.get(contract.conId) ?? new Decimal(0);
    if (!sum.eq(position))
      witness.broken(
        'fills-positions',
        `position ${contract.conId} is ${position}, its fills make ${sum.toFixed()}`,
      );
  }
}

/** How an intent has ended must be so at the broker, too. */
function intents({ gateway, witness }: World): void {
  for (const [, body] of witness.book.of('INTENT#')) {
    const { key, state, legs, command } = body as unknown as Intent;
    const isNew = command !== 'modify';
    const orders = gateway.broker.orders
      .sent()
      .filter(({ terms }) => legs.some(({ orderRef }) => orderRef === terms.orderRef));
    const wrong = (text: string) => witness.broken('intents', `${key} is ${state}: ${text}`);
    if (state === 'sending') wrong('nothing was made of it');
    if ((state === 'denied' || state === 'would-send') && isNew && orders.length > 0)
      wrong('and the broker has it');
    if (state === 'sent' && orders.length === 0) wrong('and the broker never had it');
    if (state === 'unresolved' && !isRaised(witness, 'order_unresolved', `intent ${key}`))
      wrong('and nobody was told');
  }
  const ids = new Map<string, number>();
  for (const { orderRef, orderId } of gateway.placed) {
    const before = ids.get(orderRef) ?? orderId;
    if (before !== orderId)
      witness.broken('sent-twice', `the broker saw ${orderRef} with the ids ${before} and ${orderId}`);
    ids.set(orderRef, before);
  }
}

/** What was in an outbox is on the bus, and in the book's queue where it belongs there. */
function events(witness: Witness): void {
  const { bookQueue } = witness.world.cloud;
  for (const { event } of witness.ownEvents()) {
    if (!witness.onBusIds.has(event.id))
      witness.broken('event-lost', `${event.type} ${event.id} never came to the bus`);
    if (isOfBook(event.type) && !bookQueue.sent.has(event.id))
      witness.broken('event-lost', `${event.type} ${event.id} never came to the book's queue`);
  }
  for (const { event, process } of witness.waiting.values())
    if (process.isAlive)
      witness.broken('event-lost', `${event.type} ${event.id} found no room, and was forgotten`);
  if (bookQueue.deadLetters > 0)
    witness.broken('bounds', `${bookQueue.deadLetters} events lie in the dead-letter queue of the book`);
}

/** Every minute that was over has its bar, and it is that of the prints. */
function candles({ cloud, market, time, witness }: World): void {
  const stored = new Map<number, Candle>();
  for (const item of cloud.tables.items(names.candles)) {
    const candle = fromAttributes(item.attributes) as unknown as Candle & { readonly sk: string };
    stored.set(Date.parse(candle.sk), candle);
  }
  const [first] = [...stored.keys()].toSorted((a, b) => a - b);
  if (first === undefined) {
    witness.broken('candles', 'there is none');
    return;
  }
  const abandoned = witness.busEvents.flatMap(({ detail }) =>
    detail.type === 'gap.abandoned' ? [detail.data] : [],
  );
  // The last minutes may be open still, or within their grace.
  const untilMs = Math.floor(time.nowMs / minuteMs) * minuteMs - minuteMs;
  const bars = new Map(market.bars(first, untilMs).map((bar) => [bar.startMs, bar]));
  for (const [startMs, bar] of bars) {
    const at = new Date(startMs).toISOString();
    const candle = stored.get(startMs);
    if (candle === undefined) {
      const isAbandoned = abandoned.some(({ fromMs, toMs }) => fromMs <= startMs && startMs < toMs);
      if (!isAbandoned) witness.broken('candles', `${at} is missing`);
      continue;
    }
    if (candle.partial) continue;
    const own = [candle.open, candle.high, candle.low, candle.close, candle.volume].map((value) =>
      new Decimal(value).toFixed(),
    );
    const real = [bar.open, bar.high, bar.low, bar.close, String(bar.volume)];
    if (own.join() !== real.join())
      witness.broken('candles', `${at} is ${own.join(' ')} (${candle.source}) instead of ${real.join(' ')}`);
  }
  for (const [startMs, { source, volume }] of stored)
    if (startMs < untilMs && !bars.has(startMs) && !(source === 'flat' || new Decimal(volume).isZero()))
      witness.broken(
        'candles',
        `${new Date(startMs).toISOString()} has ${String(volume)} (${source}) and no prints`,
      );
}

function alerts(witness: Witness): void {
  // The desk of alerts looks at its clock each minute.
  const untilMs = witness.world.time.nowMs - 150_000;
  for (const { alert, subject, atMs } of witness.raisedAlerts)
    if (
      atMs < untilMs &&
      alertTypes[alert]?.ends === undefined &&
      !witness.toldAlerts.has(`${alert} ${subject}`)
    )
      witness.broken('alert-told', `${alert} ${subject} was raised and nobody was told`);
  for (const { event } of witness.ownEvents()) {
    if (event.type !== 'alert.raised') continue;
    const { alert, subject } = event.data;
    if (!isRaised(witness, alert, subject))
      witness.broken('alert-raised', `${alert} ${subject} never came to the bus`);
  }
}

function isRaised(witness: Witness, alert: string, subject: string): boolean {
  return witness.raisedAlerts.some((one) => one.alert === alert && one.subject === subject);
}

function bodies<T>(witness: Witness, prefix: string): T[] {
  return [...witness.book.of(prefix)].map(([, body]) => body as T);
}
