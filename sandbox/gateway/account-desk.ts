/**
 * Positions, account values and profit, and who asked to be kept up to date: positions on every change, account
 * values after each fill and every three minutes of the tape, as IB does.
 */
import type { Broker } from './broker/broker.ts';
import { cents, type Decimal, decimal, rounded, zero } from './broker/money.ts';
import { type Holding, multiplierOf } from './broker/portfolio.ts';
import type { Instrument } from './broker/types.ts';
import * as encode from './encode-account.ts';
import { zonedText } from './history-text.ts';
import { wireContract } from './order-messages.ts';
import type { Session } from './session.ts';

const updateMs = 180_000;

interface Watch {
  readonly session: Session;
  readonly kind: 'positions' | 'updates' | 'summary' | 'pnl';
  /** Request id; 0 for those that have none. */
  readonly id: number;
  readonly accounts: readonly string[];
  readonly tags: readonly string[];
}

export class AccountDesk {
  readonly #broker: Broker;
  readonly #timeZone: string;
  readonly #send: (session: Session, body: string) => void;
  #watches: Watch[] = [];
  #toldMs = Number.NEGATIVE_INFINITY;

  /** `send` is for what belongs to the order side; account values do not. */
  constructor(broker: Broker, timeZone: string, send: (session: Session, body: string) => void) {
    this.#broker = broker;
    this.#timeZone = timeZone;
    this.#send = send;
  }

  positions(session: Session): void {
    this.#watch({ session, kind: 'positions', id: 0, accounts: this.#broker.options.accounts, tags: [] });
    for (const holding of this.#broker.portfolio.holdings()) this.#sendPosition(session, holding);
    this.#send(session, encode.positionEnd());
  }

  updates(session: Session, account: string): void {
    this.#watch({ session, kind: 'updates', id: 0, accounts: [account], tags: [] });
    this.#sendUpdates(session, account);
    session.send(encode.accountDownloadEnd(account));
  }

  summary(session: Session, id: number, accounts: readonly string[], tags: readonly string[]): void {
    const watch: Watch = { session, kind: 'summary', id, accounts, tags };
    this.#watch(watch);
    this.#sendSummary(watch);
    session.send(encode.accountSummaryEnd(id));
  }

  pnl(session: Session, id: number, account: string): void {
    const watch: Watch = { session, kind: 'pnl', id, accounts: [account], tags: [] };
    this.#watch(watch);
    this.#sendPnl(watch);
  }

  stop(session: Session, kind?: Watch['kind'], id?: number): void {
    this.#watches = this.#watches.filter(
      (watch) =>
        watch.session !== session ||
        (kind !== undefined && watch.kind !== kind) ||
        (id !== undefined && watch.id !== id),
    );
  }

  /** A fill or a correction has changed a position, and the cash with it. */
  onChange(account: string, instrument: Instrument): void {
    const holding = this.#broker.portfolio.holding(account, instrument);
    for (const watch of this.#watches) {
      if (!watch.accounts.includes(account)) continue;
      if (watch.kind === 'positions') this.#sendPosition(watch.session, holding);
      else this.#update(watch);
    }
  }

  onAdvanced(tapeMs: number): void {
    if (this.#watches.length === 0 || tapeMs - this.#toldMs < updateMs) return;
    this.#toldMs = tapeMs;
    for (const watch of this.#watches) if (watch.kind !== 'positions') this.#update(watch);
  }

  #watch(watch: Watch): void {
    this.stop(watch.session, watch.kind, watch.id);
    if (this.#watches.length === 0) this.#toldMs = this.#broker.tapeMs;
    this.#watches.push(watch);
  }

  #update(watch: Watch): void {
    if (watch.kind === 'updates') this.#sendUpdates(watch.session, watch.accounts[0]!);
    if (watch.kind === 'summary') this.#sendSummary(watch);
    if (watch.kind === 'pnl') this.#sendPnl(watch);
  }

  #sendPosition(session: Session, { account, instrument, position, averageCost }: Holding): void {
    const { secType, primaryExchange } = instrument.contract;
    const contract = wireContract(instrument, { exchange: secType === 'STK' ? primaryExchange : '' });
    const held = { position: position.toFixed(), averageCost: rounded(averageCost) };
    this.#send(session, encode.position({ account, contract, ...held }));
  }

