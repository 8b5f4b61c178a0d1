/** Market data with a fake link and a simulated clock: what goes to the gateway is kept, what comes from it is fed. */
import type { Contract, ContractDetails } from '@stoqey/ib';
import { type Config, configSchema } from '../../../config/schema.ts';
import type { Candle } from '../../../lib/domain/market/candle.ts';
import { createMarketClock } from '../../../lib/domain/market/market-clock.ts';
import { catalogue, type EventData, type EventName } from '../../../lib/events/catalogue.ts';
import type { BrokerLink } from '../../../streamer/broker-link.ts';
import { MarketData, type MarketDataHost } from '../../../streamer/market-data.ts';
import type { StreamerError } from '../../../streamer/streamer-error.ts';

/** Tuesday 2026-01-06 15:00 UTC, 10:00 in New York: the session is open. */
export const TUESDAY = Date.UTC(2026, 0, 6, 15);
export const MINUTE = 60_000;

const hours = [
  '20260105:1800-20260106:1700',
  '20260106:1800-20260107:1700',
  '20260107:1800-20260108:1700',
  '20260108:1800-20260109:1700',
].join(';');

/** Contract details of a gold future as @stoqey/ib decodes them. */
export function gold(conId = 101, localSymbol = 'GCG6', expiry = '20260225'): ContractDetails {
  return {
    contract: {
      conId,
      symbol: 'GC',
      secType: 'FUT',
      localSymbol,
      exchange: 'COMEX',
      currency: 'USD',
      multiplier: 100,
      lastTradeDateOrContractMonth: expiry,
    },
    minTick: 0.1,
    timeZoneId: 'US/Eastern',
    tradingHours: hours,
  } as unknown as ContractDetails;
}

interface Overrides {
  readonly hasForerunner?: boolean;
  readonly symbols?: readonly (string | number | { readonly root: string; readonly multiplier: number })[];
  readonly marketDataType?: 'live' | 'delayed' | 'frozen';
  readonly candles?: object;
  readonly marketData?: object;
  readonly startMs?: number;
}

type Emitted = {
  [N in EventName]: { readonly name: N; readonly data: EventData<N>; readonly occurredAtMs: number };
}[EventName];

export class MarketDataHarness {
  readonly config: Config;
  readonly clock = createMarketClock();
  readonly marketData: MarketData;
  readonly events: Emitted[] = [];
  /** Events that only handlers inside the process are told. */
  readonly told: { readonly name: EventName; readonly data: object }[] = [];
  readonly gaps: {
    readonly conId: number;
    readonly fromMs: number;
    readonly toMs: number;
    readonly reason: string;
  }[] = [];
  readonly retired: { readonly conId: number; readonly reason: string }[] = [];
  readonly fatal: StreamerError[] = [];
  readonly warnings: string[] = [];
  readonly watermarks = new Map<number, number>();
  /** Requests to the gateway, in order. */
  readonly sent: { readonly what: string; readonly reqId: number; readonly contract?: Contract }[] = [];
  dataFlows = true;
  readonly #hasForerunner: boolean;
  ticksWanted = false;
  nowMs: number;
  #reqId = 1_000;
  #cum = 0;

