/**
 * Recorded messages of a live paper gateway at server version 173 as vectors for the encoders: each one is decoded by
 * the field names below (written from the protocol, not from the encoders), encoded again, and compared field by field.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as e from '../../sandbox/gateway/encode.ts';
import * as a from '../../sandbox/gateway/encode-account.ts';
import * as m from '../../sandbox/gateway/encode-market.ts';
import * as o from '../../sandbox/gateway/encode-orders.ts';
import { sharedDataDir, whenAbsent } from '../helpers/shared-data.ts';

interface Recorded {
  readonly line: number;
  readonly source: string;
  readonly fields: string[];
}

/** Lines of tws_messages_sv173.jsonl that are not encoded, and why. */
const excluded: Readonly<Record<string, readonly number[]>> = {
  'client to gateway: startApi': [23, 31, 37, 40, 43, 46, 49, 53, 56, 60, 63, 66, 69, 72, 75],
  'client to gateway: placeOrder': [8, 21, 22],
  'client to gateway: cancelOrder': [11],
  'client to gateway: reqIds': [13],
  'client to gateway: reqAutoOpenOrders': [18],
  'client to gateway: reqExecutions': [20],
  'client to gateway: reqContractData': [148, 151, 154],
  'client to gateway: reqMatchingSymbols': [156],
  'client to gateway: reqSecDefOptParams': [163],
  'written by hand: a contract as text under the id 0, which no message has': [159, 161],
  'written by hand: option parameters under the id 51, with lists in one field': [166],
  'written by hand: depth exchanges under the id 71': [132, 133],
  'written by hand: the position of a model under the id of a plain position': [81],
  'written by hand: an account value under the id of pnl': [87],
  'written by hand: an account value cut after two fields': [95],
  'written by hand: a position end with an account, which the message has not': [98],
  'written by hand: a histogram under the id 19': [107],
  'written by hand: an error without version under the id of orderStatus': [110, 164],
  'written by hand: marketDataType without version': [111],
  'written by hand: real-time bars with the version blanked': [118, 119],
  'written by hand: tick-by-tick with the layout of another type, or a placeholder': [121, 124, 125],
  'written by hand: market depth with the version blanked; the gateway serves no depth': [
    126, 127, 128, 129, 130, 131,
  ],
  'written by hand: tick price of versions 1 and 2, which no supported server version sends': [134, 135, 136],
  'written by hand: ticks with blanked versions, placeholders or the ids of other messages': [
    137, 138, 139, 140, 141, 142, 143, 144,
  ],
  'written by hand: bond details under the id of contract details': [149],
};

/** Recorded before server version 170: their open and completed orders lack the peg fields that 170 added. */
const recordedBefore170 = new Set([1, 4, 6, 14]);

const contract =
  'conId symbol secType expiry strike right multiplier exchange currency localSymbol tradingClass';
const orderHead =
  'action totalQuantity orderType limitPrice auxPrice tif ocaGroup account openClose origin orderRef';
const orderAdvice =
  'faGroup faMethod faPercentage faProfile modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode';
const orderPeg = 'startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize';
const orderScale =
  'comboLegsDescription comboLegsCount orderComboLegsCount smartComboRoutingParamsCount scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement hedgeType';
