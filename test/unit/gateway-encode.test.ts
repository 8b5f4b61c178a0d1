/** Messages as the protocol's tables give them, and how server versions change them. */
import { describe, expect, it } from 'vitest';
import * as e from '../../sandbox/gateway/encode.ts';
import * as a from '../../sandbox/gateway/encode-account.ts';
import * as m from '../../sandbox/gateway/encode-market.ts';
import * as o from '../../sandbox/gateway/encode-orders.ts';

/** NUL-ended fields as the tables write them: with bars, without the last one. */
const wire = (body: string) => {
  expect(body.endsWith('\0')).toBe(true);
  return body.slice(0, -1).replaceAll('\0', '|');
};

const none = '1.7976931348623157E308';
const aapl: a.WireContract = {
  conId: 265598,
  symbol: 'AAPL',
  secType: 'STK',
  expiry: '',
  strike: '0.0',
  right: '',
  multiplier: '',
  exchange: 'NASDAQ',
  currency: 'USD',
  localSymbol: 'AAPL',
  tradingClass: 'NMS',
};

describe('session messages', () => {
  it.each([
    [e.versionReply(178, '20260105 09:30:00 EST'), '178|20260105 09:30:00 EST'],
    [e.managedAccounts('DU1234567'), '15|1|DU1234567'],
    [e.nextValidId(1), '9|1|1'],
    [e.currentTime(1767625800), '49|1|1767625800'],
    [e.error(165, { id: -1, code: 2104, text: 'OK' }), '4|2|-1|2104|OK'],
    [e.error(166, { id: -1, code: 2104, text: 'OK' }), '4|2|-1|2104|OK|'],
  ])('%j', (body, expected) => {
    expect(wire(body)).toBe(expected);
  });
});

describe('market data messages', () => {
  const rtVolume = '187.53;100.0000000000000000;1767625800123;12345.0000000000000000;187.61234567;true';
  const bar = {
    open: '187.5',
    high: '187.9',
    low: '187.4',
    close: '187.8',
    volume: '120345',
    wap: '187.66',
    count: 812,
  };
  it.each([
    [m.marketDataType({ id: 1, type: 1 }), '58|1|1|1'],
    [
      m.tickReqParams({ id: 1, minTick: '0.01', bboExchange: '9c0001', permissions: 3 }),
      '81|1|0.01|9c0001|3',
    ],
    [m.tickPrice({ id: 1, type: 4, price: '187.53', size: '100', mask: 0 }), '1|6|1|4|187.53|100|0'],
    [m.tickSize({ id: 1, type: 8, size: '1234567' }), '2|6|1|8|1234567'],
    [m.tickString({ id: 1, type: 48, value: rtVolume }), `46|6|1|48|${rtVolume}`],
    [m.tickGeneric({ id: 1, type: 49, value: '0.0' }), '45|6|1|49|0.0'],
    [m.tickSnapshotEnd(1), '57|1|1'],
    [
      m.tickByTickLast({
        id: 1,
        type: 2,
        timeSeconds: 1767625800,
        price: '187.53',
        size: '100',
        mask: 0,
        exchange: 'NASDAQ',
        conditions: '',
      }),
      '99|1|2|1767625800|187.53|100|0|NASDAQ|',
    ],
    [
      m.tickByTickBidAsk({
        id: 1,
        timeSeconds: 1767625800,
        bid: '187.52',
        ask: '187.54',
        bidSize: '3',
        askSize: '4',
        mask: 0,
      }),
      '99|1|3|1767625800|187.52|187.54|3|4|0',
    ],
    [
      m.tickByTickMidPoint({ id: 1, timeSeconds: 1767625800, midPoint: '187.53' }),
      '99|1|4|1767625800|187.53',
    ],
    [
      m.realTimeBar(1, { ...bar, time: 1767625800 }),
      '50|3|1|1767625800|187.5|187.9|187.4|187.8|120345|187.66|812',
    ],
    [
      m.historicalData({
        id: 1,
        start: '20260105  09:30:00',
        end: '20260105  09:32:00',
        bars: [{ ...bar, time: 1767623400 }],
      }),
      '17|1|20260105  09:30:00|20260105  09:32:00|1|1767623400|187.5|187.9|187.4|187.8|120345|187.66|812',
    ],
    [
      m.historicalDataUpdate(1, { ...bar, time: 1767623520 }),
      '90|1|812|1767623520|187.5|187.8|187.9|187.4|187.66|120345',
    ],
    [m.headTimestamp(1, '19801212-14:30:00'), '88|1|19801212-14:30:00'],
  ])('%j', (body, expected) => {
    expect(wire(body)).toBe(expected);
  });
});

