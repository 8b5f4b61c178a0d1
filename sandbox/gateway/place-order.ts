/**
 * Reads placeOrder (message 3) by server version. The fields are words as in the order layouts: `@170` is the first
 * version that has the field, `<177` the first that has not. What the broker does not have is refused by name: a field
 * that means something and is set is never passed over, and behind one that brings further fields nothing is read.
 */
import { decimal } from './broker/money.ts';
import { invalid, number, rejected } from './broker/terms-check.ts';
import {
  type OrderTerms,
  type OrderType,
  orderTypes,
  type Refusal,
  type TimeInForce,
} from './broker/types.ts';
import type { Fields, RequestContract } from './fields.ts';
import { endMs } from './history-text.ts';

export interface PlacedOrder {
  readonly orderId: number;
  readonly contract: RequestContract;
  readonly account: string;
  readonly parentId: number;
  readonly transmit: boolean;
  /** A question: what would the order do to the account? */
  readonly whatIf: boolean;
  readonly terms: OrderTerms;
}

const layout = [
  'secIdType secId action totalQuantity orderType limitPrice auxPrice tif ocaGroup account openClose origin orderRef',
  'transmit parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden',
  'sharesAllocation discretionaryAmount goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile<177',
  'modelCode shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty percentOffset',
  'eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta stockRangeLower',
  'stockRangeUpper overridePercentageConstraints volatility volatilityType deltaNeutralOrderType',
  'deltaNeutralAuxPrice continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize',
  'scaleSubsLevelSize scalePriceIncrement scaleTable activeStartTime activeStopTime hedgeType optOutSmartRouting',
  'clearingAccount clearingIntent notHeld deltaNeutralContract algoStrategy algoId whatIf orderMiscOptions solicited',
  'randomizeSize randomizePrice conditionsCount adjustedOrderType triggerPrice limitOffset adjustedStopPrice',
  'adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit extOperator softDollarTierName',
  'softDollarTierValue cashQty mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo',
  'dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo duration@158 postToAts@160',
  'autoCancelParent@162 advancedErrorOverride@166 manualOrderTime@169 customerAccount@183 professionalCustomer@184',
  'rfqText@187<190 rfqNumber@187<190 includeOvernight@189 manualOrderIndicator@192',
]
  .join(' ')
  .split(' ')
  .map((word) => {
    const [, name, since = '0', before = 'Infinity'] = /^(\w+)(?:@(\d+))?(?:<(\d+))?$/.exec(word)!;
    return { name: name!, since: Number(since), before: Number(before) };
  });

/** Read, or without a meaning for a paper order. */
const understood = new Set(
  [
    'action totalQuantity orderType limitPrice auxPrice tif ocaGroup account orderRef transmit parentId outsideRth',
    'whatIf goodTillDate ocaType trailStopPrice trailingPercent limitOffset openClose origin displaySize rule80A',
    'clearingIntent usePriceMgmtAlgo extOperator manualOrderTime manualOrderIndicator orderMiscOptions solicited',
    'dontUseAutoPriceForHedge optOutSmartRouting advancedErrorOverride',
  ]
    .join(' ')
    .split(' '),
);
const unset = /^(|0(\.0)?|-1|false|none|2147483647|1\.797693134862315\d?e\+?308)$/i;

/** The order of a message, or its id with why it is refused. Throws `ProtocolError` for a message cut short. */
export function readPlaceOrder(
  fields: Fields,
  serverVersion: number,
): PlacedOrder | { readonly orderId: number; readonly refusal: Refusal } {
  const orderId = fields.integer();
  const contract = fields.contract();
  const refuse = (refusal: Refusal) => ({ orderId, refusal });
  const unsupported = (what: string) =>
    refuse(invalid(`${what}: the simulated gateway does not have it; the order was not placed.`));
  if (contract.secType.toUpperCase() === 'BAG') return unsupported('Combination orders (BAG)');
  if (contract.exchange === 'IBKRATS') return unsupported('Exchange IBKRATS');
  const said: Record<string, string> = {};
  for (const { name, since, before } of layout) {
    if (serverVersion < since || serverVersion >= before) continue;
    const value = fields.text();
    if (!understood.has(name) && !unset.test(value)) return unsupported(`${name} ${value.slice(0, 40)}`);
    said[name] = value;
    // Pegged types bring fields of their own, so nothing is read behind them.
    if (name === 'orderType' && !orderTypes.includes(orderTypeOf(value)))
      return refuse(
        rejected(`Order type ${value.slice(0, 40)} is not supported; ${orderTypes.join(', ')} are.`),
      );
  }
  if (fields.left > 0)
    return unsupported(`${fields.left} more fields than server version ${serverVersion} has`);
  const parentId = Number(said.parentId || '0');
  const ocaType = Number(said.ocaType || '0');
  if (!Number.isSafeInteger(parentId) || !Number.isSafeInteger(ocaType))
    return refuse(invalid('parentId and ocaType must be whole numbers.'));
  return {
    orderId,
    contract,
    account: said.account!,
    parentId,
    transmit: flag(said.transmit!),
    whatIf: flag(said.whatIf!),
    terms: termsOf(said, ocaType),
  };
}

/** `contractZone` is where a good till date without a zone lies. */
export function withGoodTill(terms: OrderTerms, contractZone: string): OrderTerms {
  if (terms.goodTillDate === '') return terms;
  return { ...terms, goodTillMs: endMs(terms.goodTillDate, 0, contractZone) };
}

function termsOf(said: Record<string, string>, ocaType: number): OrderTerms {
  return {
    action: said.action!.toUpperCase() as OrderTerms['action'],
    quantity: plain(said.totalQuantity!),
    orderType: orderTypeOf(said.orderType!),
    limitPrice: plain(said.limitPrice!),
    auxPrice: plain(said.auxPrice!),
    trailStopPrice: plain(said.trailStopPrice!),
    trailingPercent: plain(said.trailingPercent!),
    limitOffset: plain(said.limitOffset!),
    timeInForce: (said.tif || 'DAY') as TimeInForce,
    goodTillDate: said.goodTillDate!,
    goodTillMs: undefined,
    outsideRth: flag(said.outsideRth!),
    ocaGroup: said.ocaGroup!,
    ocaType,
    orderRef: said.orderRef!,
  };
}

const flag = (value: string) => value === '1' || value.toLowerCase() === 'true';
const orderTypeOf = (value: string) =>
  value.replace(/^STPLMT$/, 'STP LMT').replace(/^TRAILLMT$/, 'TRAIL LIMIT') as OrderType;
/** Decimal text without trailing zeros; IB's greatest number means nothing was said. */
const plain = (value: string) => {
  if (value.startsWith('1.79769')) return '';
  return number.test(value) ? decimal(value).toFixed() : value;
};
