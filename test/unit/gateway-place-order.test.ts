/** placeOrder is read at every server version as @stoqey/ib writes it and as recorded; what is not there is refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Contract, type Order, OrderAction, OrderType, SecType, TimeInForce } from '@stoqey/ib';
import { Encoder } from '@stoqey/ib/dist/core/io/encoder.js';
import { describe, expect, it } from 'vitest';
import { Fields } from '../../sandbox/gateway/fields.ts';
import { readPlaceOrder } from '../../sandbox/gateway/place-order.ts';
import { sharedDataDir, whenAbsent } from '../helpers/shared-data.ts';

const versions = Array.from({ length: 193 - 157 + 1 }, (_, index) => 157 + index);

/** The fields that @stoqey/ib sends, as its socket writes them. */
function encoded(serverVersion: number, id: number, contract: Contract, order: Order): string[] {
  const sent: unknown[] = [];
  const keep = (...tokens: unknown[]) => void sent.push(...tokens);
  const emitError = (text: string) => {
    throw new Error(text);
  };
  const encoder = new Encoder({ serverVersion, sendMsg: keep, emitError } as never);
  encoder.placeOrder(id, contract, order);
  const flat = sent.flat(9);
  return flat.map((value) => {
    if (value === undefined || value === null) return '';
    return typeof value === 'boolean' ? String(Number(value)) : String(value);
  });
}

const contract: Contract = {
  conId: 265598,
  symbol: 'AAPL',
  secType: SecType.STK,
  exchange: 'SMART',
  currency: 'USD',
};
const limit: Order = {
  action: OrderAction.BUY,
  orderType: OrderType.LMT,
  totalQuantity: 100,
  lmtPrice: 187.5,
  tif: TimeInForce.GTC,
  account: 'DU1234567',
  orderRef: 'ref-1',
  transmit: true,
};

function read(serverVersion: number, order: Order, what = contract) {
  const fields = new Fields(encoded(serverVersion, 100, what, order));
  expect(fields.integer()).toBe(3);
  return readPlaceOrder(fields, serverVersion);
}

