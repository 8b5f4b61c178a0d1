/**
 * Worlds in which a little of everything differs, from a seed: the same seed is the same world for ever. What is in them
 * is chosen so that the rules meet each other: contracts of all classes, ids that are missing or used twice, corrections,
 * costs without a value, lists with gaps.
 */
import type { TradedContract } from '../../lib/domain/orders/contract.ts';
import type { OrderStatus } from '../../lib/domain/orders/order-report.ts';
import type { BookPicture, ReconcileInput, Versioned } from '../../lib/domain/reconcile/types.ts';
import { calendarSpread, es, esJune, openMs, spy } from '../unit/orders/order-harness.ts';
import { minute, World } from './reconcile-world.ts';

const euro: TradedContract = {
  ...spy,
  conId: 12087792,
  symbol: 'EUR',
  secType: 'CASH',
  localSymbol: 'EUR.USD',
  exchange: 'IDEALPRO',
};
const micro: TradedContract = {
  ...es,
  conId: 71001,
  symbol: 'MES',
  localSymbol: 'MESH6',
  multiplier: '5',
  tradingClass: 'MES',
};
const option: TradedContract = {
  ...spy,
  conId: 9,
  secType: 'OPT',
  localSymbol: 'SPY 260105C600',
  lastTradeDate: '20260105',
  multiplier: '100',
};
const gone: TradedContract = { ...es, conId: 41, localSymbol: 'ESZ5', lastTradeDate: '20251219' };
const nameless: TradedContract = { ...es, conId: 0, localSymbol: '', symbol: 'CL' };
const contracts = [es, es, es, esJune, spy, spy, euro, micro, option, gone, calendarSpread, nameless];

/** Mulberry32. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** With last prices, and with times of what positions and cash said last. */
class Crowd extends World {
  prices = new Map<string, string>();
  heldSinceMs: number | undefined;

  override get input(): ReconcileInput {
    return { ...super.input, prices: this.prices };
  }

  override get picture(): BookPicture {
    const { heldSinceMs } = this;
    const { picture } = this.#known();
    if (heldSinceMs === undefined) return picture;
    const timed = <T>(items: ReadonlyMap<string, Versioned<T>>) =>
      new Map([...items].map(([id, item]) => [id, { ...item, changedAtMs: heldSinceMs }]));
    return { ...picture, positions: timed(picture.positions), cash: timed(picture.cash) };
  }

  #known(): { readonly picture: BookPicture } {
    return { picture: super.picture };
  }
}

class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  of<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)]!;
  }
}

const statuses: readonly OrderStatus[] = [
  'ApiPending',
  'PendingSubmit',
  'PreSubmitted',
  'Submitted',
  'Submitted',
  'PartiallyFilled',
  'PendingCancel',
  'Filled',
  'Cancelled',
  'Rejected',
];
const words = [
  'PreSubmitted',
  'Submitted',
  'Submitted',
  'PendingSubmit',
  'PendingCancel',
  'Filled',
  'Strange',
];
const ends = [
  'Filled Size: 5',
  'Cancelled by Trader',
  'Rejected by System: no',
  'Cancelled by System: Order expired',
];
const averages = ['250000', '250010', '5000', '0', '1.7976931348623157E308', '250000.00'];
const sizes = ['0', '2', '3', '-3', '5', '0.5'];