const openOrderNames = [
  orderHead,
  'clientId permId outsideRth hidden discretionaryAmount goodAfterTime sharesAllocation',
  orderAdvice,

  'auctionStrategy',
  orderPeg,
  'blockOrder sweepToFill allOrNone minQty ocaType eTradeOnly firmQuoteOnly',
  'nbboPriceCap parentId triggerMethod volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice',
  'deltaNeutralConId deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent',
  'deltaNeutralOpenClose deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation',
  'continuousUpdate referencePriceType trailStopPrice trailingPercent basisPoints basisPointsType',
  orderScale,
  'optOutSmartRouting clearingAccount clearingIntent notHeld deltaNeutralContractPresent',
  'algoStrategy solicited whatIf status initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange',
  'maintMarginChange equityWithLoanChange initMarginAfter maintMarginAfter equityWithLoanAfter commission',
  'minCommission maxCommission commissionCurrency warningText randomizeSize randomizePrice conditionsCount',
  'adjustedOrderType triggerPrice adjustedTrailStopPrice limitPriceOffset adjustedStopPrice adjustedStopLimitPrice',
  'adjustedTrailingAmount adjustableTrailingUnit softDollarTierName softDollarTierValue softDollarTierDisplay cashQty',
  'dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo duration postToAts',
  'autoCancelParent',
].join(' ');
const completedOrderNames = [
  orderHead,
  'permId outsideRth hidden discretionaryAmount goodAfterTime',
  orderAdvice,
  orderPeg,
  'sweepToFill allOrNone minQty ocaType triggerMethod volatility volatilityType deltaNeutralOrderType',
  'deltaNeutralAuxPrice deltaNeutralConId deltaNeutralShortSale deltaNeutralShortSaleSlot',
  'deltaNeutralDesignatedLocation continuousUpdate referencePriceType trailStopPrice trailingPercent',

  orderScale,
  'clearingAccount clearingIntent notHeld deltaNeutralContractPresent algoStrategy solicited status',
  'randomizeSize randomizePrice conditionsCount adjustedTrailStopPrice limitPriceOffset cashQty',
  'dontUseAutoPriceForHedge isOmsContainer autoCancelDate filledQuantity refFuturesConId autoCancelParent',
  'shareholder imbalanceOnly routeMarketableToBbo parentPermId completedTime completedStatus',
].join(' ');
const pegs = 'minTradeQty minCompeteSize competeAgainstBestOffset midOffsetAtWhole midOffsetAtHalf';

type Named = Record<string, string>;

/** Reads fields by name, in order; refuses what is left over but for the text after the last NUL. */
class Cursor {
  readonly #fields: readonly string[];
  #next: number;
  constructor(fields: readonly string[], from: number) {
    this.#fields = fields;
    this.#next = from;
  }
  take(names: string): Named {
    const out: Named = {};
    for (const name of names.split(' ')) out[name] = this.one();
    return out;
  }
  one(): string {
    const value = this.#fields[this.#next];
    if (value === undefined) throw new Error(`the message ends at field ${this.#next}`);
    this.#next += 1;
    return value;
  }
  many<T>(read: () => T): T[] {
    return Array.from({ length: Number(this.one()) }, read);
  }
}