describe('contract details', () => {
  const details: e.ContractDetails = {
    id: 1,
    symbol: 'ES',
    secType: 'FUT',
    lastTradeDate: '20260320 08:30 US/Central',
    strike: '0',
    right: '',
    exchange: 'CME',
    currency: 'USD',
    localSymbol: 'ESH6',
    marketName: 'ES',
    tradingClass: 'ES',
    conId: 495512563,
    minTick: '0.25',
    multiplier: '50',
    orderTypes: 'LMT,MKT',
    validExchanges: 'CME',
    priceMagnifier: 1,
    underConId: 11004968,
    longName: 'E-mini S&P 500',
    primaryExchange: '',
    contractMonth: '202603',
    industry: '',
    category: '',
    subcategory: '',
    timeZone: 'US/Central',
    tradingHours: '20260105:1700-20260106:1600',
    liquidHours: '20260106:0830-20260106:1600',
    secIds: [{ tag: 'ISIN', value: 'X1' }],
    aggGroup: 2147483647,
    underSymbol: 'ES',
    underSecType: 'IND',
    marketRuleIds: '67',
    realExpirationDate: '20260320',
    stockType: '',
    minSize: '1',
    sizeIncrement: '1',
    suggestedSizeIncrement: '1',
  };
  const middle =
    '50|LMT,MKT|CME|1|11004968|E-mini S&P 500||202603||||US/Central|20260105:1700-20260106:1600|20260106:0830-20260106:1600|||1|ISIN|X1|2147483647|ES|IND|67|20260320|';
  const head = '1|ES|FUT|20260320 08:30 US/Central';
  const names = '0||CME|USD|ESH6|ES|ES|495512563|0.25';
  it.each([
    [157, `10|8|${head}|${names}|100|${middle}`],
    [163, `10|8|${head}|${names}|100|${middle}|1`],
    [164, `10|${head}|${names}|${middle}|1|1|1`],
    [178, `10|${head}|${names}|${middle}|1|1|1`],
    [182, `10|${head}|20260320|${names}|${middle}|1|1|1`],
    [186, `10|${head}|20260320|${names}|${middle}|1|1|1|0`],
    [193, `10|${head}|20260320|${names}|${middle}|1|1|1|0`],
  ])('at server version %i', (sv, expected) => {
    expect(wire(e.contractDetails(sv, details))).toBe(expected);
  });
  it('symbol samples carry description and issuer from 176 on', () => {
    const sample = {
      conId: 1,
      symbol: 'X',
      secType: 'STK',
      primaryExchange: 'N',
      currency: 'USD',
      derivatives: ['OPT'],
    };
    expect(wire(e.symbolSamples(175, { id: 7, samples: [sample] }))).toBe('79|7|1|1|X|STK|N|USD|1|OPT');
    expect(wire(e.symbolSamples(176, { id: 7, samples: [sample] }))).toBe('79|7|1|1|X|STK|N|USD|1|OPT||');
  });
});

describe('account messages', () => {
  it.each([
    [
      a.position({ account: 'DU1234567', contract: aapl, position: '-110', averageCost: '201.8829709' }),
      '61|3|DU1234567|265598|AAPL|STK||0.0|||NASDAQ|USD|AAPL|NMS|-110|201.8829709',
    ],
    [a.positionEnd(), '62|1'],
    [
      a.accountSummary({
        id: 9000,
        account: 'DU1234567',
        tag: 'NetLiquidation',
        value: '1000123.45',
        currency: 'USD',
      }),
      '63|1|9000|DU1234567|NetLiquidation|1000123.45|USD',
    ],
    [a.accountSummaryEnd(9000), '64|1|9000'],
    [
      a.accountValue({ key: 'NetLiquidation', value: '1000123.45', currency: 'USD', account: 'DU1234567' }),
      '6|2|NetLiquidation|1000123.45|USD|DU1234567',
    ],
    [
      a.portfolioValue({
        contract: { ...aapl, right: '0' },
        position: '-110',
        marketPrice: '187.53',
        marketValue: '-20628.3',
        averageCost: '201.8829709',
        unrealizedPnl: '1578.83',
        realizedPnl: '0.0',
        account: 'DU1234567',
      }),
      '7|8|265598|AAPL|STK||0.0|0||NASDAQ|USD|AAPL|NMS|-110|187.53|-20628.3|201.8829709|1578.83|0.0|DU1234567',
    ],
    [a.accountTime('09:30'), '8|1|09:30'],
    [a.accountDownloadEnd('DU1234567'), '54|1|DU1234567'],
    [a.pnl({ id: 1, daily: '12.5', unrealized: '-3.25', realized: none }), `94|1|12.5|-3.25|${none}`],
  ])('%j', (body, expected) => {
    expect(wire(body)).toBe(expected);
  });
});