export function crowdedWorld(seed: number): World {
  const dice = new Dice(seed);
  const world = new Crowd().ruled({
    quantityTolerance: dice.of(['0', '0', '1']),
    absentRuns: dice.of([2, 3]),
    escalateAfterRuns: dice.of([2, 3, 99]),
    queriesPerRun: dice.of([1, 10]),
    noStopNeeded: dice.of([[], ['FUT'], ['SPY', 'OPT'], ['FUT', 'STK', 'CASH', 'OPT']]),
    initialStateSymbols: dice.of([['ES', 'MES', 'SPY'], ['SPY'], []]),
    ignoredOrders: dice.of([[], [], ['P2'], ['3']]),
    executionsSinceMs: dice.of([Date.UTC(2026, 0, 5, 5), openMs + 30_000]),
  });
  world.heldSinceMs = dice.of([undefined, openMs, openMs, world.marketMs - 1_000]);
  for (const contract of [es, esJune, spy, micro]) {
    if (dice.chance(0.6)) world.instrument(contract, contract === micro ? { multiplier: '5' } : {});
    if (dice.chance(0.7)) world.prices.set(String(contract.conId), dice.of(['4500', '5000', '5400', '600']));
  }
  const count = dice.of([2, 4, 6, 9]);
  for (let permId = 1; permId <= count; permId += 1) orderIn(world, permId, dice);
  holdingsIn(world, dice);
  if (dice.chance(0.2)) world.firstRun();
  for (const part of ['positions', 'openOrders', 'completedOrders', 'executions', 'accountValues'] as const) {
    if (dice.chance(0.05)) world.outcome(part, dice.of(['partial', 'failed']));
  }
  return world;
}

/** What happens between two runs: the world is judged again after it. */
export function disturb(world: World, seed: number): void {
  const dice = new Dice(seed);
  world.later(dice.of([1_000, 5 * minute]));
  const { openOrders, executions, positions, completedOrders } = world.rows;
  if (dice.chance(0.3)) openOrders.pop();
  if (dice.chance(0.3)) executions.shift();
  if (dice.chance(0.2)) positions.pop();
  if (dice.chance(0.2)) completedOrders.reverse();
  if (dice.chance(0.3)) orderIn(world, 20 + dice.of([1, 2]), dice);
  if (dice.chance(0.1)) world.epoch += 1;
  if (dice.chance(0.1)) world.outcomes = { executions: 'partial' };
  else world.outcomes = {};
}

