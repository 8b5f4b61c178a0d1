import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sharedDataDir, whenAbsent } from '../../helpers/shared-data.ts';
import { esJune, spy } from './order-harness.ts';
import { accountValue, position, TrackedDesk } from './tracker-harness.ts';

describe('positions', () => {
  it('tells a position once, and its price by the multiplier', () => {
    const desk = new TrackedDesk().fact(position('2', '250102.25'), position('2', '250102.250'));
    expect(desk.emitted).toMatchObject([
      {
        name: 'position.changed',
        account: 'DU1',
        data: { position: '2', averageCost: '250102.25', averagePrice: '5002.045' },
      },
    ]);
    desk.news();
    desk.fact(position('0', '0'), position('0', '0'));
    expect(desk.emitted).toMatchObject([{ data: { position: '0' } }]);
  });

  it('tells the cost of a third of a contract with at most twelve decimals', () => {
    const desk = new TrackedDesk().fact(position('3', '1', { contract: { ...spy, multiplier: '3' } }));
    expect(desk.emitted[0]!.data).toMatchObject({ averagePrice: '0.333333333333' });
  });

  it('tells a remembered position as zero when two complete lists of a link are without it', () => {
    const desk = new TrackedDesk().fact(position('2'), position('1', '1', { contract: esJune })).restarted();
    const listed = { positions: [position('1', '1', { contract: esJune })] };
    for (let link = 0; link < 2; link += 1) {
      desk.connect().answer(listed);
      expect(desk.emitted).toEqual([]);
      if (link === 0) desk.input({ kind: 'disconnected' });
    }
    desk.round(listed);
    expect(desk.emitted).toMatchObject([
      { name: 'position.changed', data: { position: '0', contract: { localSymbol: 'ESH6' } } },
    ]);
    desk.input({ kind: 'disconnected' }).connect().answer(listed).round(listed);
    expect(desk.emitted).toHaveLength(1);
  });

  it.each(['partial', 'failed'] as const)('draws nothing from a %s list, and asks again', (outcome) => {
    const desk = new TrackedDesk().fact(position('2')).restarted();
    desk.connect().answer({}, { positions: outcome });
    expect(desk.emitted).toEqual([]);
    desk.nowMs += 60_000;
    desk.input({ kind: 'tick' });
    expect(desk.asked).toContain('positions');
    expect(desk.asked).not.toContain('account-values');
  });

  it('takes no position for closed that a list lacks and the broker tells again', () => {
    const desk = new TrackedDesk().fact(position('2')).connect().answer();
    desk.news();
    desk.fact(position('1')).round().fact(position('1')).round();
    expect(desk.emitted.map(({ data }) => data)).toMatchObject([{ position: '1' }]);
    expect(desk.asked).toEqual([]);
    desk.round();
    expect(desk.news()).toEqual(['position.changed', 'position.changed']);
  });

  it('keeps one contract in two accounts apart', () => {
    const desk = new TrackedDesk().fact(position('2'), position('-1', '1', { account: 'DU2' }));
    expect(desk.emitted.map(({ account }) => account)).toEqual(['DU1', 'DU2']);
  });
});

describe('cash', () => {
  it('tells each currency once, zeros included, and never BASE', () => {
    const desk = new TrackedDesk().fact(
      accountValue('CashBalance', '429.720', 'EUR'),
      accountValue('CashBalance', '-0.00', 'USD'),
      accountValue('CashBalance', '7', 'BASE'),
      accountValue('NetLiquidation', '7', 'USD'),
      accountValue('CashBalance', '429.72', 'EUR'),
    );
    expect(desk.emitted.map(({ data }) => data)).toEqual([
      { currency: 'EUR', cash: '429.72' },
      { currency: 'USD', cash: '0' },
    ]);
  });

  it('tells remembered cash as zero when a complete list has other currencies and not this one', () => {
    const told = [accountValue('CashBalance', '429.72', 'EUR'), accountValue('CashBalance', '5', 'USD')];
    const other = accountValue('CashBalance', '1', 'EUR', 'DU2');
    const desk = new TrackedDesk().fact(...told, other).restarted();
    // A list without any cash is none of an account: nothing follows from it.
    desk.connect().answer({ 'account-values': [] });
    expect(desk.news()).toEqual([]);
    desk.input({ kind: 'disconnected' }).connect();
    desk.answer({ 'account-values': [accountValue('CashBalance', '470', 'USD')] });
    expect(desk.emitted.map(({ account, data }) => ({ account, data }))).toEqual([
      { account: 'DU1', data: { currency: 'USD', cash: '470' } },
      { account: 'DU1', data: { currency: 'EUR', cash: '0' } },
    ]);
    desk.news();
    desk.input({ kind: 'disconnected' }).connect();
    desk.answer({ 'account-values': told.slice(1) }, { 'account-values': 'partial' });
    expect(desk.emitted.map(({ data }) => data)).toEqual([{ currency: 'USD', cash: '5' }]);
  });

  it('follows one of the two names of the same cash', () => {
    const desk = new TrackedDesk().fact(
      accountValue('CashBalance', '10'),
      accountValue('TotalCashBalance', '11'),
      accountValue('CashBalance', '10'),
    );
    expect(desk.emitted.map(({ data }) => data)).toEqual([
      { currency: 'USD', cash: '10' },
      { currency: 'USD', cash: '11' },
    ]);
    const again = desk
      .restarted()
      .fact(accountValue('CashBalance', '10'), accountValue('TotalCashBalance', '11'));
    expect(again.news()).toEqual([]);
  });

  const path = sharedDataDir && join(sharedDataDir, 'ib', 'account_values.json.gz');
  it.skipIf(path === undefined)(`reads the account values of a real account (${whenAbsent})`, () => {
    const rows = JSON.parse(gunzipSync(readFileSync(path!)).toString()) as {
      account: string;
      tag: string;
      value: string;
      currency: string;
    }[];
    const desk = new TrackedDesk();
    for (const { account, tag, value, currency } of rows)
      desk.fact(accountValue(tag, value, currency, account));
    expect(desk.emitted.map(({ account, data }) => ({ account, data }))).toEqual([
      { account: 'DU123456', data: { currency: 'AUD', cash: '-100000.79' } },
      { account: 'DU123456', data: { currency: 'EUR', cash: '429.72' } },
      { account: 'DU123456', data: { currency: 'USD', cash: '100000.27' } },
    ]);
  });
});
