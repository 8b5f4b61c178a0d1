/** Which order of the broker is which of the book, and where nothing says so. */
import { describe, expect, it } from 'vitest';
import { signatureOf } from '../../../lib/domain/reconcile/match-proofs.ts';
import { type OpenWords, type ToldOrderWords, World } from '../../helpers/reconcile-world.ts';
import { openMs, spy } from '../orders/order-harness.ts';
import { matchesOf, nameOf } from './stages.ts';

const second = 1_000;

/** An order of the book that IB has not numbered: neither ids nor a reference are known. */
function sent(world: World, key: string, words: ToldOrderWords = {}): World {
  return world.told(0, { key, orderId: 0, orderRef: '', ...words });
}

/** `key: name of the broker's order` */
function paired(world: World): string[] {
  return [...matchesOf(world).orders].map(([key, order]) => `${key}: ${nameOf(order)}`);
}

function inQuestion(world: World) {
  return matchesOf(world).ambiguous.map(({ subject, book, broker }) => ({ subject, book, broker }));
}

describe('the pairs of a run', () => {
  it('are sorted by key, whatever numbers the broker has given', () => {
    const world = new World().told(9).told(10).open(9).open(10).open(2);
    expect(paired(world)).toEqual(['P10: 10', 'P2: 2', 'P9: 9']);
  });

  it('follow the pointer, also where another order says that it has the permId', () => {
    const world = new World().told(1, { key: 'intent-1' }).told(2, { key: 'intent-2' }).open(1);
    const pointer = world.items.get('perm 1')!;
    world.items.set('perm 1', { ...pointer, body: { orderKey: 'intent-2', permId: 1 } });
    expect(paired(world)).toEqual(['intent-2: 1']);
  });

  it('leave an order that has its partner to no second one that is only alike', () => {
    const world = sent(sent(new World(), 'intent-1', { orderRef: 'mine' }), 'intent-2');
    expect(paired(world.open(8, { orderRef: 'mine' }))).toEqual(['intent-1: 8']);
  });

  it('give the order that is only alike no entry that has its partner', () => {
    const world = sent(new World(), 'intent-1', { orderRef: 'mine' });
    world.open(8, { orderRef: 'mine' }).open(9, { orderRef: '' });
    expect(paired(world)).toEqual(['P9: 9', 'intent-1: 8']);
  });
});

describe('what no proof overrules', () => {
  const named = { orderRef: 'mine' };

  it.each([
    [1, 2],
    [2, 1],
  ])('the permId %i is not the permId %i, whatever the reference says', (booked, listed) => {
    const world = new World().told(booked, { key: 'intent-1', ...named });
    world.open(listed, { ...named, orderId: 0 }).open(0, { orderId: 33 });
    expect(paired(world)).toEqual([`P${listed}: ${listed}`]);
    expect(matchesOf(world).unnumbered.map(nameOf)).toEqual(['7#33']);
  });

  it('the contract and the side of an execution', () => {
    const other = sent(new World(), 'intent-1', named).execution(8, 'a.01', '1', { ...named, contract: spy });
    expect(paired(other)).toEqual(['P8: 8']);
    const sold = sent(new World(), 'intent-1', named).execution(8, 'a.01', '1', { ...named, side: 'SELL' });
    expect(paired(sold)).toEqual(['P8: 8']);
    const same = sent(new World(), 'intent-1', named).execution(8, 'a.01', '1', named);
    expect(paired(same)).toEqual(['intent-1: 8']);
  });

  it('the side of an order that works', () => {
    const world = sent(new World(), 'intent-1', named).open(8, { ...named, side: 'SELL' });
    expect(paired(world)).toEqual(['P8: 8']);
  });

  it.each([
    ['Cancelled', 'Cancelled by Trader', '0', 'intent-1'],
    ['Cancelled', 'Rejected by System: no', '0', 'intent-1'],
    ['Rejected', 'Rejected by System: no', '0', 'intent-1'],
    ['Rejected', 'Cancelled by Trader', '0', 'P8'],
    ['Cancelled', 'Cancelled by Trader', '1', 'P8'],
  ] as const)('the end %s is the broker\'s "%s" with %s filled: %s', (status, said, filled, key) => {
    const world = sent(new World(), 'intent-1', { ...named, status });
    expect(paired(world.completed(8, said, { ...named, filled }))).toEqual([`${key}: 8`]);
  });
});

describe('orders that are alike', () => {
  it('of one reference are told apart by their price', () => {
    const world = sent(sent(new World(), 'intent-1', { orderRef: 'r' }), 'intent-2', {
      orderRef: 'r',
      limitPrice: '4000',
    });
    expect(paired(world.open(8, { orderRef: 'r', limitPrice: '4000' }))).toEqual(['intent-2: 8']);
  });

  it('of one reference are not told apart by ids that neither has', () => {
    const world = sent(new World(), 'intent-1', { orderRef: 'r', clientId: 0 });
    sent(world, 'intent-2', { orderRef: 'r', orderId: 5 });
    world.open(8, { orderRef: 'r', orderId: 0, clientId: 0 });
    expect(paired(world)).toEqual([]);
    expect(inQuestion(world)).toEqual([
      { subject: 'order intent-1', book: ['intent-1', 'intent-2'], broker: ['8'] },
    ]);
  });

  it('match with what was filled, where IB leaves out what was asked for', () => {
    const world = sent(new World(), 'intent-1', { quantity: '3' });
    world.completed(8, 'Filled Size: 3', { orderRef: '', quantity: '3' });
    expect(paired(world)).toEqual(['intent-1: 8']);
    const other = sent(new World(), 'intent-1', { quantity: '4' });
    other.completed(8, 'Filled Size: 3', { orderRef: '', quantity: '3' });
    expect(paired(other)).toEqual(['P8: 8']);
  });

  it('are one with a quantity of 1', () => {
    const world = sent(new World(), 'intent-1', { quantity: '1' }).open(8, { orderRef: '', quantity: '1' });
    expect(paired(world)).toEqual(['intent-1: 8']);
  });

  it('are two where one asks for a price of 0 and the other for any', () => {
    const world = sent(new World(), 'intent-1', { limitPrice: '0' });
    world.open(8, { orderRef: '', terms: { orderType: 'MKT', limitPrice: null } });
    expect(paired(world)).toEqual(['P8: 8']);
  });

  it('are of the time of their first execution, not of their last change', () => {
    const fill = { key: 'intent-1', orderId: 0, orderRef: '' };
    const world = sent(new World(), 'intent-1', { changedAtMs: openMs + 1_800 * second });
    world.toldFill(0, 'a.01', '1', { ...fill, atMs: openMs });
    world.toldFill(0, 'b.01', '1', { ...fill, atMs: openMs + 60 * second });
    const listed = { orderRef: '' };
    world.open(8, listed).execution(8, 'a.01', '1', { ...listed, atMs: openMs });
    expect(paired(world)).toEqual(['intent-1: 8']);
  });
});