function orderIn(world: World, permId: number, dice: Dice): void {
  const contract = dice.of(contracts);
  const side = dice.of(['BUY', 'SELL'] as const);
  const quantity = dice.of(['2', '5', '5', '6']);
  const limitPrice = dice.of(['5000', '4990']);
  const parentId = dice.of([0, 0, 0, 1, 2]);
  const isStop = dice.chance(0.4);
  const terms = {
    parentId,
    ...(isStop && { orderType: dice.of(['STP', 'TRAIL', 'STP LMT']), stopPrice: '4900' }),
    ocaGroup: dice.of(['', '', 'one']),
  };
  const clientId = dice.of([7, 7, 7, 9, 0]);
  const orderId = dice.of([permId, permId, permId, 1, 0, -1]);
  const orderRef = dice.of([`ref-${permId}`, `ref-${permId}`, 'shared', '']);
  const asked = { contract, side, quantity, limitPrice, terms };
  const executions = ['a.01', 'a.02', 'b.01', 'c.01', 'd.01'].filter(() => dice.chance(0.35));
  const atMs = (name: string) =>
    openMs + (name < 'b' ? 60_000 : dice.of([0, 60_000, 120_000, 58 * minute + 59_000]));
  if (dice.chance(0.7)) {
    const isNumbered = dice.chance(0.8);
    const key = isNumbered ? `P${permId}` : `intent-${permId}`;
    const ids = { orderId, clientId, orderRef, key };
    const status = dice.of(statuses);
    const filled = dice.of(['0', '0', '1', '2']);
    const changedAtMs = dice.of([
      undefined,
      undefined,
      null,
      world.marketMs - 1_000,
      openMs - 12 * 60 * minute,
    ]);
    const told = { ...asked, ...ids, status, filled, averagePrice: dice.of(['5000', '4995.5']) };
    if (dice.chance(0.85)) {
      world.told(isNumbered ? permId : 0, { ...told, ...(changedAtMs !== undefined && { changedAtMs }) });
    }
    for (const name of executions) {
      if (!isNumbered || dice.chance(0.5)) continue;
      const execId = `e${permId}${name}`;
      const how = {
        ...asked,
        ...ids,
        price: dice.of(['5000', '4990']),
        atMs: atMs(name),
        synthetic: dice.chance(0.1),
      };
      world.toldFill(permId, execId, dice.of(['1', '1', '2', '0']), how);
      if (dice.chance(0.5)) world.toldCommission(permId, execId, '2.25', contract.currency);
    }
    if (isNumbered && dice.chance(0.1)) {
      const how = { ...asked, ...ids, synthetic: true, cumulative: '2', atMs: openMs - minute };
      world.toldFill(permId, `SYNTHETIC:DU1:${contract.conId}:P${permId}:2:2`, '2', how);
    }
  }
  const brokerPermId = dice.chance(0.9) ? permId : 0;
  const ids = dice.chance(0.8) ? { clientId, orderId, orderRef } : { clientId: 7, orderId: permId };
  const amended = dice.chance(0.3) ? { ...asked, limitPrice: '4985', quantity: '4' } : asked;
  const list = dice.of(['open', 'open', 'completed', 'both', 'twice', 'none', 'none']);
  const open = { ...amended, ...ids, transmit: dice.chance(0.9), warning: dice.of(['', '', 'careful']) };
  if (list === 'open' || list === 'both' || list === 'twice') {
    world.open(brokerPermId, { ...open, status: dice.of(words), filled: dice.of(['0', '1', '3']) });
    if (list === 'twice') world.open(brokerPermId, { ...open, status: dice.of(words) });
  }
  if (list === 'completed' || list === 'both') {
    const when = dice.of([undefined, null, openMs - 20 * 60 * minute]);
    const end = { ...amended, ...ids, parentPermId: dice.of([0, 0, 1]), filled: dice.of(['0', '2', '5']) };
    world.completed(permId, dice.of(ends), { ...end, ...(when !== undefined && { atMs: when }) });
    if (dice.chance(0.2)) world.completed(permId, dice.of(ends), { ...end, filled: '1' });
  }
  for (const name of executions) {
    if (dice.chance(0.25)) continue;
    const execId = `e${permId}${name}`;
    const how = {
      ...asked,
      ...ids,
      contract: contract === calendarSpread ? dice.of([es, esJune, calendarSpread]) : contract,
      price: dice.of(['5000', '5000', '4990']),
      atMs: atMs(name),
      liquidation: dice.chance(0.05),
      account: dice.of(['DU1', 'DU1', 'DU1', 'DU1', 'DU2']),
    };
    const size = dice.of(['1', '1', '2', '0']);
    world.execution(brokerPermId, execId, size, how);
    if (dice.chance(0.1)) world.execution(brokerPermId, execId, size, { ...how, price: '4980' });
    if (dice.chance(0.6)) {
      const cost = dice.of(['2.25', '2.25', '4', '-1', null, '1.7976931348623157E308', '-0.5']);
      world.commission(execId, cost, contract.currency);
    }
  }
  if (dice.chance(0.15)) world.commission(`e${permId}a.01`, '3', contract.currency);
}

function holdingsIn(world: World, dice: Dice): void {
  for (const contract of [es, esJune, spy, euro, micro, option, gone]) {
    if (dice.chance(0.5)) world.toldPosition(dice.of(sizes), dice.of(averages), contract);
    // IB leaves the multiplier out of some lists.
    const listed = dice.chance(0.3) ? { ...contract, multiplier: '' } : contract;
    if (dice.chance(0.5)) world.position(dice.of(sizes), dice.of(averages), listed);
  }
  for (const currency of ['USD', 'EUR', 'JPY']) {
    if (dice.chance(0.6)) world.toldCash(dice.of(['0', '100', '-7.25', '50000']), currency);
    if (dice.chance(0.6)) world.cash(dice.of(['0', '100.5', '900', '47500', '12345']), currency);
    if (dice.chance(0.1)) world.cash('17', currency, 'CashBalance');
  }
}
