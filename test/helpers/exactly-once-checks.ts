/** What must be so once a run is quiet. */
import { digest } from '../../lib/aws/audit-hash.ts';
import { bookSort } from '../../lib/aws/keys.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import type { Intent } from '../../lib/domain/orders/intent.ts';
import type { Command } from '../../lib/events/command.ts';
import { account } from './exactly-once-gateway.ts';
import type { World } from './exactly-once-world.ts';

/** How an intent has ended; what is none of these is wrong. */
export const ends = [
  'filled',
  'working',
  'cancelled',
  'rejected',
  'denied',
  'would-send',
  'unresolved',
] as const;
export type End = (typeof ends)[number];

/** Answers after which no other one may come. */
const finals = ['accepted', 'denied', 'would-send', 'rejected'] as const;

/** Notes what is wrong with the witness; gives each intent's end. */
export async function judge(world: World, commands: readonly Command[]): Promise<ReadonlyMap<string, End>> {
  const { witness } = world;
  const found = new Map<string, End>();
  for (const intent of witness.intents) {
    const end = endOf(world, intent);
    if (end !== undefined) found.set(intent.key, end);
  }
  idsAndRefs(world);
  answers(world, commands);
  await trail(world);
  return found;
}

/** Seen from the broker: one order for one reference, and none that was not to be sent. */
function idsAndRefs({ gateway, witness }: World): void {
  const ids = new Map<string, number>();
  for (const { orderRef, orderId } of gateway.placed) {
    const before = ids.get(orderRef) ?? orderId;
    if (before !== orderId) witness.wrong(`the broker saw ${orderRef} with the ids ${before} and ${orderId}`);
    ids.set(orderRef, before);
    const intents = witness.intents.filter(({ legs }) => legs.some((leg) => leg.orderRef === orderRef));
    if (intents.every(({ state }) => state === 'denied' || state === 'would-send'))
      witness.wrong(`the broker saw ${orderRef}, which was not to be sent`);
  }
}

function endOf({ gateway, witness }: World, intent: Intent): End | undefined {
  const { key, state, legs } = intent;
  const isNew = intent.command !== 'modify';
  const orders = gateway.broker.orders
    .sent()
    .filter(({ terms }) => legs.some(({ orderRef }) => orderRef === terms.orderRef));
  const wrong = (text: string): undefined => witness.wrong(`${key} is ${state}: ${text}`) as undefined;
  switch (state) {
    case 'sending':
      return wrong('nothing was made of it');
    case 'denied':
    case 'would-send':
      if (isNew && orders.length > 0) return wrong('and the broker has it');
      return state;
    case 'rejected':
      if (isNew && orders.some(({ status }) => status !== 'Inactive' && status !== 'Cancelled'))
        return wrong(`and the broker has it ${orders.map(({ status }) => status).join(', ')}`);
      return state;
    case 'unresolved': {
      const isTold = witness.alerts.some(
        ({ alert, subject }) => alert === 'order_unresolved' && subject === `intent ${key}`,
      );
      if (!isTold) return wrong('and nobody was told');
      // A word that comes after the next restart is reconcile's to find.
      if (isNew && orders.length === legs.length && witness.unresolvedIn.get(key) === witness.terms)
        return wrong('and the broker has it');
      return state;
    }
    case 'sent': {
      const [entry] = orders;
      if (entry === undefined) return wrong('and the broker never had it');
      if (entry.status === 'Filled') return 'filled';
      if (entry.stage !== 'done') return 'working';
      return entry.status === 'Inactive' ? 'rejected' : 'cancelled';
    }
  }
}

function answers({ witness, queue }: World, commands: readonly Command[]): void {
  const dead = new Set(queue.dead.map((body) => (JSON.parse(body) as Command).id));
  for (const { id, type } of new Map(commands.map((command) => [command.id, command])).values()) {
    const told = witness.answers.filter(({ commandId }) => commandId === id);
    const final = new Set(
      told.map(({ answer }) => answer).filter((answer) => finals.some((f) => f === answer)),
    );
    const records = type === 'cancel-all';
    if (final.size > 1 && !records) witness.wrong(`${id} was answered ${[...final].join(' and ')}`);
    const intent = witness.intents.find(({ commandId }) => commandId === id);
    if (told.some(({ code }) => code === 'DUPLICATE') && intent !== undefined && intent.code !== 'DUPLICATE')
      witness.wrong(`${id} is a duplicate and has the intent ${intent.key}`);
    const said = { sent: 'accepted', sending: '', unresolved: 'unresolved' } as Record<string, string>;
    const expected = intent && (said[intent.state] ?? intent.state);
    const hasSaid = told.some(({ answer }) => answer === expected);
    // What was told and not yet published goes with the disk.
    if (expected !== undefined && !hasSaid && witness.disksLost === 0)
      witness.wrong(`${id} became ${intent?.state} and was never told so`);
    if (intent === undefined && told.length === 0 && !dead.has(id) && witness.disksLost === 0)
      witness.wrong(`${id} (${type}) was never answered`);
  }
}

/** Each state of each intent is in the trail, once, and the chains are whole. */
async function trail({ table, witness }: World): Promise<void> {
  for (const { finding } of await verifyAudit(table, account, digest))
    if (finding !== undefined) witness.wrong(`audit: ${finding.message}`);
  for (const [key, { ref, version }] of table.items) {
    if (ref.kind !== 'intent') continue;
    const rows = table.trail.filter(({ changes }) => changes.some(({ item }) => item === bookSort(ref)));
    if (rows.length !== version)
      witness.wrong(`${key} has ${version} versions and ${rows.length} audit rows`);
  }
}