describe('orders in question', () => {
  /** Alike in all but the time: `[key, seconds]` of the book, `[permId, seconds]` of the broker. */
  function timed(book: readonly [string, number][], broker: readonly [number, number][]): World {
    const world = new World();
    for (const [key, at] of book) sent(world, key, { changedAtMs: openMs + at * second });
    const words: OpenWords = { orderRef: '' };
    for (const [permId, at] of broker) {
      world.open(permId, words);
      world.execution(permId, `e${permId}.01`, '1', { orderRef: '', atMs: openMs + at * second });
    }
    return world;
  }

  it('are up to ten seconds apart', () => {
    expect(paired(timed([['intent-1', 0]], [[8, 10]]))).toEqual(['intent-1: 8']);
    expect(paired(timed([['intent-1', 10]], [[8, 0]]))).toEqual(['intent-1: 8']);
    expect(paired(timed([['intent-1', 0]], [[8, 11]]))).toEqual(['P8: 8']);
    expect(paired(timed([['intent-1', 11]], [[8, 0]]))).toEqual(['P8: 8']);
  });

  it('belong together where one links others: one question, not two', () => {
    const world = timed(
      [
        ['intent-1', 0],
        ['intent-2', 15],
        ['intent-3', 25],
      ],
      [
        [8, 20],
        [9, -5],
        [10, 8],
      ],
    );
    expect(paired(world)).toEqual([]);
    expect(inQuestion(world)).toEqual([
      { subject: 'order intent-1', book: ['intent-1', 'intent-2', 'intent-3'], broker: ['10', '8', '9'] },
    ]);
  });

  it('are listed by key, whichever of them was seen first', () => {
    const world = timed(
      [
        ['intent-1', 15],
        ['intent-2', 30],
        ['intent-3', 0],
      ],
      [
        [8, 8],
        [9, 22],
      ],
    );
    expect(inQuestion(world)).toEqual([
      { subject: 'order intent-1', book: ['intent-1', 'intent-2', 'intent-3'], broker: ['8', '9'] },
    ]);
    expect([...matchesOf(world).quarantined].sort()).toEqual(['intent-1', 'intent-2', 'intent-3']);
  });

  it('come sorted by subject, whatever numbers the broker has given', () => {
    const world = new World();
    for (const [n, limitPrice] of ['4001', '4001', '4000', '4000'].entries()) {
      sent(world, `intent-${n}`, { limitPrice });
    }
    world.open(8, { orderRef: '', limitPrice: '4000' }).open(9, { orderRef: '', limitPrice: '4001' });
    expect(inQuestion(world)).toEqual([
      { subject: 'order intent-0', book: ['intent-0', 'intent-1'], broker: ['9'] },
      { subject: 'order intent-2', book: ['intent-2', 'intent-3'], broker: ['8'] },
    ]);
  });

  it('name their signature, where there is one', () => {
    const alike = sent(sent(new World(), 'intent-1'), 'intent-2').open(8, { orderRef: '' });
    expect(matchesOf(alike).ambiguous[0]?.reason).toMatch(
      /^2 of the book and 1 of the broker fit each other \(signature [0-9a-f]{12}\), and nothing tells them apart$/,
    );
    const filled = new World();
    for (const key of ['intent-1', 'intent-2']) {
      filled.toldFill(0, `${key}.01`, '1', { key, orderId: 0, orderRef: 'r' });
    }
    filled.execution(8, 'a.01', '1', { orderRef: 'r' });
    expect(matchesOf(filled).ambiguous[0]?.reason).toBe(
      '2 of the book and 1 of the broker fit each other, and nothing tells them apart',
    );
  });

  it('have a signature of their ten seconds, or of none', () => {
    const asText = (value: unknown) => String(value);
    expect(signatureOf('base', 12_345, asText)).toBe('base|10000');
    expect(signatureOf('base', undefined, asText)).toBe('base|');
  });
});

describe('executions of an order that the broker does not number', () => {
  const stray = { orderId: 0, orderRef: '' };

  it('do not follow a cost that came before them: it belongs to no order yet', () => {
    const world = new World().toldCommission(1, 'a.01', '2');
    expect(paired(world.execution(0, 'a.01', '1', stray))).toEqual(['Ea: 0#0']);
  });

  it('do not draw a numbered order to where the book has put them', () => {
    const world = new World().toldFill(0, 'a.01', '1', { key: 'Ea', ...stray });
    expect(paired(world.execution(17, 'a.01', '1', stray))).toEqual(['P17: 17']);
  });
});