  constructor({
    symbols = ['GC'],
    marketDataType = 'live',
    candles,
    marketData,
    startMs,
    hasForerunner = false,
  }: Overrides = {}) {
    this.#hasForerunner = hasForerunner;
    this.nowMs = startMs ?? TUESDAY;
    this.config = configSchema.parse({
      stage: 'sandbox',
      streamers: [
        {
          name: 'main',
          account: 'DU1234567',
          symbols,
          marketDataType,
          gateway: { port: 4002 },
          dbPath: 'unused.db',
        },
      ],
      ...(candles ? { candles } : {}),
      ...(marketData ? { marketData } : {}),
    });
    this.marketData = new MarketData(this.#host(), this.config, this.config.streamers[0]!);
  }

  #host(): MarketDataHost {
    const note =
      (what: string) =>
      (reqId: number, contract?: Contract): void => {
        this.sent.push({ what, reqId, ...(contract ? { contract } : {}) });
      };
    return {
      link: {
        requestMarketDataType: note('type'),
        requestContract: note('contract'),
        subscribe: note('subscribe'),
        unsubscribe: note('unsubscribe'),
        subscribeTickByTick: note('tick-by-tick'),
        unsubscribeTickByTick: note('tick-by-tick-end'),
      } as unknown as BrokerLink,
      clock: this.clock,
      logger: {
        debug: () => undefined,
        info: () => undefined,
        warn: (message: string) => this.warnings.push(message),
        error: (message: string) => this.warnings.push(message),
      },
      epoch: 7,
      hasForerunner: this.#hasForerunner,
      nextReqId: () => ++this.#reqId,
      systemMs: () => this.nowMs,
      dataFlows: () => this.dataFlows,
      emit: (name: EventName, data: object, occurredAtMs: number) => {
        // Whatever is emitted must be what the catalogue says.
        catalogue[name].schema.parse(data);
        this.events.push({ name, data, occurredAtMs } as unknown as Emitted);
      },
      tell: (name: EventName, data: object) => {
        catalogue[name].schema.parse(data);
        this.told.push({ name, data });
      },
      ticksWanted: () => this.ticksWanted,
      askTime: () => undefined,
      gap: (conId: number, fromMs: number, toMs: number, reason: string) => {
        catalogue['gap.detected'].schema.shape.reason.parse(reason);
        this.gaps.push({ conId, fromMs, toMs, reason });
      },
      retired: (conId: number, reason: string) => this.retired.push({ conId, reason }),
      watermark: (conId: number) => this.watermarks.get(conId),
      fatal: (error: StreamerError) => this.fatal.push(error),
      closeMoved: () => undefined,
      dataSeen: () => undefined,
    } as unknown as MarketDataHost;
  }

  /** The request id of the last request of a kind, for a line by its name. */
  reqId(what: string, conId?: number): number {
    const found = this.sent.findLast(
      (each) => each.what === what && (conId === undefined || each.contract?.conId === conId),
    );
    if (!found) throw new Error(`nothing was sent: ${what}`);
    return found.reqId;
  }

  requests(what: string): number[] {
    return this.sent.filter((each) => each.what === what).map((each) => each.reqId);
  }

  /** Subscribes, answers the contract, acknowledges and proves coverage. */
  start(details: readonly ContractDetails[] = [gold()]): this {
    this.marketData.subscribeAll();
    this.answer(details);
    this.acknowledge();
    this.time();
    return this;
  }

  /** Answers the last contract question. */
  answer(details: readonly ContractDetails[]): void {
    const reqId = this.reqId('contract');
    for (const each of details) this.marketData.onContract(reqId, each);
    this.marketData.onContractEnd(reqId);
  }

  acknowledge(conId?: number, type = 1): void {
    const reqId = this.reqId('subscribe', conId);
    this.marketData.onMarketDataType(reqId, type);
    this.marketData.onTickReqParams(reqId);
  }

  /** Moves the clock and lets the broker say its time. */
  time(atMs: number = this.nowMs): void {
    this.nowMs = Math.max(this.nowMs, atMs);
    this.marketData.onTime(Math.floor(this.nowMs / 1000));
  }

  /** A print by RTVolume on the last subscription; the cumulative volume goes on by itself. */
  print(atMs: number, price: number, size = 1, options: { reqId?: number; cum?: number } = {}): void {
    this.nowMs = Math.max(this.nowMs, atMs);
    this.#cum = options.cum ?? this.#cum + size;
    const text = `${price};${size};${atMs};${this.#cum};${price};true`;
    this.marketData.onTickString(options.reqId ?? this.reqId('subscribe'), 48, text);
  }

  drain(): void {
    this.marketData.buffer.drain();
  }

  of<N extends EventName>(name: N): EventData<N>[] {
    return this.events.filter((each) => each.name === name).map((each) => each.data as EventData<N>);
  }

  /** The last word on each bar, by conId and start. */
  candles(): Map<string, Candle> {
    const bars = new Map<string, Candle>();
    for (const { name, data } of this.events) {
      if (name !== 'candle.completed' && name !== 'candle.corrected') continue;
      bars.set(`${data.conId} ${new Date(data.startMs).toISOString().slice(11, 16)}`, data);
    }
    return bars;
  }
}