  #sendUpdates(session: Session, account: string): void {
    for (const { key, value, currency } of accountValues(this.#broker, account))
      session.send(encode.accountValue({ key, value, currency, account }));
    for (const holding of this.#broker.portfolio.holdings(account)) {
      const { instrument } = holding;
      const contract = wireContract(instrument, {
        right: '0',
        exchange: instrument.contract.primaryExchange,
      });
      const { price, value, unrealized } = marked(holding);
      session.send(
        encode.portfolioValue({
          account,
          contract,
          position: holding.position.toFixed(),
          marketPrice: rounded(price),
          marketValue: cents(value),
          averageCost: rounded(holding.averageCost),
          unrealizedPnl: cents(unrealized),
          realizedPnl: cents(holding.realized),
        }),
      );
    }
    session.send(encode.accountTime(zonedText(this.#broker.tapeMs, this.#timeZone, 173).slice(-8, -3)));
  }

  #sendSummary({ session, id, accounts, tags }: Watch): void {
    const ledger = tags.some((tag) => tag.startsWith('$LEDGER'));
    for (const account of accounts) {
      for (const { key, value, currency, inLedger } of accountValues(this.#broker, account)) {
        const wanted = ledger && inLedger ? true : tags.includes(key) && currency !== 'BASE';
        if (wanted) session.send(encode.accountSummary({ id, account, tag: key, value, currency }));
      }
    }
  }

  #sendPnl({ session, id, accounts }: Watch): void {
    const { realized, unrealized } = totals(this.#broker, accounts[0]!);
    const texts = { realized: money(realized), unrealized: money(unrealized) };
    session.send(encode.pnl({ id, daily: money(realized.plus(unrealized)), ...texts }));
  }
}

const money = (value: Decimal) => (value.isZero() ? '0.0' : rounded(value, 4));

/** What a holding is worth at the last price; at its cost before any. */
function marked(holding: Holding): { price: Decimal; value: Decimal; unrealized: Decimal } {
  const { instrument, position, cost, costCommission, averageCost } = holding;
  const multiplier = multiplierOf(instrument);
  const price = instrument.last === undefined ? averageCost.div(multiplier) : decimal(instrument.last.price);
  const value = position.times(price).times(multiplier);
  return { price, value, unrealized: value.minus(cost).minus(costCommission) };
}

/** Sums over an account. Only USD is the base currency; there are no exchange rates. */
function totals(broker: Broker, account: string) {
  let [realized, unrealized, gross, worth] = [zero, zero, zero, zero];
  for (const holding of broker.portfolio.holdings(account)) {
    if (holding.instrument.contract.currency !== 'USD') continue;
    const mark = marked(holding);
    realized = realized.plus(holding.realized);
    unrealized = unrealized.plus(mark.unrealized);
    const future = holding.instrument.contract.secType === 'FUT';
    if (!future) gross = gross.plus(mark.value.abs());
    worth = worth.plus(future ? mark.value.minus(holding.cost) : mark.value);
  }
  return { realized, unrealized, gross, worth };
}

/** Cash and what is held, in USD: net liquidation value, and equity with loan value. */
export function equityOf(broker: Broker, account: string): Decimal {
  const usd = broker.portfolio.cash(account).find(({ currency }) => currency === 'USD')!.amount;
  return usd.plus(totals(broker, account).worth);
}

interface AccountValue {
  readonly key: string;
  readonly value: string;
  readonly currency: string;
  /** A figure of one currency's ledger. */
  readonly inLedger: boolean;
}

function accountValues(broker: Broker, account: string): AccountValue[] {
  const cash = broker.portfolio.cash(account);
  const usd = cash.find(({ currency }) => currency === 'USD')!.amount;
  const { realized, unrealized, gross } = totals(broker, account);
  const net = equityOf(broker, account);
  const one = (key: string, value: string, currency: string, inLedger = false): AccountValue => ({
    key,
    value,
    currency,
    inLedger,
  });
  const both = (key: string, value: Decimal) => [
    one(key, cents(value), 'BASE', true),
    one(key, cents(value), 'USD', true),
  ];
  return [
    one('AccountCode', account, ''),
    one('AccountReady', 'true', ''),
    one('AccountType', 'INDIVIDUAL', ''),
    ...['NetLiquidation', 'EquityWithLoanValue', 'AvailableFunds', 'ExcessLiquidity', 'BuyingPower'].map(
      (key) => one(key, cents(net), 'USD'),
    ),
    one('TotalCashValue', cents(usd), 'USD'),
    one('GrossPositionValue', cents(gross), 'USD'),
    one('InitMarginReq', '0.00', 'USD'),
    one('MaintMarginReq', '0.00', 'USD'),
    one('Currency', 'BASE', 'BASE', true),
    one('Currency', 'USD', 'USD', true),
    ...cash
      .filter(({ currency }) => currency !== 'USD')
      .flatMap(({ currency, amount }) =>
        ['CashBalance', 'TotalCashBalance'].map((key) => one(key, cents(amount), currency, true)),
      ),
    ...both('CashBalance', usd),
    ...both('TotalCashBalance', usd),
    ...both('NetLiquidationByCurrency', net),
    ...both('RealizedPnL', realized),
    ...both('UnrealizedPnL', unrealized),
  ];
}
