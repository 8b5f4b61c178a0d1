/** Order 13 of a paper account, as its gateway told it at server version 173. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { BrokerFact } from '../../../lib/domain/orders/broker-facts.ts';
import type { TradedContract } from '../../../lib/domain/orders/contract.ts';
import { sharedDataDir, whenAbsent } from '../../helpers/shared-data.ts';
import { TrackedDesk } from './tracker-harness.ts';

const path = sharedDataDir && join(sharedDataDir, 'ib', 'tws_messages_sv173.jsonl.gz');

interface Recorded {
  readonly file: string;
  readonly line: number;
  readonly msg_id: number;
  readonly fields: readonly string[];
}

/** The seven messages of the order, in the order in which they came. */
function recorded(): BrokerFact[] {
  const lines = gunzipSync(readFileSync(path!)).toString().trim().split('\n');
  const messages = lines
    .map((line) => JSON.parse(line) as Recorded)
    .filter(({ file, line }) => file === 'src/orders/tests.rs' && line >= 17 && line <= 23);
  return messages.map(({ msg_id, fields }) => {
    if (msg_id === 5) return openOrderOf(fields);
    if (msg_id === 3) return statusOf(fields);
    return msg_id === 11 ? executionOf(fields) : commissionOf(fields);
  });
}

const decimal = (text: string): string => String(Number(text));

function contractOf([
  conId,
  symbol,
  secType,
  lastTradeDate,
  strike,
  right,
  multiplier,
  exchange,
  currency,
  localSymbol,
  tradingClass,
]: readonly string[]): TradedContract {
  return {
    conId: Number(conId),
    symbol: symbol!,
    secType: secType!,
    lastTradeDate: lastTradeDate!,
    strike: decimal(strike!),
    right: right === '?' ? '' : right!,
    multiplier: multiplier || '1',
    exchange: exchange!,
    currency: currency!,
    localSymbol: localSymbol!,
    tradingClass: tradingClass!,
  };
}

function openOrderOf(f: readonly string[]): BrokerFact {
  return {
    kind: 'open-order',
    orderId: Number(f[1]),
    contract: contractOf(f.slice(2, 13)),
    terms: {
      action: f[13] as 'BUY',
      quantity: f[14]!,
      orderType: f[15]!,
      limitPrice: null,
      stopPrice: null,
      trailingPercent: null,
      trailStopPrice: null,
      timeInForce: f[18]!,
      goodTillDate: '',
      outsideRth: f[26] === '1',
      ocaGroup: f[19]!,
      ocaType: 3,
      parentId: 0,
    },
    account: f[20]!,
    orderRef: f[23]!,
    clientId: Number(f[24]),
    permId: Number(f[25]),
    transmit: true,
    // The only field of the message that holds a state.
    status: f.find((text) => ['PreSubmitted', 'Submitted', 'Filled'].includes(text))!,
    warning: '',
  };
}

function statusOf(f: readonly string[]): BrokerFact {
  return {
    kind: 'order-status',
    orderId: Number(f[1]),
    status: f[2]!,
    filled: f[3]!,
    remaining: f[4]!,
    averageFillPrice: f[5]!,
    permId: Number(f[6]),
    parentId: Number(f[7]),
    clientId: Number(f[9]),
    whyHeld: f[10]!,
  };
}

function executionOf(f: readonly string[]): BrokerFact {
  const [date, time] = f[15]!.split('  ');
  const iso = `${date!.slice(0, 4)}-${date!.slice(4, 6)}-${date!.slice(6)}T${time}-05:00`;
  return {
    kind: 'execution',
    orderId: Number(f[2]),
    contract: contractOf(f.slice(3, 14)),
    execId: f[14]!,
    timeMs: Date.parse(iso),
    account: f[16]!,
    exchange: f[17]!,
    side: f[18] === 'BOT' ? 'BUY' : 'SELL',
    quantity: f[19]!,
    price: f[20]!,
    permId: Number(f[21]),
    clientId: Number(f[22]),
    liquidation: f[23] === '1',
    cumulativeQuantity: f[24]!,
    averagePrice: f[25]!,
    orderRef: f[26]!,
    liquidity: Number(f[30]),
  };
}

function commissionOf(f: readonly string[]): BrokerFact {
  const sentinel = (text: string) => (text.startsWith('1.797') ? null : decimal(text));
  return {
    kind: 'commission',
    execId: f[2]!,
    commission: sentinel(f[3]!),
    currency: f[4]!,
    realizedPnl: sentinel(f[5]!),
  };
}

describe.skipIf(path === undefined)(`the recorded paper order (${whenAbsent})`, () => {
  it('is one order, one fill and one commission, in at most five events', () => {
    const facts = recorded();
    expect(facts.map(({ kind }) => kind)).toEqual([
      'open-order',
      'order-status',
      'execution',
      'open-order',
      'order-status',
      'open-order',
      'commission',
    ]);
    const desk = new TrackedDesk().fact(...facts);
    expect([...desk.book.keys()]).toEqual(['P1376327563']);
    expect(desk.view('P1376327563')).toMatchObject({
      status: 'Filled',
      brokerStatus: 'Filled',
      orderId: 13,
      clientId: 100,
      filled: '100',
      averagePrice: '196.52',
      remaining: '0',
      missing: '0',
      commissions: { USD: '1' },
      realizedPnl: {},
    });
    expect(desk.emitted.every(({ account }) => account === 'DU1234567')).toBe(true);
    expect(desk.news()).toEqual([
      'order.placed',
      'fill.received',
      'order.filled',
      'order.changed',
      'commission.received',
    ]);
  });

  it('is no news when it is told again, live, by lists, or after a restart', () => {
    const facts = recorded();
    const desk = new TrackedDesk().fact(...facts);
    desk.news();
    desk.fact(...facts);
    const again = desk
      .restarted()
      .connect()
      .answer({ executions: facts.slice(2), 'open-orders': [] });
    expect([...desk.news(), ...again.news()]).toEqual([]);
  });
});
