/**
 * The field tables of open and completed orders (messages 5 and 101), after the contract's fields. They are words:
 * `name=what is sent when the order does not say`, nothing being the empty text; `@170` is the first server version
 * that has the field, `<177` the first that has not; `?` marks fields that are there only with a delta-neutral type.
 */

/** Values by field name. */
export type OrderFields = Readonly<Record<string, string | number>>;

export interface LayoutField {
  readonly name: string;
  readonly initial: string;
  readonly since: number;
  readonly before: number;
  readonly deltaNeutral: boolean;
}

/** How IB writes "no value" of a decimal and of a whole number. */
const constants: Readonly<Record<string, string>> = {
  NONE: '1.7976931348623157E308',
  MAX: '2147483647',
  UNKNOWN: '?',
};

const word = /^(\w+)(?:=([^@<?]+))?(?:@(\d+))?(?:<(\d+))?(\?)?$/;

function layout(...lines: readonly string[]): readonly LayoutField[] {
  return lines.flatMap((line) =>
    line.split(' ').map((text) => {
      const match = word.exec(text);
      if (match === null) throw new Error(`order layout: ${JSON.stringify(text)} is no field`);
      const [, name, initial = '', since = '0', before = 'Infinity', mark] = match;
      return {
        name: name!,
        initial: constants[initial] ?? initial,
        since: Number(since),
        before: Number(before),
        deltaNeutral: mark === '?',
      };
    }),
  );
}

const head =
  'action totalQuantity orderType limitPrice=0.0 auxPrice=0.0 tif=DAY ocaGroup account openClose origin=0 orderRef';
const advice =
  'faGroup faMethod faPercentage faProfile<177 modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot=0 designatedLocation exemptCode=-1';
const pegged = 'startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize=MAX';
const scale =
  'comboLegsDescription comboLegsCount=0 orderComboLegsCount=0 smartComboRoutingParamsCount=0 scaleInitLevelSize=MAX scaleSubsLevelSize=MAX scalePriceIncrement hedgeType';
const latest =
  'minTradeQty@170 minCompeteSize@170 competeAgainstBestOffset@170 midOffsetAtWhole@170 midOffsetAtHalf@170 customerAccount@183 professionalCustomer=0@184';

export const openOrderLayout = layout(
  head,
  'clientId=0 permId=0 outsideRth=0 hidden=0 discretionaryAmount=0 goodAfterTime sharesAllocation',
  advice,
  'auctionStrategy=0',
  pegged,
  'blockOrder=0 sweepToFill=0 allOrNone=0 minQty ocaType=3 eTradeOnly=0 firmQuoteOnly=0 nbboPriceCap parentId=0',
  'triggerMethod=0 volatility volatilityType=0 deltaNeutralOrderType=None deltaNeutralAuxPrice',
  'deltaNeutralConId=0? deltaNeutralSettlingFirm? deltaNeutralClearingAccount? deltaNeutralClearingIntent?',
  'deltaNeutralOpenClose=UNKNOWN? deltaNeutralShortSale=0? deltaNeutralShortSaleSlot=0? deltaNeutralDesignatedLocation?',
  'continuousUpdate=0 referencePriceType=0 trailStopPrice trailingPercent basisPoints basisPointsType',
  scale,
  'optOutSmartRouting=0 clearingAccount clearingIntent=IB notHeld=0 deltaNeutralContractPresent=0 algoStrategy',
  'solicited=0 whatIf=0 status',
  'initMarginBefore=NONE maintMarginBefore=NONE equityWithLoanBefore=NONE',
  'initMarginChange=NONE maintMarginChange=NONE equityWithLoanChange=NONE',
  'initMarginAfter=NONE maintMarginAfter=NONE equityWithLoanAfter=NONE',
  'commission minCommission maxCommission commissionCurrency warningText randomizeSize=0 randomizePrice=0',
  'conditionsCount=0 adjustedOrderType=None triggerPrice=NONE adjustedTrailStopPrice=NONE limitPriceOffset=NONE',
  'adjustedStopPrice=NONE adjustedStopLimitPrice=NONE adjustedTrailingAmount=NONE adjustableTrailingUnit=0',
  'softDollarTierName softDollarTierValue softDollarTierDisplay cashQty dontUseAutoPriceForHedge=0 isOmsContainer=0',
  'discretionaryUpToLimitPrice=0 usePriceMgmtAlgo=0 duration=MAX@158 postToAts@160 autoCancelParent=0@162',
  latest,
  'bondAccruedInterest@185 includeOvernight=0@189 extOperator@193 manualOrderIndicator=MAX@193',
);

export const completedOrderLayout = layout(
  head,
  'permId=0 outsideRth=0 hidden=0 discretionaryAmount=0 goodAfterTime',
  advice,
  pegged,
  'sweepToFill=0 allOrNone=0 minQty ocaType=3 triggerMethod=0 volatility volatilityType=0',
  'deltaNeutralOrderType=None deltaNeutralAuxPrice deltaNeutralConId=0? deltaNeutralShortSale=0?',
  'deltaNeutralShortSaleSlot=0? deltaNeutralDesignatedLocation?',
  'continuousUpdate=0 referencePriceType=0 trailStopPrice trailingPercent',
  scale,
  'clearingAccount clearingIntent=IB notHeld=0 deltaNeutralContractPresent=0 algoStrategy solicited=0 status',
  'randomizeSize=0 randomizePrice=0 conditionsCount=0 adjustedTrailStopPrice limitPriceOffset cashQty',
  'dontUseAutoPriceForHedge=0 isOmsContainer=0 autoCancelDate filledQuantity refFuturesConId=MAX autoCancelParent=0',
  'shareholder imbalanceOnly=0 routeMarketableToBbo=0 parentPermId=9223372036854775807 completedTime completedStatus',
  latest,
);
