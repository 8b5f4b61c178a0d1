import { SafetyStore } from '../../lib/aws/safety-store.ts';
import type { PositionBody } from '../../lib/domain/book/accounts.ts';
import type { Instrument } from '../../lib/domain/market/instrument.ts';
import type { Stance } from '../../lib/domain/orders/plan-of-order.ts';
import type { FlagsReading } from '../../lib/domain/safety/flags.ts';
import { isOpenFor, type LockReading } from '../../lib/domain/safety/lock.ts';
import type { TradingReading } from '../../lib/domain/safety/trading-state.ts';
import { readCandles } from './candles.ts';
import { findTradable, tradableInstruments } from './order-instrument.ts';
import { isOpen, type OrderRow, readOrderRows } from './order-rows.ts';
import type { Session } from './session.ts';

/** What holds for every order of the account at this moment. */
export interface AccountPicture {
  readonly flags: FlagsReading;
  readonly lock: LockReading;
  readonly trading: TradingReading;
  /** Fencing token of the lease; 0 where nobody has one. */
  readonly leaseToken: number;
  /** Market clock of the streamer, else the system's: Unix ms UTC. */
  readonly marketMs: number;
}

/** What an order of one contract meets. */
export interface OrderPicture extends AccountPicture {
  readonly instrument: Instrument;
  /** By the book; signed decimal text. */
  readonly position: string;
  /** Orders of the contract that the broker may still fill, of all clients. */
  readonly open: readonly OrderRow[];
  /** Close of the last candle; decimal text, null where there is none. */
  readonly lastPrice: string | null;
}

export async function readAccountPicture({ ports, account, io }: Session): Promise<AccountPicture> {
  const safety = new SafetyStore({ book: ports.book, nowMs: io.nowMs });
  const [flags, lock, trading, lease, heartbeat] = await Promise.all([
    safety.flags(account),
    safety.lock(account),
    safety.trading(account),
    ports.leases.read(account),
    ports.heartbeats.read(account),
  ]);
  const marketMs = heartbeat?.marketMs || io.nowMs();
  return { flags, lock, trading, leaseToken: lease?.token ?? 0, marketMs };
}

/** @throws CliError SYMBOL_UNKNOWN or SYMBOL_AMBIGUOUS */
export async function readOrderPicture(session: Session, symbol: string): Promise<OrderPicture> {
  const { ports, account, config, io } = session;
  const picture = await readAccountPicture(session);
  const instrument = findTradable(symbol, await tradableInstruments(ports.book, account), picture.marketMs);
  const { conId } = instrument;
  const newestMs = Math.max(picture.marketMs, io.nowMs());
  const [[held], rows, [last]] = await Promise.all([
    ports.book.read(account, [{ kind: 'position', id: String(conId) }]),
    readOrderRows(ports.book, account),
    readCandles(ports.candles, { conId, intervalMs: config.candles.intervalMs, newestMs, latest: 1 }),
  ]);
  return {
    ...picture,
    instrument,
    position: (held?.body as unknown as PositionBody | undefined)?.position ?? '0',
    open: rows.filter((row) => isOpen(row) && row.contract?.conId === conId),
    lastPrice: last?.close ?? null,
  };
}

export function stanceOf({ flags, lock, trading, leaseToken }: AccountPicture): Stance {
  return {
    flags: flags.flags,
    flagsReadable: flags.source !== 'unreadable',
    lockOpen: isOpenFor(lock, leaseToken),
    trading: trading.mode,
  };
}
