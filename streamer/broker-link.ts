import {
  BarSizeSetting,
  type Contract,
  type ContractDetails,
  EventName,
  IBApi,
  type MarketDataType,
  type Order,
  TickByTickDataType,
  WhatToShow,
} from '@stoqey/ib';
import { guardSocket } from './broker-link-guard.ts';
import { listenToOrders } from './broker-link-orders.ts';
import type { GatewayLink, LinkListener, LinkTarget, Subscribe, WireFigures } from './broker-link-types.ts';
import { type DecoderFigures, guardDecoder } from './wire-decoder.ts';
import { WireError } from './wire-frames.ts';
import {
  accountIds,
  isOrderId,
  NoticeFlood,
  plainText,
  sensibleContract,
  sensibleTime,
} from './wire-values.ts';

export type { LinkBar, LinkListener, LinkTarget } from './broker-link-types.ts';

/** RTVolume: every trade with its time and the cumulative volume. */
const GENERIC_TICKS = '233';
const NO_LEASE = 'this streamer holds no lease: nothing may be written to the gateway';
/** Epoch seconds rather than text in a zone that the gateway picks. */
const FORMAT_EPOCH = 2;

/**
 * The edge to @stoqey/ib: one fresh `IBApi` for each attempt, thrown away with all that it has queued when the attempt
 * is over. (An instance that is used again replays old requests into the new session.) Listeners only hand their
 * input on; every one is guarded, because a listener that throws stalls the rest of the socket's chunk.
 */
export class BrokerLink implements GatewayLink {
  readonly #target: LinkTarget;
  readonly #listener: LinkListener;
  readonly #mayWrite: () => boolean;
  #api: IBApi | undefined;
  #attempts = 0;
  #wire: () => DecoderFigures = () => ({ unreadable: 0, ignored: 0, surplus: 0 });
  #broken = 0;
  #nextValidId = 0;

  /** @param mayWrite asked before every write to the socket */
  constructor(target: LinkTarget, listener: LinkListener, mayWrite: () => boolean) {
    this.#target = target;
    this.#listener = listener;
    this.#mayWrite = mayWrite;
  }

