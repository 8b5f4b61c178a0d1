/** Orders on the simulated gateway, as @stoqey/ib and raw clients meet them: sequences, lists, accounts, visibility. */
import { readFileSync } from 'node:fs';
import { OrderAction, type OrderState, OrderType, TimeInForce } from '@stoqey/ib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  commissions,
  executions,
  isStatus,
  OrderGateway,
  orderEvents,
  orderTapeStartMs,
  statuses,
} from '../helpers/order-gateway.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const start = (options: Parameters<typeof OrderGateway.start>[1] = {}) =>
  OrderGateway.start(closing, options);

describe('what-if', () => {
  it.each(['v100..157', 'v100..178', 'v100..193'])(
    '%s: one openOrder with figures, and no order, status or row of a list',
    async (versions) => {
      const desk = await start({ startCash: '100000' });
      const raw = await desk.raw(7, versions);
      const version = Number(versions.slice(-3));
      const contract = [
        desk.gateway.tape.contracts[0]!.conId,
        '',
        '',
        '',
        '',
        '',
        '',
        'COMEX',
        '',
        '',
        '',
        '',
      ];
      const order = ['BUY', 2, 'LMT', 2600, '', 'DAY', '', '', '', '', 'what-if', 1];
      const counts: Record<number, number> = { 157: 110, 178: 114, 193: 118 };
      const rest = Array.from({ length: counts[version]! - 2 - 12 - 2 - order.length }, () => '');
      // The fields behind transmit up to whatIf: faProfile is gone from 177 on.
      rest[version < 177 ? 57 : 56] = '1';
      raw.send(3, 5, ...contract, '', '', ...order, ...rest);
      const answer = await raw.frame((fields) => fields[0] === '5');
      expect(answer[1]).toBe('5');
      const at = answer.indexOf('PreSubmitted');
      expect(answer[at - 1]).toBe('1');
      const [before, , equity, change, , cost, after, maintenance, left, commission] = answer
        .slice(at + 1)
        .map(Number);
      expect([before, equity, cost, commission]).toEqual([0, 100_000, -4.5, 4.5]);
      expect(left).toBe(99_995.5);
      // Two contracts of 100 ounces at 2700.0 to 2700.9.
      expect(after).toBeGreaterThanOrEqual(54_000);
      expect(after).toBeLessThanOrEqual(54_018);
      expect([change, maintenance]).toEqual([after, Math.round(after! * 80) / 100]);
      raw.send(16, 1);
      const next = await raw.frame((fields) => fields[0] === '53' || fields[0] === '3');
      expect(next[0]).toBe('53');
      expect(desk.gateway.broker().orders).toEqual([]);
      expect(desk.gateway.status().counters).toMatchObject({ placeOrders: 1, whatIfs: 1 });
    },
  );

  it('@stoqey/ib reads it; what is held counts; the id is used; without transmit there is no answer', async () => {
    const desk = await start({ fillShare: 'all', startCash: '100000' });
    const ib = await desk.client();
    desk.place(ib, 1, { totalQuantity: 2 });
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    desk.rest(ib, 2, { whatIf: true, transmit: false });
    desk.rest(ib, 3, { whatIf: true, totalQuantity: 2 });
    const [, , order, state] = await ib.next('openOrder', ([id]) => id === 3);
    expect(order).toMatchObject({ whatIf: true });
    const { initMarginBefore, initMarginAfter, equityWithLoanAfter, commission } = state as OrderState;
    expect(initMarginAfter).toBe(2 * initMarginBefore!);
    // Four contracts need more than the account is worth; the figures show it, and nothing is refused.
    expect(initMarginAfter).toBeGreaterThan(equityWithLoanAfter!);
    expect(commission).toBe(4.5);
    expect(ib.all('openOrder').filter(([id]) => id === 2)).toEqual([]);
    desk.rest(ib, 3);
    expect(await ib.code(103)).toMatchObject({ id: 3 });
    desk.fault({ type: 'what-if', how: 'rejected' });
    desk.rest(ib, 4, { whatIf: true });
    expect(await ib.code(201)).toMatchObject({ id: 4 });
    expect(desk.gateway.broker().orders).toHaveLength(1);
  });
});