/** Decodes by names and encodes again; `undefined` for a message that is not in the table. */
function reencode(fields: readonly string[], sv: number): string | undefined {
  const c = new Cursor(fields, 1);
  // Each encoder takes exactly the names read here; a missing one would show as a differing field.
  const read = <T>(names: string) => c.take(names) as T;
  const peg = sv >= 170 ? ` ${pegs}` : '';
  switch (fields[0]) {
    case '3':
      return o.orderStatus(
        read(
          'orderId status filled remaining averageFillPrice permId parentId lastFillPrice clientId whyHeld marketCapPrice',
        ),
      );
    case '4': {
      const v = c.take(sv >= 166 ? 'version id code text advancedJson' : 'version id code text');
      return e.error(sv, { id: v.id!, code: v.code!, text: v.text!, advancedJson: v.advancedJson ?? '' });
    }
    case '5':
      return o.openOrder(sv, {
        orderId: c.one(),
        contract: read(contract),
        order: c.take(openOrderNames + peg),
      });
    case '9':
      return e.nextValidId(c.take('version orderId').orderId!);
    case '10': {
      const first = c.take(
        'id symbol secType lastTradeDate strike right exchange currency localSymbol marketName',
      );
      const second = c.take(
        'tradingClass conId minTick multiplier orderTypes validExchanges priceMagnifier underConId',
      );
      const third = c.take(
        'longName primaryExchange contractMonth industry category subcategory timeZone tradingHours',
      );
      const fourth = c.take('liquidHours evRule evMultiplier');
      const secIds = c.many(() => c.take('tag value'));
      const rest = c.take('aggGroup underSymbol underSecType marketRuleIds realExpirationDate stockType');
      const sizes = c.take('minSize sizeIncrement suggestedSizeIncrement');
      const all = { ...first, ...second, ...third, ...fourth, ...rest, ...sizes, secIds };
      return e.contractDetails(sv, all as unknown as e.ContractDetails);
    }
    case '11': {
      const ids = c.take('id orderId');
      const what = read<a.WireContract>(contract);
      const trade = c.take(
        'execId time account exchange side shares price permId clientId liquidation cumulativeQuantity',
      );
      const rest = c.take('averagePrice orderRef evRule evMultiplier modelCode lastLiquidity');
      return o.execution(sv, { ...ids, ...trade, ...rest, contract: what } as unknown as o.Execution);
    }
    case '15':
      return e.managedAccounts(c.take('version accounts').accounts!);
    case '17': {
      const head = c.take('id start end');
      const bars = c.many(() => read<m.WireBar>('time open high low close volume wap count'));
      return m.historicalData({ id: head.id!, start: head.start!, end: head.end!, bars });
    }
    case '21':
      return m.tickOptionComputation(
        read(
          'id type basis impliedVolatility delta optionPrice presentValueDividend gamma vega theta underlyingPrice',
        ),
      );
    case '49':
      return e.currentTime(c.take('version epochSeconds').epochSeconds!);
    case '52':
      return e.contractDetailsEnd(c.take('version id').id!);
    case '59':
      c.one();
      return o.commissionReport(read('execId commission currency realizedPnl yield yieldRedemptionDate'));
    case '61': {
      const head = c.take('version account');
      const what = read<a.WireContract>(contract);
      const held = c.take('position averageCost');
      return a.position({
        account: head.account!,
        contract: what,
        position: held.position!,
        averageCost: held.averageCost!,
      });
    }
    case '62':
      return a.positionEnd();
    case '63':
      c.one();
      return a.accountSummary(read('id account tag value currency'));
    case '64':
      return a.accountSummaryEnd(c.take('version id').id!);
    case '71': {
      const head = c.take('version id account');
      const what = read<a.WireContract>(contract);
      const held = c.take('position averageCost modelCode');
      return a.positionMulti({ ...head, ...held, contract: what } as unknown as Parameters<
        typeof a.positionMulti
      >[0]);
    }
    case '78':
      return a.familyCodes(c.many(() => read<{ account: string; code: string }>('account code')));
    case '73':
      c.one();
      return a.accountUpdateMulti(read('id account modelCode key value currency'));
    case '74':
      return a.accountUpdateMultiEnd(c.take('version id').id!);
    case '75': {
      const head = c.take('id exchange underConId tradingClass multiplier');
      const lists = { expirations: c.many(() => c.one()), strikes: c.many(() => c.one()) };
      return m.optionParameters({ ...head, ...lists } as unknown as Parameters<typeof m.optionParameters>[0]);
    }
    case '79': {
      const id = c.one();
      const samples = c.many(() => ({
        ...c.take('conId symbol secType primaryExchange currency'),
        derivatives: c.many(() => c.one()),
      }));
      return e.symbolSamples(sv, { id, samples: samples as never });
    }
    case '88':
      return m.headTimestamp(c.one(), c.one());
    case '93':
      return m.marketRule(
        c.one(),
        c.many(() => read<{ lowEdge: string; increment: string }>('lowEdge increment')),
      );
    case '94':
      return a.pnl(read('id daily unrealized realized'));
    case '95':
      return a.pnlSingle(read('id position daily unrealized realized value'));
    case '96':
      return m.historicalTicks({
        id: c.one(),
        ticks: c.many(() => read<never>('time unused price size')),
        done: c.one(),
      });
    case '97': {
      const names = 'time mask bid ask bidSize askSize';
      return m.historicalTicksBidAsk({ id: c.one(), ticks: c.many(() => read<never>(names)), done: c.one() });
    }
    case '98': {
      const names = 'time mask price size exchange conditions';
      return m.historicalTicksLast({ id: c.one(), ticks: c.many(() => read<never>(names)), done: c.one() });
    }
    case '99':
      if (fields[2] !== '3')
        return m.tickByTickLast(read('id type timeSeconds price size mask exchange conditions'));
      return m.tickByTickBidAsk(read('id type timeSeconds bid ask bidSize askSize mask'));
    case '101':
      return o.completedOrder(sv, { contract: read(contract), order: c.take(completedOrderNames + peg) });
    case '106': {
      const head = c.take('id start end timeZone');
      const sessions = c.many(() => c.take('start end date'));
      return m.historicalSchedule({ ...head, sessions } as unknown as Parameters<
        typeof m.historicalSchedule
      >[0]);
    }
    default:
      return undefined;
  }
}