describe.each(versions)('server version %i', (serverVersion) => {
  it('a limit order, every field in its place', () => {
    expect(
      read(serverVersion, { ...limit, outsideRth: true, parentId: 99, ocaGroup: 'G', ocaType: 2 }),
    ).toEqual({
      orderId: 100,
      contract: expect.objectContaining({ conId: 265598, symbol: 'AAPL', exchange: 'SMART' }),
      account: 'DU1234567',
      parentId: 99,
      transmit: true,
      whatIf: false,
      terms: {
        action: 'BUY',
        quantity: '100',
        orderType: 'LMT',
        limitPrice: '187.5',
        auxPrice: '',
        trailStopPrice: '',
        trailingPercent: '',
        limitOffset: '',
        timeInForce: 'GTC',
        goodTillDate: '',
        goodTillMs: undefined,
        outsideRth: true,
        ocaGroup: 'G',
        ocaType: 2,
        orderRef: 'ref-1',
      },
    });
  });

  it('a trailing stop limit with its offset, and one with a percentage', () => {
    const trail: Order = { ...limit, orderType: OrderType.TRAIL_LIMIT, transmit: false };
    delete trail.lmtPrice;
    expect(
      read(serverVersion, { ...trail, auxPrice: 0.5, trailStopPrice: 180.25, lmtPriceOffset: 0.1 }),
    ).toMatchObject({
      transmit: false,
      terms: { orderType: 'TRAIL LIMIT', auxPrice: '0.5', trailStopPrice: '180.25', limitOffset: '0.1' },
    });
    const percent = { ...trail, orderType: OrderType.TRAIL, trailingPercent: 1.5 } as Order;
    expect(read(serverVersion, percent)).toMatchObject({ terms: { trailingPercent: '1.5', auxPrice: '' } });
  });

  it('a what-if question is told from an order', () => {
    expect(read(serverVersion, { ...limit, whatIf: true })).toMatchObject({ orderId: 100, whatIf: true });
  });

  it.each([
    [
      'an algo',
      { algoStrategy: 'Adaptive', algoParams: [{ tag: 'adaptivePriority', value: 'Normal' }] },
      'algoStrategy',
    ],
    [
      'a condition',
      { conditions: [{ type: 3, conjunctionConnection: 'a', isMore: true, strValue: '1' }] },
      'conditionsCount',
    ],
    ['a hedge', { hedgeType: 'D', hedgeParam: '1' }, 'hedgeType'],
    ['a delta-neutral order', { deltaNeutralOrderType: 'MKT' }, 'deltaNeutralOrderType'],
    ['a scale order', { scalePriceIncrement: 0.5 }, 'scalePriceIncrement'],
    ['an adjusted stop', { adjustedOrderType: 'STP' }, 'adjustedOrderType'],
    ['a group of accounts', { faGroup: 'All' }, 'faGroup'],
    ['all or none', { allOrNone: true }, 'allOrNone'],
    ['a later start', { goodAfterTime: '20260105 10:00:00' }, 'goodAfterTime'],
    ['an amount of cash', { cashQty: 1_000 }, 'cashQty'],
  ])('%s is refused by name', (_name, more, field) => {
    expect(read(serverVersion, { ...limit, ...more } as Order)).toMatchObject({
      orderId: 100,
      refusal: { code: 321, text: expect.stringContaining(field) },
    });
  });

  it('combinations, pegged types and what else is no type here are refused', () => {
    const combo = {
      ...contract,
      secType: SecType.BAG,
      comboLegs: [{ conId: 1, ratio: 1, action: OrderAction.BUY }],
    };
    expect(read(serverVersion, limit, combo as Contract)).toMatchObject({ refusal: { code: 321 } });
    for (const orderType of ['PEG BENCH', 'PEG BEST', 'PEG MID', 'MOC', 'REL']) {
      expect(read(serverVersion, { ...limit, orderType } as Order)).toMatchObject({ refusal: { code: 201 } });
    }
  });

  it('fields that the version does not have are refused, not read past', () => {
    const fields = encoded(serverVersion, 100, contract, limit);
    const longer = new Fields([...fields, '', '7']);
    longer.skip(1);
    expect(readPlaceOrder(longer, serverVersion)).toMatchObject({
      refusal: { code: 321, text: expect.stringContaining('2 more fields') },
    });
    const shorter = new Fields(fields.slice(0, -1));
    shorter.skip(1);
    expect(() => readPlaceOrder(shorter, serverVersion)).toThrow('ends after');
  });
});

describe.skipIf(sharedDataDir === undefined)(`recorded orders (${whenAbsent} when skipped)`, () => {
  const lines = (
    sharedDataDir &&
    gunzipSync(readFileSync(join(sharedDataDir, 'ib/tws_messages_sv173.jsonl.gz'))).toString()
  )?.split('\n');
  const recorded = (line: number) => {
    const { fields } = JSON.parse(lines![line - 1]!) as { fields: string[] };
    const reader = new Fields(fields);
    reader.skip(1);
    return reader;
  };

  it.each([
    [
      8,
      {
        orderId: 13,
        terms: { action: 'BUY', quantity: '100', orderType: 'MKT', timeInForce: 'DAY' },
        transmit: true,
      },
    ],
    [21, { orderId: 12, terms: { quantity: '10', orderType: 'LMT', limitPrice: '500' } }],
  ])('line %i', (line, expected) => {
    // Another client's orders, written when 162 was the last version that added a field.
    expect(readPlaceOrder(recorded(line), 162)).toMatchObject(expected);
  });

  it('line 22, a combination, is refused', () => {
    expect(readPlaceOrder(recorded(22), 162)).toMatchObject({ orderId: 12, refusal: { code: 321 } });
  });
});