describe('sequences', () => {
  it('a market order goes as recorded of order 13: PreSubmitted, execution, Filled, Filled with commission, report', async () => {
    const desk = await start({ symbols: ['TSLA'], fillShare: 'all' });
    const ib = await desk.client();
    desk.place(ib, 13, { totalQuantity: 100, orderRef: 'ref-1' });
    await ib.next('commissionReport');
    expect(orderEvents(ib)).toEqual([
      'openOrder 13 PreSubmitted',
      'orderStatus 13 PreSubmitted',
      'execDetails 13',
      'openOrder 13 Filled',
      'orderStatus 13 Filled',
      'openOrder 13 Filled 1',
      'commissionReport',
    ]);
    const [fill] = executions(ib);
    expect(fill).toMatchObject({
      execId: '00000001.00000001.01.01',
      shares: 100,
      side: 'BOT',
      permId: 1_000_001_000,
    });
    expect(fill!.time).toMatch(/^20260105 10:\d\d:\d\d US\/Eastern$/);
    expect(desk.gateway.broker().orders).toMatchObject([
      { permId: 1_000_001_000, orderId: 13, clientId: 7, orderRef: 'ref-1', status: 'Filled', filled: '100' },
    ]);
    expect(commissions(ib)).toMatchObject([{ execId: fill!.execId, commission: 1 }]);
  });

  it.each([
    ['v100..157', /^20260105 {2}10:/],
    ['v100..173', /^20260105 {2}10:/],
    ['v100..178', /^20260105 10:\d\d:\d\d US\/Eastern$/],
    ['v100..193', /^20260105 10:\d\d:\d\d US\/Eastern$/],
  ])('%s: a raw order is filled, with the fields of that version', async (versions, time) => {
    const desk = await start();
    const raw = await desk.raw(7, versions);
    const version = Number(versions.slice(-3));
    const contract = [desk.gateway.tape.contracts[0]!.conId, '', '', '', '', '', '', 'COMEX', '', '', '', ''];
    const order = ['BUY', 2, 'MKT', '', '', 'DAY', '', '', '', '', 'r', 1];
    // After transmit all is empty; the number of fields says the version.
    const counts: Record<number, number> = { 157: 110, 173: 115, 178: 114, 193: 118 };
    const rest = Array.from({ length: counts[version]! - 2 - 12 - 2 - order.length }, () => '');
    raw.send(3, 5, ...contract, '', '', ...order, ...rest);
    const fill = await raw.frame((fields) => fields[0] === '11');
    expect(fill.slice(1, 3)).toEqual(['-1', '5']);
    expect(fill[15]).toMatch(time);
    const status = await raw.frame((fields) => fields[0] === '3' && fields[2] === 'Filled');
    expect(status.slice(3, 5)).toEqual(['2', '0']);
    expect(await raw.frame((fields) => fields[0] === '59')).toMatchObject({ 3: '4.5' });
  });

  it('partial fills: Submitted with what is left, then Filled, average and sums in decimals', async () => {
    const desk = await start();
    const ib = await desk.client();
    desk.place(ib, 1, { totalQuantity: 25 });
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    const fills = executions(ib);
    expect(fills.map(({ shares, cumQty }) => [shares, cumQty])).toEqual([
      [10, 10],
      [10, 20],
      [5, 25],
    ]);
    expect(statuses(ib, 1)).toEqual(['PreSubmitted', 'Submitted', 'Submitted', 'Filled']);
    const { orders, positions } = desk.gateway.broker();
    const last = ib.all('orderStatus').at(-1)!;
    expect(Number(orders[0]!.averageFillPrice)).toBeCloseTo(last[4] as number, 9);
    expect(positions[0]!.position).toBe('25');
  });

  it('limit, stop, stop limit and trailing stop: accepted as IB says it, changed, filled, cancelled', async () => {
    const desk = await start();
    const ib = await desk.client();
    desk.rest(ib, 1, { tif: TimeInForce.GTC });
    desk.place(ib, 2, { orderType: OrderType.STP, auxPrice: 2800 });
    desk.place(ib, 3, { orderType: OrderType.STP_LMT, auxPrice: 2800, lmtPrice: 2801 });
    desk.place(ib, 4, { action: OrderAction.SELL, orderType: OrderType.TRAIL, auxPrice: 50 });
    await ib.next('orderStatus', isStatus(4, 'PreSubmitted'));
    expect([1, 2, 3, 4].map((id) => statuses(ib, id)[0])).toEqual([
      'Submitted',
      'PreSubmitted',
      'PreSubmitted',
      'PreSubmitted',
    ]);
    expect(ib.all('orderStatus').at(-1)![9]).toBe('trigger');
    desk.place(ib, 2, { orderType: OrderType.STP, auxPrice: 2650 });
    await ib.next('orderStatus', isStatus(2, 'Filled'));
    desk.rest(ib, 1, { tif: TimeInForce.GTC, lmtPrice: 2601, totalQuantity: 3 });
    await ib.until('the change', () =>
      ib
        .all('openOrder')
        .some((args) => args[0] === 1 && (args[2] as { lmtPrice: number }).lmtPrice === 2601),
    );
    ib.ib.cancelOrder(1);
    await ib.code(202);
    expect(statuses(ib, 1)).toEqual(['Submitted', 'Submitted', 'PendingCancel', 'Cancelled']);
    ib.ib.cancelOrder(1);
    expect(await ib.code(10148)).toMatchObject({ id: 1 });
    desk.rest(ib, 3, { orderType: OrderType.LMT });
    expect(await ib.code(105)).toMatchObject({ id: 3 });
    desk.rest(ib, 2);
    expect(await ib.code(104)).toMatchObject({ id: 2 });
    desk.rest(ib, 9, { lmtPrice: 2600.05 });
    expect(await ib.code(110)).toMatchObject({ id: 9 });
    desk.rest(ib, 8);
    expect(await ib.code(103)).toMatchObject({ id: 8 });
  });

  it('a bracket: held until transmit, children after the parent, the filled child cancels the other', async () => {
    const desk = await start();
    const ib = await desk.client();
    const exit = { action: OrderAction.SELL, parentId: 1, tif: TimeInForce.GTC };
    desk.place(ib, 1, { orderType: OrderType.LMT, lmtPrice: 2710, transmit: false });
    desk.place(ib, 2, { ...exit, orderType: OrderType.LMT, lmtPrice: 2690, transmit: false });
    ib.ib.reqOpenOrders();
    await ib.next('openOrderEnd');
    expect(orderEvents(ib)).toEqual([]);
    desk.place(ib, 3, { ...exit, orderType: OrderType.STP, auxPrice: 2600 });
    await ib.next('orderStatus', isStatus(3, 'Cancelled'));
    expect(statuses(ib, 1)).toEqual(['Submitted', 'Filled']);
    expect(statuses(ib, 2)).toEqual(['PreSubmitted', 'Submitted', 'Filled']);
    expect(statuses(ib, 3)).toEqual(['PreSubmitted', 'PreSubmitted', 'Cancelled']);
    expect(ib.all('orderStatus').find((args) => args[0] === 3)).toMatchObject({ 6: 1, 9: 'child,trigger' });
    ib.ib.reqCompletedOrders(false);
    await ib.next('completedOrdersEnd');
    const completed = ib.all('completedOrder').map((args) => ({
      ...(args[1] as { permId: number; parentPermId: number; filledQuantity: number }),
      ...(args[2] as { status: string; completedStatus: string; completedTime: string }),
    }));
    const parentPerm = desk.gateway.broker().orders[0]!.permId;
    expect(completed.map(({ completedStatus }) => completedStatus)).toEqual([
      'Filled Size: 1',
      'Filled Size: 1',
      'Cancelled by System',
    ]);
    expect(completed.map(({ status }) => status)).toEqual(['Filled', 'Filled', 'Cancelled']);
    expect(completed[0]!.completedTime).toMatch(/^20260105 10:\d\d:\d\d US\/Eastern$/);
    expect(Number(completed[1]!.parentPermId)).toBe(parentPerm);
  });

  it('an OCA group, and the global cancel', async () => {
    const desk = await start();
    const ib = await desk.client();
    const other = await desk.client(8);
    desk.rest(ib, 1, { ocaGroup: 'G', ocaType: 1 });
    desk.rest(ib, 2, { ocaGroup: 'G', ocaType: 1 });
    desk.rest(other, 1);
    await other.next('openOrder');
    desk.fault({ type: 'fill', clientId: 7, orderId: 1 });
    await ib.next('orderStatus', isStatus(2, 'Cancelled'));
    desk.rest(ib, 3);
    ib.ib.reqGlobalCancel();
    await other.next('orderStatus', isStatus(1, 'Cancelled'));
    await ib.next('orderStatus', isStatus(3, 'Cancelled'));
    expect(desk.gateway.broker().orders.map(({ status }) => status)).toEqual([
      'Filled',
      'Cancelled',
      'Cancelled',
      'Cancelled',
    ]);
  });
});

