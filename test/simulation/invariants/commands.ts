/** What becomes of commands: each is one order at the most, and each is answered. */
import type { Intent } from '../../../lib/domain/orders/intent.ts';
import type { World } from '../world/world.ts';
import type { Witness } from './witness.ts';

const opening: readonly string[] = ['place', 'place-bracket', 'flatten'];

/** An intent begins: none of its command is there already, and none that was to be the same order. */
export function checkOnce(witness: Witness, { key, commandId }: Intent): void {
  const own = keyOf(witness, commandId);
  for (const [, body] of witness.book.of('INTENT#')) {
    const other = body as unknown as Intent;
    if (other.key === key || other.legs.length === 0) continue;
    const isSame = other.commandId === commandId;
    if (isSame || (own !== undefined && keyOf(witness, other.commandId) === own))
      witness.broken(
        'sent-twice',
        `${isSame ? `the command ${commandId}` : `the key ${own}`} has become ${other.key} and ${key}`,
      );
  }
}

/** The key that its sender gave an order that is to be opened; undefined where there is none. */
function keyOf({ world }: Witness, commandId: string): string | undefined {
  const body = world.cloud.commands.sent.get(commandId);
  if (body === undefined) return undefined;
  const { type, key } = JSON.parse(body) as { readonly type: string; readonly key?: string };
  return opening.includes(type) ? key : undefined;
}

/** Recorded or told, whoever died over it; only what was given out too often lies among the dead letters. */
export function checkAnswered({ cloud, witness }: World): void {
  const heard = new Set(witness.answers.map(({ commandId }) => commandId));
  for (const [, { commandId }] of witness.book.of('INTENT#')) heard.add(String(commandId));
  const missing = witness.commands.filter(({ id, type }) => opening.includes(type) && !heard.has(id));
  for (const { id, type } of missing.slice(cloud.commands.deadLetters))
    witness.broken('answered', `${type} ${id} was taken from its queue, and nobody heard of it again`);
}

/** The broker has said so, or the gateway; a list that lacks it says nothing. */
export function checkRefusal(witness: Witness, { key, legs }: Intent): void {
  const { refused, broker } = witness.world.gateway;
  const isRefused = legs.some(
    ({ orderId, orderRef }) =>
      refused.has(orderId) ||
      broker.orders.sent().some(({ terms, status }) => terms.orderRef === orderRef && status === 'Inactive'),
  );
  if (!isRefused) witness.broken('absence', `${key} is rejected, and nobody refused it`);
}

/** What is refused is not at work. */
export function checkRefused({ gateway, witness }: World): void {
  const sent = gateway.broker.orders.sent();
  for (const [, body] of witness.book.of('INTENT#')) {
    const { key, state, legs, command } = body as unknown as Intent;
    if (state !== 'rejected' || command === 'modify') continue;
    const there = sent.filter(
      ({ terms, status }) =>
        status !== 'Inactive' && legs.some(({ orderRef }) => orderRef === terms.orderRef),
    );
    if (there.length > 0)
      witness.broken('intents', `${key} is rejected, and the broker has it ${there[0]!.status}`);
  }
}
