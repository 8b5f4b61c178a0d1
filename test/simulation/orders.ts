/** What strategies and people ask of a desk: new orders, changes, cancels, and the same once more. */
import { type CommandInput, commandSchema } from '../../lib/events/command.ts';
import { tradeGroup } from '../../lib/events/command-names.ts';
import { account } from '../helpers/exactly-once-gateway.ts';
import type { BareCommand } from '../helpers/orders-out.ts';
import type { Dice } from './dice.ts';
import { uuidFrom } from './world/time.ts';
import type { World } from './world/world.ts';

export function order(world: World, dice: Dice): string {
  const { witness } = world;
  const known = witness.commands.filter(({ type }) => type.startsWith('place'));
  const roll = dice.random();
  if (known.length > 0 && roll < 0.12) {
    // A click too many, or a redelivery under another id.
    const again = dice.one(known);
    const body = JSON.parse(world.cloud.commands.sent.get(again.id) ?? '{}') as CommandInput;
    if (dice.chance(0.5)) return send(world, { ...body, id: uuidFrom(dice.random) });
    world.cloud.commands.send({
      id: `again-${dice.between(0, 1e6)}`,
      group: tradeGroup(account),
      body: JSON.stringify(body),
    });
    return `the same command again ${again.id.slice(0, 8)}`;
  }
  if (known.length > 0 && roll < 0.26) return send(world, headed(world, dice, change(world, dice)));
  return send(world, headed(world, dice, wish(world, dice)));
}

export function send(world: World, input: CommandInput): string {
  const command = commandSchema.parse(input);
  world.witness.commands.push({ id: command.id, type: command.type });
  world.cloud.commands.send({ id: command.id, group: tradeGroup(account), body: JSON.stringify(command) });
  const { key = '-' } = command as { readonly key?: string };
  return `${command.type} ${command.id.slice(0, 8)} ${key}`;
}

function headed({ time }: World, dice: Dice, bare: BareCommand): CommandInput {
  return {
    ...bare,
    id: uuidFrom(dice.random),
    version: 1,
    account,
    issuedAt: new Date(time.nowMs).toISOString(),
    issuedBy: 'arn:aws:sts::000000000000:assumed-role/strategy/test',
    validUntil: new Date(time.nowMs + dice.one([30_000, 30_000, 30_000, 4_000])).toISOString(),
  } as CommandInput;
}

function wish({ gateway }: World, dice: Dice): BareCommand {
  const { conId } = gateway.instrument.contract;
  const last = Number(gateway.instrument.last.price);
  const key = dice.chance(0.8) ? `k${dice.between(0, 1e9)}` : undefined;
  const keyed = key === undefined ? {} : { key };
  const action = dice.one(['BUY', 'SELL'] as const);
  const other = action === 'BUY' ? 'SELL' : 'BUY';
  const quantity = String(dice.between(1, 3));
  const away = action === 'BUY' ? -1 : 1;
  const price = (steps: number) => (last + away * steps).toFixed(1);
  const limit = {
    action,
    quantity,
    orderType: 'LMT',
    limitPrice: price(dice.one([40, 2, 0.5, -0.5, -5])),
  } as const;
  const roll = dice.random();
  if (roll < 0.3) return { type: 'place', ...keyed, conId, order: limit };
  if (roll < 0.4) return { type: 'place', ...keyed, conId, order: { action, quantity, orderType: 'MKT' } };
  if (roll < 0.44) return { type: 'place', ...keyed, conId, order: { ...limit, limitPrice: '2650.05' } };
  if (roll < 0.5)
    return { type: 'flatten', ...keyed, conId, ...(dice.chance(0.5) ? { by: 'person' } : {}) } as BareCommand;
  const entry = dice.chance(0.5) ? ({ action, quantity, orderType: 'MKT' } as const) : limit;
  return {
    type: 'place-bracket',
    ...keyed,
    conId,
    legs: [
      { leg: 'entry', ...entry },
      {
        leg: 'take-profit',
        action: other,
        quantity,
        orderType: 'LMT',
        limitPrice: price(-dice.between(3, 30)),
      },
      { leg: 'stop-loss', action: other, quantity, orderType: 'STP', stopPrice: price(dice.between(42, 70)) },
    ],
  };
}

function change({ witness, gateway }: World, dice: Dice): BareCommand {
  if (dice.chance(0.2)) {
    const [orderKey] = [...witness.book.of('ORDER#')].map(([, body]) => String(body.orderKey));
    if (orderKey !== undefined && dice.chance(0.3)) return settled(orderKey, dice);
    return { type: 'cancel-all', by: 'person' };
  }
  const keys = [...witness.book.of('INTENT#')].flatMap(([, { key, state }]) =>
    state === 'sent' ? [String(key)] : [],
  );
  const key = keys.length > 0 ? dice.one(keys) : 'k0';
  const open = gateway.broker.orders.open();
  if (open.length > 0 && dice.chance(0.4)) {
    const { permId, clientId, orderId } = dice.one(open);
    if (orderId > 0)
      return {
        type: 'cancel',
        permId,
        clientId,
        orderId,
        by: dice.one(['person', 'program']),
      } as BareCommand;
  }
  const last = Number(gateway.instrument.last.price);
  return { type: 'modify', key, limitPrice: (last + dice.between(-40, 40)).toFixed(1) } as BareCommand;
}

/** Somebody whose lists show nothing says of what the book has open that it was cancelled: true or not. */
export function settleOpen(world: World, dice: Dice): void {
  for (const [, { orderKey, working }] of world.witness.book.of('ORDER#'))
    if (working === true)
      world.witness.note(send(world, headed(world, dice, settled(String(orderKey), dice))));
}

function settled(orderKey: string, dice: Dice): BareCommand {
  const end = dice.chance(0.8) ? 'Cancelled' : 'Filled';
  return { type: 'settle', by: 'person', orderKey, end, reason: 'no list has it' };
}

/** An order that a desk which is ready for it sends. */
export function newOrder(world: World, dice: Dice): string {
  return send(world, headed(world, dice, wish(world, dice)));
}