describe('by hand', () => {
  it('a price that the type does not use is refused with what to write, and nothing is placed', async () => {
    const desk = await start();
    const order = { action: 'place', symbol: 'GCG6', side: 'BUY', quantity: '2' };
    const refused = async (more: object) => {
      const { status, body } = await desk.post('/trade', { ...order, ...more });
      expect(status).toBe(400);
      return body.error;
    };
    expect(await refused({ limitPrice: '2600' })).toBe(
      'trade: limitPrice: an order of type MKT has no use for it. Write "orderType":"LMT", or leave it out.',
    );
    expect(await refused({ orderType: 'LMT', limitPrice: '2600', stopPrice: '2599' })).toMatch(
      /^trade: stopPrice: .* Write "orderType":"STP LMT" or "orderType":"TRAIL LIMIT",/,
    );
    expect(desk.gateway.broker().orders).toEqual([]);
  });

  it('the examples of the README do what they say', async () => {
    const desk = await start({ fillShare: 'all' });
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const [market, later, cancel] = [...readme.matchAll(/'(\{"action":.*?\})'(?:\s|$)/gm)].map(
      ([, body = '']) => body,
    );
    const send = async (body: string) => {
      const answer = await desk.post('/trade', JSON.parse(body));
      expect(answer).toMatchObject({ status: 200 });
      return answer.body.permId;
    };
    const filled = await send(market!);
    const working = await send(later!);
    const statusOf = (permId: unknown) =>
      desk.gateway.broker().orders.find((order) => order.permId === permId)?.status;
    await vi.waitFor(() => expect(statusOf(filled)).toBe('Filled'), { timeout: 60_000 });
    expect(statusOf(working)).toBe('Submitted');
    expect(await send(cancel!.replace("'$PERM_ID'", String(working)))).toBe(working);
    await vi.waitFor(() => expect(statusOf(working)).toBe('Cancelled'), { timeout: 60_000 });
  });
});

