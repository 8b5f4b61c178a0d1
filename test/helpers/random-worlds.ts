/** Worlds in which broker and book agree and differ at random, for the properties of reconcile. */
import fc from 'fast-check';
import { es, esJune, spy } from '../unit/orders/order-harness.ts';
import { World } from './reconcile-world.ts';

const contracts = [es, esJune, spy] as const;
const quantity = fc.constantFrom('4', '5', '6');
const price = fc.constantFrom('4990', '5000');
const executions = fc.subarray(['a.01', 'a.02', 'b.01', 'c.01']);

const told = fc.record({
  status: fc.constantFrom(
    'PendingSubmit',
    'PreSubmitted',
    'Submitted',
    'PendingCancel',
    'Inactive',
    'Filled',
    'Cancelled',
    'Rejected',
  ),
  quantity,
  limitPrice: price,
  filled: fc.constantFrom('0', '0', '1', '3'),
  executions,
  price,
  cost: fc.boolean(),
  parentId: fc.constantFrom(0, 0, 1),
  isNumbered: fc.constantFrom(true, true, true, false),
  knownSince: fc.constantFrom(undefined, undefined, null),
});

const said = fc.record({
  list: fc.constantFrom('open', 'open', 'completed', 'both', 'none'),
  status: fc.constantFrom(
    'PreSubmitted',
    'Submitted',
    'PendingSubmit',
    'PendingCancel',
    'Inactive',
    'Filled',
  ),
  end: fc.constantFrom(
    'Filled Size: 5',
    'Cancelled by Trader',
    'Rejected by System',
    'Cancelled: Order expired',
  ),
  quantity,
  limitPrice: price,
  filled: fc.constantFrom('0', '0', '1', '3'),
  executions,
  price,
  cost: fc.constantFrom(null, '2.25', '-1', '4'),
  parentId: fc.constantFrom(0, 0, 1),
  clientId: fc.constantFrom(7, 7, 7, 99),
  orderId: fc.constantFrom(undefined, undefined, 0, 3),
  orderRef: fc.constantFrom(undefined, undefined, '', 'shared'),
});

const order = fc.record({
  permId: fc.integer({ min: 1, max: 7 }),
  contract: fc.constantFrom(...contracts),
  side: fc.constantFrom('BUY' as const, 'SELL' as const),
  told: fc.option(told),
  said: fc.option(said),
});

const holding = fc.record({
  contract: fc.constantFrom(...contracts),
  told: fc.option(fc.constantFrom('0', '2', '-3')),
  said: fc.option(fc.constantFrom('0', '2', '-3', '5')),
});

const balance = fc.record({
  currency: fc.constantFrom('USD', 'EUR'),
  told: fc.option(fc.constantFrom('0', '100', '-7.25')),
  said: fc.option(fc.constantFrom('0', '100.5', '900')),
});

const choices = fc.record({
  orders: fc.uniqueArray(order, { selector: ({ permId }) => permId, maxLength: 6 }),
  holdings: fc.uniqueArray(holding, { selector: ({ contract }) => contract.conId, maxLength: 3 }),
  balances: fc.uniqueArray(balance, { selector: ({ currency }) => currency, maxLength: 2 }),
  isFirstRun: fc.constantFrom(false, false, false, true),
  epoch: fc.constantFrom(1, 2),
});

/** Makes the same world each time that it is called. */
export function worlds(): fc.Arbitrary<() => World> {
  return choices.map((chosen) => () => worldOf(chosen));
}

type Choices = typeof choices extends fc.Arbitrary<infer T> ? T : never;

function worldOf({ orders, holdings, balances, isFirstRun, epoch }: Choices): World {
  const world = new World().ruled({ escalateAfterRuns: 99 });
  for (const { permId, contract, side, told: book } of orders) {
    if (book === null) continue;
    const { status, filled, parentId, isNumbered, knownSince } = book;
    const id = isNumbered ? permId : 0;
    const words = {
      contract,
      side,
      quantity: book.quantity,
      limitPrice: book.limitPrice,
      terms: { parentId },
    };
    const changed = knownSince === undefined ? {} : { changedAtMs: knownSince };
    const key = `${isNumbered ? 'P' : 'intent-'}${permId}`;
    world.told(id, { ...words, ...changed, key, orderId: permId, orderRef: `ref-${permId}`, status, filled });
    if (!isNumbered) continue;
    for (const name of book.executions) {
      const execId = `e${permId}${name}`;
      world.toldFill(permId, execId, name === 'a.02' ? '2' : '1', { contract, side, price: book.price });
      if (book.cost) world.toldCommission(permId, execId, '2.25');
    }
  }
  world.epoch = epoch;
  for (const { permId, contract, side, said: broker } of orders) {
    if (broker === null) continue;
    const { list, clientId, orderId, orderRef, parentId } = broker;
    const ids = {
      clientId,
      ...(orderId !== undefined && { orderId }),
      ...(orderRef !== undefined && { orderRef }),
    };
    const words = { contract, side, quantity: broker.quantity, limitPrice: broker.limitPrice, ...ids };
    if (list === 'open' || list === 'both') {
      world.open(permId, { ...words, terms: { parentId }, status: broker.status, filled: broker.filled });
    }
    if (list === 'completed' || list === 'both') {
      world.completed(permId, broker.end, { ...words, parentPermId: parentId });
    }
    for (const name of broker.executions) {
      const execId = `e${permId}${name}`;
      world.execution(permId, execId, name === 'a.02' ? '2' : '1', {
        ...ids,
        contract,
        side,
        price: broker.price,
      });
      if (broker.cost !== null) world.commission(execId, broker.cost);
    }
  }
  for (const { contract, told: book, said: broker } of holdings) {
    if (book !== null) world.toldPosition(book, book === '0' ? '0' : '250000', contract);
    if (broker !== null) world.position(broker, broker === '0' ? '0' : '250100', contract);
  }
  for (const { currency, told: book, said: broker } of balances) {
    if (book !== null) world.toldCash(book, currency);
    if (broker !== null) world.cash(broker, currency);
  }
  return isFirstRun ? world.firstRun() : world;
}