  /** The lowest order id that the gateway takes from this client, as it said last; it may be too low. */
  get nextValidId(): number {
    return this.#nextValidId;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** What of the gateway's messages could not be used: of this connection, and how many connections broke over it. */
  get wire(): WireFigures {
    return { ...this.#wire(), broken: this.#broken };
  }

  /**
   * Starts one attempt; the outcome comes as `ready` or `disconnected`.
   *
   * @throws StreamerError when the inside of the pinned @stoqey/ib is not what it was
   */
  open(): void {
    this.close();
    this.#attempts += 1;
    if (!this.#mayWrite()) {
      this.#tellClosed(NO_LEASE);
      return;
    }
    // All four options, or the constructor reads the environment.
    const api = new IBApi({
      host: this.#target.host,
      port: this.#target.port,
      clientId: this.#target.clientId,
      maxReqPerSec: this.#target.maxRequestsPerSecond,
    });
    this.#api = api;
    const giveUp = (why: string): void => {
      if (this.#api !== api) return;
      this.close();
      this.#tellClosed(why);
    };
    this.#wire = guardDecoder(api, {
      current: () => this.#api === api,
      unreadable: (error, list) => {
        if (list !== undefined) this.#listener.unreadable(list);
        this.#listener.fault('wire', error);
      },
      broken: ({ message }) => {
        this.#broken += 1;
        giveUp(message);
      },
    });
    this.#listen(api, giveUp);
    api.connect(this.#target.clientId);
    guardSocket(api, this.#mayWrite, () => giveUp(NO_LEASE));
  }

  /** Throws the attempt away, with its socket, its listeners and all that it has queued. */
  close(): void {
    const api = this.#api;
    if (!api) return;
    this.#api = undefined;
    api.removeAllListeners();
    api.disconnect();
  }

  requestTime(): void {
    this.#api?.reqCurrentTime();
  }

  requestMarketDataType(type: MarketDataType): void {
    this.#api?.reqMarketDataType(type);
  }

  requestContract(reqId: number, contract: Contract): void {
    this.#api?.reqContractDetails(reqId, contract);
  }

  /**
   * Of all clients, once, and without binding: reqOpenOrders as client 0 and reqAutoOpenOrders take orders that were
   * typed into TWS for their own, by which IB cancels and sends them again (`ib-facts` 5). Answered by 321 where the
   * gateway is read-only: the one question that tells before an order would.
   */
  requestOpenOrders(): void {
    this.#api?.reqAllOpenOrders();
  }

  /** Those of the day, of every origin. */
  requestCompletedOrders(): void {
    this.#api?.reqCompletedOrders(false);
  }

  /** Of all clients since the gateway's midnight. */
  requestExecutions(reqId: number): void {
    this.#api?.reqExecutions(reqId, {});
  }

  /**
   * An order of this client; of another's the gateway knows no such id, or one that is not meant.
   *
   * @returns false where there is no connection, and so nothing was sent
   */
  cancelOrder(orderId: number): boolean {
    if (this.#api?.isConnected !== true) return false;
    this.#api.cancelOrder(orderId);
    return true;
  }

  /**
   * An order of this client, or new terms of one.
   *
   * @returns false where there is no connection, and so nothing was sent
   */
  placeOrder(orderId: number, contract: Contract, order: Order): boolean {
    if (this.#api?.isConnected !== true) return false;
    this.#api.placeOrder(orderId, contract, order);
    return true;
  }

  /** The whole list, then changes, of all accounts. */
  subscribePositions(): void {
    this.#api?.reqPositions();
  }

  unsubscribePositions(): void {
    this.#api?.cancelPositions();
  }

  /** All values of one account, then changes. */
  subscribeAccount(account: string): void {
    this.#api?.reqAccountUpdates(true, account);
  }

  unsubscribeAccount(account: string): void {
    this.#api?.reqAccountUpdates(false, account);
  }

  subscribe(reqId: number, contract: Contract): void {
    this.#api?.reqMktData(reqId, contract, GENERIC_TICKS, false, false);
  }

  unsubscribe(reqId: number): void {
    this.#api?.cancelMktData(reqId);
  }

  subscribeTickByTick(reqId: number, contract: Contract): void {
    this.#api?.reqTickByTickData(reqId, contract, TickByTickDataType.AllLast, 0, false);
  }

  unsubscribeTickByTick(reqId: number): void {
    this.#api?.cancelTickByTickData(reqId);
  }

  /** Trades as bars; `end` is `yyyymmdd-HH:MM:SS` in UTC. */
  requestHistory(
    reqId: number,
    contract: Contract,
    end: string,
    duration: string,
    barSize: BarSizeSetting,
  ): void {
    this.#api?.reqHistoricalData(
      reqId,
      contract,
      end,
      duration,
      barSize,
      WhatToShow.TRADES,
      0,
      FORMAT_EPOCH,
      false,
    );
  }

  /** Not in the middle of whatever wanted to write. */
  #tellClosed(why: string): void {
    const attempt = this.#attempts;
    queueMicrotask(() => {
      if (this.#attempts === attempt) this.#listener.disconnected(null, why);
    });
  }

  #listen(api: IBApi, giveUp: (why: string) => void): void {
    const listener = this.#listener;
    // An event that arrives for an instance that was thrown away belongs to nobody.
    const on: Subscribe = <A extends readonly unknown[]>(event: EventName, handle: (...args: A) => void) => {
      const guarded = (...args: A): void => {
        if (this.#api !== api) return;
        try {
          handle(...args);
        } catch (error) {
          listener.fault(event, error);
        }
      };
      (api as { on(name: string, fn: (...args: A) => void): unknown }).on(event, guarded);
    };

    let accounts: readonly string[] = [];
    on(EventName.managedAccounts, (list: string) => {
      accounts = accountIds(list);
    });
    on(EventName.nextValidId, (orderId: number) => {
      // Orders count on from it: a number that is none would be the id of the next order.
      if (!isOrderId(orderId)) giveUp(new WireError(`nextValidId is ${orderId}`).message);
      else {
        this.#nextValidId = orderId;
        listener.ready(api.serverVersion, accounts);
      }
    });
    on(EventName.disconnected, () => listener.disconnected(null, 'the gateway closed the connection'));
    const flood = new NoticeFlood();
    const tell = (message: string, code: number, reqId: number): void => {
      if (flood.isOver(performance.now())) {
        giveUp(new WireError('notices and errors come without end').message);
        return;
      }
      // Ids of ours and of orders are positive: what names none concerns the session.
      if (reqId > 0) listener.requestError(reqId, code, plainText(message));
      else listener.notice(code, plainText(message));
    };
    on(EventName.info, (message: string, code: number) => tell(message, code, -1));
    on(EventName.error, ({ message }: Error, code: number, reqId: number) => tell(message, code, reqId));
    listenToOrders(on, listener, this.#target);
    on(EventName.currentTime, (seconds: number) => listener.time(sensibleTime(seconds)));
    on(EventName.contractDetails, (reqId: number, details: ContractDetails) =>
      listener.contract(reqId, sensibleContract(details)),
    );
    on(EventName.contractDetailsEnd, (reqId: number) => listener.contractEnd(reqId));
    on(EventName.marketDataType, (reqId: number, type: number) => listener.marketDataType(reqId, type));
    on(EventName.tickReqParams, (reqId: number) => listener.tickReqParams(reqId));
    // The tick events are the hot path: each is guarded by hand, without an array of arguments.
    api.on(EventName.tickString, (reqId, type, value) => {
      try {
        if (this.#api === api) listener.tickString(reqId, type as number, value);
      } catch (error) {
        listener.fault(EventName.tickString, error);
      }
    });
    api.on(EventName.tickPrice, (reqId, type, price) => {
      try {
        if (this.#api === api) listener.tickPrice(reqId, type as number, price);
      } catch (error) {
        listener.fault(EventName.tickPrice, error);
      }
    });
    api.on(EventName.tickSize, (reqId, type, size) => {
      try {
        if (this.#api === api) listener.tickSize(reqId, type ?? 0, size ?? Number.NaN);
      } catch (error) {
        listener.fault(EventName.tickSize, error);
      }
    });
    on(EventName.tickGeneric, (reqId: number, type: number, value: number) =>
      listener.tickGeneric(reqId, type, value),
    );
    on(
      EventName.tickByTickAllLast,
      (reqId: number, _type: number, time: string | number, price: number, size: number) =>
        listener.tickByTickTrade(reqId, Number(time), price, size),
    );
    on(
      EventName.historicalData,
      (
        reqId: number,
        time: string,
        open: number,
        high: number,
        low: number,
        close: number,
        volume: number,
        count: number,
      ) => {
        if (time.startsWith('finished')) listener.historicalEnd(reqId);
        else
          listener.historicalBar(reqId, {
            startSeconds: Number(time),
            open,
            high,
            low,
            close,
            volume,
            count,
          });
      },
    );
  }
}

/** IB's names of the bar sizes, by interval in milliseconds. */
export const barSizes: ReadonlyMap<number, BarSizeSetting> = new Map([
  [5_000, BarSizeSetting.SECONDS_FIVE],
  [10_000, BarSizeSetting.SECONDS_TEN],
  [15_000, BarSizeSetting.SECONDS_FIFTEEN],
  [30_000, BarSizeSetting.SECONDS_THIRTY],
  [60_000, BarSizeSetting.MINUTES_ONE],
  [120_000, BarSizeSetting.MINUTES_TWO],
  [180_000, BarSizeSetting.MINUTES_THREE],
  [300_000, BarSizeSetting.MINUTES_FIVE],
  [600_000, BarSizeSetting.MINUTES_TEN],
  [900_000, BarSizeSetting.MINUTES_FIFTEEN],
  [1_200_000, BarSizeSetting.MINUTES_TWENTY],
  [1_800_000, BarSizeSetting.MINUTES_THIRTY],
  [3_600_000, BarSizeSetting.HOURS_ONE],
]);