describe('who sees what', () => {
  it('an order is told to its client and the master client; lists follow IB; others cannot cancel it', async () => {
    const desk = await start();
    const [master, owner, other, zero] = [
      await desk.client(1),
      await desk.client(7),
      await desk.client(8),
      await desk.client(0),
    ];
    desk.rest(owner, 5);
    const { body } = await desk.post('/trade', {
      action: 'place',
      symbol: 'GCG6',
      side: 'SELL',
      quantity: '2',
      orderType: 'LMT',
      limitPrice: '2800',
    });
    await zero.next('orderStatus');
    await owner.next('orderStatus');
    expect(orderEvents(zero)).toEqual(['openOrder 0 Submitted', 'orderStatus 0 Submitted']);
    expect(orderEvents(owner)).toEqual(['openOrder 5 Submitted', 'orderStatus 5 Submitted']);
    expect(orderEvents(other)).toEqual([]);
    expect(orderEvents(master).length).toBe(4);
    const listed = async (ib: typeof other, ask: 'reqOpenOrders' | 'reqAllOpenOrders') => {
      const before = ib.all('openOrder').length;
      const ends = ib.all('openOrderEnd').length;
      ib.ib[ask]();
      await ib.until('the end of the list', () => ib.all('openOrderEnd').length > ends);
      return ib
        .all('openOrder')
        .slice(before)
        .map(([id]) => id);
    };
    expect(await listed(other, 'reqOpenOrders')).toEqual([]);
    expect(await listed(other, 'reqAllOpenOrders')).toEqual([5, 0]);
    expect(await listed(owner, 'reqOpenOrders')).toEqual([5]);
    // Client 0 has the orders typed into TWS, and asking for them binds them to a negative id.
    expect(await listed(zero, 'reqOpenOrders')).toEqual([-1]);
    other.ib.cancelOrder(5);
    expect(await other.code(10147)).toMatchObject({ id: 5 });
    // Its own new ids must exceed what it has seen of others (ib-facts 7).
    desk.rest(other, 5);
    expect(await other.code(103)).toMatchObject({ id: 5 });
    zero.ib.cancelOrder(-1);
    await zero.next('orderStatus', isStatus(-1, 'Cancelled'));
    expect(desk.gateway.broker().orders.find(({ permId }) => permId === body.permId)).toMatchObject({
      origin: 'manual',
      status: 'Cancelled',
    });
  });

  it('executions of all clients and accounts since midnight, by filter; commissions come with them', async () => {
    const desk = await start({ subAccounts: ['DU2'], symbols: ['GCG6', 'ESH6'] });
    const [ib, other] = [await desk.client(7), await desk.client(8)];
    desk.place(ib, 1, { account: 'DU1234567' });
    desk.place(other, 1, { account: 'DU2' }, desk.contract(1));
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    await other.next('orderStatus', isStatus(1, 'Filled'));
    desk.gateway.trade({ action: 'place', symbol: 'GCG6', side: 'SELL', quantity: '1', account: 'DU2' });
    await vi.waitFor(() => expect(desk.gateway.broker().executions.length).toBe(3), { timeout: 60_000 });
    const ask = async (id: number, filter: object) => {
      ib.ib.reqExecutions(id, filter);
      await ib.next('execDetailsEnd', ([ended]) => ended === id);
      return executions(ib, id).map(({ acctNumber, side, clientId }) => `${acctNumber} ${side} ${clientId}`);
    };
    expect((await ask(1, {})).sort()).toEqual(['DU1234567 BOT 7', 'DU2 BOT 8', 'DU2 SLD 0']);
    expect(await ask(2, { acctCode: 'DU2', side: 'SELL' })).toEqual(['DU2 SLD 0']);
    expect(await ask(3, { clientId: '7' })).toEqual(['DU1234567 BOT 7']);
    expect(await ask(4, { symbol: 'ES', secType: 'FUT' })).toEqual(['DU2 BOT 8']);
    expect(await ask(5, { time: '20260105-23:59:00' })).toEqual([]);
    expect(new Set(commissions(ib).map(({ execId }) => execId)).size).toBe(3);
    desk.place(ib, 2, {});
    expect(await ib.code(435)).toMatchObject({ id: 2 });
    desk.place(ib, 3, { account: 'DU9' });
    expect(await ib.code(321)).toMatchObject({ id: 3 });
  });

  it('executions and completed orders of before midnight in the gateway zone are not listed', async () => {
    // The tape begins at 15:00 UTC; in this zone midnight is one hour later.
    const desk = await start({ timeZone: 'Etc/GMT-8', speed: 5_000 });
    const ib = await desk.client();
    desk.place(ib, 1);
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    expect(executions(ib)[0]!.time).toMatch(/^20260105 2[23]:/);
    const midnight = orderTapeStartMs + 3_600_000;
    await vi.waitFor(() => expect(desk.gateway.status().tapeMs).toBeGreaterThan(midnight), 60_000);
    ib.ib.reqExecutions(1, {});
    ib.ib.reqCompletedOrders(false);
    await ib.next('completedOrdersEnd');
    expect([executions(ib, 1), ib.all('completedOrder')]).toEqual([[], []]);
  });

  it('on connect a client is told of its own working orders; fills go on without it; ids are remembered', async () => {
    const desk = await start();
    const first = await desk.client();
    desk.rest(first, 4);
    desk.rest(first, 5);
    await first.next('orderStatus', isStatus(5, 'Submitted'));
    first.disconnect();
    await vi.waitFor(() => expect(desk.gateway.status().clients).toEqual([]), { timeout: 60_000 });
    desk.fault({ type: 'fill', orderId: 4 });
    const again = await desk.client();
    await again.next('orderStatus');
    expect(orderEvents(again)).toEqual(['openOrder 5 Submitted', 'orderStatus 5 Submitted']);
    expect(again.all('nextValidId')).toEqual([[6]]);
    again.ib.reqExecutions(1, {});
    await again.next('execDetailsEnd');
    expect(executions(again, 1)).toMatchObject([{ orderId: 4 }]);
  });
});