/** Fields of a message; a recorded line may end with the empty text after its last NUL. */
function sameFields(encoded: string, recorded: readonly string[]): void {
  const fields = encoded.split('\0').slice(0, -1);
  const artefact = recorded.length === fields.length + 1 && recorded.at(-1) === '';
  expect(fields).toEqual(artefact ? recorded.slice(0, -1) : recorded);
}

describe.skipIf(sharedDataDir === undefined)(`recorded messages (${whenAbsent} when skipped)`, () => {
  const text =
    sharedDataDir &&
    gunzipSync(readFileSync(join(sharedDataDir, 'ib/tws_messages_sv173.jsonl.gz'))).toString();
  const recorded: Recorded[] = (text ?? '')
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      const { file, line: at, fields } = JSON.parse(line) as { file: string; line: number; fields: string[] };
      return { line: index + 1, source: `${file}:${at}`, fields };
    });
  const reasons = new Map(
    Object.entries(excluded).flatMap(([why, lines]) => lines.map((line) => [line, why] as const)),
  );
  const wanted = recorded.filter(({ line }) => !reasons.has(line));

  it('every recorded message is either a vector or excluded with a reason, and none is both or neither', () => {
    expect(recorded.length).toBe(166);
    expect([...reasons.keys()].every((line) => line >= 1 && line <= recorded.length)).toBe(true);
    expect(wanted.length + reasons.size).toBe(recorded.length);
    console.log(
      `recorded messages: ${wanted.length} of ${wanted.length} to reproduce, ${reasons.size} excluded:`,
    );
    for (const [why, lines] of Object.entries(excluded)) console.log(`  ${why}: lines ${lines.join(', ')}`);
  });

  for (const { line, source, fields } of wanted) {
    const sv = recordedBefore170.has(line) ? 169 : 173;
    const title = `line ${line} (${source}), message ${fields[0]}, is reproduced at server version ${sv}`;
    it(title, () => {
      const encoded = reencode(fields, sv);
      expect(encoded, 'an encoder for this message').toBeDefined();
      sameFields(encoded!, fields);
    });
  }

  const interactions =
    sharedDataDir === undefined
      ? []
      : (
          parse(readFileSync(join(sharedDataDir, 'ib/tws_interactions_sv173.yaml'), 'utf8')) as {
            interactions: {
              name: string;
              responses: { raw: string; fields: { name: string; value: string }[] }[];
            }[];
          }
        ).interactions;
  const responses = interactions.flatMap(({ name, responses: all }) => all.map(({ raw }) => ({ name, raw })));

  it('the recorded interactions hold nine answers', () => {
    expect(responses.length).toBe(9);
  });
  for (const [index, { name, raw }] of responses.entries()) {
    it(`interaction ${name}, answer ${index + 1}, is reproduced byte by byte`, () => {
      expect(reencode(raw.split('\0').slice(0, -1), 173)).toBe(raw);
    });
  }
});
