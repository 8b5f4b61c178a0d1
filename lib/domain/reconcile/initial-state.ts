/** What the very first run finds: each instrument in its class, and what somebody might want to do about it. */
import type { Instrument } from '../market/instrument.ts';
import type { PositionFact } from '../orders/broker-facts.ts';
import { type Amount, amount, plain } from '../orders/decimals.ts';
import { averagePriceOf, multiplierOf, sizeOf } from './holdings.ts';
import type { Recommendation, ReconcileInput } from './types.ts';

const classes: Readonly<Record<string, string>> = {
  STK: 'stock',
  FUT: 'future',
  OPT: 'option',
  FOP: 'future option',
  CASH: 'currency',
  BAG: 'combination',
  IND: 'index',
  CRYPTO: 'crypto currency',
};

/** SPY is a share and ES a future, however close their prices lie (`ib-facts` 16). */
export function instrumentClass(secType: string): string {
  return Object.hasOwn(classes, secType) ? classes[secType]! : secType.toLowerCase();
}

/** Of the symbols that the rules name, sorted by symbol and conId. Never an action. */
export function recommendations(
  { book, rules, prices }: ReconcileInput,
  positions: Iterable<PositionFact>,
): readonly Recommendation[] {
  const known = [...positions].filter(({ contract, position }) => {
    const isNamed = [contract.symbol, contract.localSymbol].some((name) =>
      rules.initialStateSymbols.includes(name),
    );
    return isNamed && !sizeOf(position).isZero();
  });
  return known
    .map((fact) => {
      const conId = String(fact.contract.conId);
      return recommend(fact, book.instruments.get(conId), prices?.get(conId), rules);
    })
    .sort((a, b) => (a.symbol === b.symbol ? a.conId - b.conId : a.symbol < b.symbol ? -1 : 1));
}

function recommend(
  { contract, position, averageCost }: PositionFact,
  instrument: Instrument | undefined,
  priceText: string | undefined,
  { riskThreshold, profitThreshold }: ReconcileInput['rules'],
): Recommendation {
  const size = sizeOf(position);
  const about = {
    conId: contract.conId,
    symbol: contract.localSymbol || contract.symbol,
    instrumentClass: instrumentClass(contract.secType),
    position: plain(size),
  };
  const multiplier = multiplierOf(contract, instrument);
  const average = averagePriceOf(averageCost, contract, instrument);
  const basis = `${averageCost || 'no cost'} / ${plain(multiplier)} = ${average === null ? 'no price' : shown(average)}`;
  if (average === null || priceText === undefined) {
    return { ...about, recommendation: 'no_price', arithmetic: [basis] };
  }
  const price = amount(priceText);
  const result = price.minus(average).times(size).times(multiplier);
  const cost = average.times(size).times(multiplier).abs();
  const share = result.div(cost);
  const isLoss = share.lte(amount(riskThreshold).negated());
  const isProfit = share.gte(profitThreshold);
  const sums = [
    basis,
    `(${plain(price)} - ${shown(average)}) x ${plain(size)} x ${plain(multiplier)} = ${shown(result)}`,
    `${shown(result)} / ${shown(cost)} = ${shown(share)}`,
    isLoss
      ? `${shown(share)} <= -${riskThreshold}`
      : isProfit
        ? `${shown(share)} >= ${profitThreshold}`
        : `-${riskThreshold} < ${shown(share)} < ${profitThreshold}`,
  ];
  return {
    ...about,
    recommendation: isLoss ? 'review_loss' : isProfit ? 'take_profit' : 'hold',
    arithmetic: sums,
  };
}

/** For a person: the judgement itself is made with all digits. */
function shown(value: Amount): string {
  return plain(value.toDecimalPlaces(6));
}