describe('order messages', () => {
  const order = {
    action: 'BUY',
    totalQuantity: '100',
    orderType: 'LMT',
    limitPrice: '187.5',
    account: 'DU1234567',
    orderRef: 'ref-1',
    clientId: 7,
    permId: 1376327563,
    sharesAllocation: '1376327563.0/DU1234567/100',
    status: 'Submitted',
  };
  const smart = { ...aapl, strike: '0', right: '?', exchange: 'SMART' };
  // The table of tws-wire section 1 at server version 178.
  const open178 = `5|13|265598|AAPL|STK||0|?||SMART|USD|AAPL|NMS|BUY|100|LMT|187.5|0.0|DAY||DU1234567||0|ref-1|7|1376327563|0|0|0||1376327563.0/DU1234567/100|||||||||0||-1|0||||||2147483647|0|0|0||3|0|0||0|0||0|None||0||||?|0|0||0|0||||||0|0|0|2147483647|2147483647|||0||IB|0|0||0|0|Submitted|${none}|${none}|${none}|${none}|${none}|${none}|${none}|${none}|${none}||||||0|0|0|None|${none}|${none}|${none}|${none}|${none}|${none}|0|||||0|0|0|0|2147483647||0|||||`;
  it('an open order at 178', () => {
    expect(wire(o.openOrder(178, { orderId: 13, contract: smart, order }))).toBe(open178);
  });
  it.each([
    [157, -8],
    [158, -7],
    [160, -6],
    [162, -5],
    [169, -5],
    [170, 0],
    [177, 0],
    [178, 0],
    [183, 1],
    [184, 2],
    [185, 3],
    [189, 4],
    [193, 6],
  ])('an open order at %i has %i fields beside those of 178', (sv, more) => {
    const fields = (text: string) => text.split('|').length;
    // Below 177 there is the faProfile field, which 178 has no more.
    const faProfile = sv < 177 ? 1 : 0;
    const at = fields(wire(o.openOrder(sv, { orderId: 13, contract: smart, order })));
    expect(at - faProfile - fields(open178)).toBe(more);
  });
  it('an order without a delta-neutral type lacks its eight fields', () => {
    const plain = wire(
      o.openOrder(178, { orderId: 13, contract: smart, order: { ...order, deltaNeutralOrderType: '' } }),
    );
    expect(plain.split('|').length).toBe(open178.split('|').length - 8);
  });
  it('a completed order at 178 and 193', () => {
    const completed = { ...order, totalQuantity: '0', filledQuantity: '100', status: 'Filled' };
    const ended = { completedTime: '20260105 09:31:02 US/Eastern', completedStatus: 'Filled Size: 100' };
    const rest = {
      shareholder: 'Not an insider or substantial shareholder',
      parentPermId: 0,
      refFuturesConId: 0,
    };
    const text = (sv: number) =>
      wire(o.completedOrder(sv, { contract: smart, order: { ...completed, ...ended, ...rest } }));
    const at178 =
      '101|265598|AAPL|STK||0|?||SMART|USD|AAPL|NMS|BUY|0|LMT|187.5|0.0|DAY||DU1234567||0|ref-1|1376327563|0|0|0||||||||||0||-1||||||2147483647|0|0||3|0||0|None||0|0|0||0|0||||0|0|0|2147483647|2147483647||||IB|0|0||0|Filled|0|0|0||||0|0||100|0|0|Not an insider or substantial shareholder|0|0|0|20260105 09:31:02 US/Eastern|Filled Size: 100|||||';
    expect(text(178)).toBe(at178);
    expect(text(193)).toBe(`${at178}||0`);
  });
  it('an execution has the pending price revision from 178 on', () => {
    const execution: o.Execution = {
      id: -1,
      orderId: 13,
      contract: { ...aapl, exchange: 'IEX' },
      execId: '0000e0d5.67fe667b.01.01',
      time: '20260105  09:31:02',
      account: 'DU1234567',
      exchange: 'IEX',
      side: 'BOT',
      shares: '100',
      price: '187.5',
      permId: 1376327563,
      clientId: 7,
      liquidation: 0,
      cumulativeQuantity: '100',
      averagePrice: '187.5',
      orderRef: 'ref-1',
      evRule: '',
      evMultiplier: '',
      modelCode: '',
      lastLiquidity: 2,
      pendingPriceRevision: 0,
    };
    const at177 =
      '11|-1|13|265598|AAPL|STK||0.0|||IEX|USD|AAPL|NMS|0000e0d5.67fe667b.01.01|20260105  09:31:02|DU1234567|IEX|BOT|100|187.5|1376327563|7|0|100|187.5|ref-1||||2';
    expect(wire(o.execution(177, execution))).toBe(at177);
    expect(wire(o.execution(178, execution))).toBe(`${at177}|0`);
  });
  it.each([
    [o.openOrderEnd(), '53|1'],
    [o.executionsEnd(1), '55|1|1'],
    [o.completedOrdersEnd(), '102'],
    [
      o.orderStatus({
        orderId: 13,
        status: 'Submitted',
        filled: '0',
        remaining: '100',
        averageFillPrice: '0',
        permId: 1376327563,
        parentId: 0,
        lastFillPrice: '0',
        clientId: 7,
        whyHeld: '',
        marketCapPrice: '0',
      }),
      '3|13|Submitted|0|100|0|1376327563|0|0|7||0',
    ],
    [
      o.commissionReport({
        execId: '0000e0d5.67fe667b.01.01',
        commission: '1.0',
        currency: 'USD',
        realizedPnl: none,
        yield: none,
        yieldRedemptionDate: '',
      }),
      `59|1|0000e0d5.67fe667b.01.01|1.0|USD|${none}|${none}|`,
    ],
  ])('%j', (body, expected) => {
    expect(wire(body)).toBe(expected);
  });
});