describe('positions and account', () => {
  it('positions come as a snapshot, then on every change, zeros too', async () => {
    const desk = await start();
    const ib = await desk.client();
    ib.ib.reqPositions();
    await ib.next('positionEnd');
    expect(ib.all('position')).toEqual([]);
    desk.place(ib, 1, { totalQuantity: 2 });
    await ib.next('position', (args) => args[2] === 2);
    desk.place(ib, 2, { totalQuantity: 2, action: OrderAction.SELL });
    await ib.next('position', (args) => args[2] === 0);
    const fresh = await desk.client(8);
    fresh.ib.reqPositions();
    await fresh.next('positionEnd');
    expect(fresh.all('position')).toMatchObject([
      ['DU1234567', expect.objectContaining({ localSymbol: 'GCG6' }), 0, 0],
    ]);
  });

  it('account updates: values, portfolio, time, end; again after a fill and every three minutes; summary and pnl', async () => {
    const desk = await start({ startCash: '5000' });
    const ib = await desk.client();
    ib.ib.reqAccountUpdates(true, 'DU1234567');
    ib.ib.reqAccountSummary(9, 'All', 'NetLiquidation,TotalCashValue');
    ib.ib.reqPnL(8, 'DU1234567', '');
    await ib.next('accountDownloadEnd');
    await ib.next('pnl');
    const cash = () =>
      ib
        .all('updateAccountValue')
        .filter(([key, , currency]) => key === 'CashBalance' && currency === 'USD')
        .map(([, value]) => value);
    expect(cash()).toEqual(['5000.00']);
    expect(ib.all('accountSummary')).toEqual([
      [9, 'DU1234567', 'NetLiquidation', '5000.00', 'USD'],
      [9, 'DU1234567', 'TotalCashValue', '5000.00', 'USD'],
    ]);
    desk.place(ib, 1);
    await ib.next('updatePortfolio');
    await ib.until('the new cash', () => cash().includes('4997.75'));
    const count = ib.all('updateAccountTime').length;
    await ib.until('three more minutes', () => ib.all('updateAccountTime').length > count);
    ib.ib.reqAccountUpdates(false, 'DU1234567');
    expect(desk.gateway.broker().cash).toEqual([{ account: 'DU1234567', currency: 'USD', cash: '4997.75' }]);
  });
});

describe('control port', () => {
  it('POST /trade places, changes and cancels; what it cannot do is said; GET /broker is the record', async () => {
    const desk = await start();
    const order = {
      action: 'place',
      symbol: 'GCG6',
      side: 'BUY',
      quantity: '3',
      orderType: 'LMT',
      limitPrice: '2600',
    };
    const placed = await desk.post('/trade', order);
    const permId = placed.body.permId as number;
    expect(
      await desk.post('/trade', { action: 'modify', permId, quantity: '2', limitPrice: '2601.0' }),
    ).toMatchObject({
      status: 200,
    });
    const record = async () =>
      (await (await fetch(`http://127.0.0.1:${desk.gateway.controlPort}/broker`)).json()) as {
        orders: unknown[];
      };
    expect((await record()).orders).toMatchObject([
      { permId, quantity: '2', limitPrice: '2601', orderId: 0 },
    ]);
    expect((await desk.post('/trade', { action: 'cancel', permId })).status).toBe(200);
    expect((await record()).orders).toMatchObject([{ status: 'Cancelled', reason: { code: 202 } }]);
    for (const [bad, words] of [
      [{ action: 'cancel', permId }, '10148'],
      [{ action: 'cancel', permId: 1 }, 'no order of permId 1'],
      [{ ...order, symbol: 'XYZ' }, 'it has GCG6'],
      [{ ...order, account: 'DU9' }, 'not one of DU1234567'],
      [{ ...order, quantity: 'two' }, 'a decimal number'],
      [{ ...order, limitPrice: '2600.05' }, '110'],
      [{ action: 'buy' }, 'Actions are place, modify and cancel'],
    ] as const) {
      const answer = await desk.post('/trade', bad);
      expect([answer.status, answer.body.error]).toEqual([400, expect.stringContaining(words)]);
    }
  });
});
