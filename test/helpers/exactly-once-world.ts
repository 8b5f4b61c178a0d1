/** One run of the sender of orders: its world, what befalls it, and what is noted on the way. All of it follows from the seed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { configSchema } from '../../config/schema.ts';
import { operatorWriter } from '../../lib/domain/audit/writers.ts';
import type { BookBody, BookRef } from '../../lib/domain/book/item.ts';
import { parsePrice } from '../../lib/domain/market/fixed.ts';
import type { Instrument } from '../../lib/domain/market/instrument.ts';
import { alwaysOpen } from '../../lib/domain/market/sessions.ts';
import { type Flags, firstFlags, flagsBody } from '../../lib/domain/safety/flags.ts';
import { lockBody } from '../../lib/domain/safety/lock.ts';
import { type TradingMode, tradingBody } from '../../lib/domain/safety/trading-state.ts';
import { createLine, type Line } from '../../streamer/line.ts';
import { Outbox } from '../../streamer/outbox.ts';
import { account, clientId, Gateway, lastPrice } from './exactly-once-gateway.ts';
import { type CrashPoint, StreamerProcess, type Surroundings } from './exactly-once-process.ts';
import { Fifo } from './exactly-once-queue.ts';
import { Table } from './exactly-once-table.ts';
import { VirtualTime } from './exactly-once-time.ts';
import { Witness } from './exactly-once-witness.ts';

export const startMs = Date.parse('2026-01-05T15:00:00Z');
const silent = () => undefined;

const config = configSchema.parse({
  stage: 'sandbox',
  streamers: [
    { name: 'main', account, symbols: ['GC'], gateway: { clientId, port: 4002 }, dbPath: ':memory:' },
  ],
  risk: {
    maxQuantity: '50',
    maxNotional: null,
    maxPosition: null,
    maxOpenOrders: null,
    maxOrdersPerMinute: null,
    maxDailyLoss: null,
    maxDrawdown: null,
    priceCollar: '0.05',
  },
});

export class World {
  readonly time: VirtualTime;
  readonly gateway: Gateway;
  readonly queue: Fifo;
  readonly table: Table;
  readonly witness: Witness;
  readonly processes: StreamerProcess[] = [];
  /** Shares of requests to the endpoint that fail. */
  readonly trouble = { before: 0, after: 0, late: 0 };
  /** Share of transactions that an operator's flag comes before, by a moment. */
  raceShare = 0;
  /** Since then the contract is known. */
  lineFromMs = startMs;
  /** Processes that are about to begin again. */
  restarts = 0;
  /** Nobody dies any more. */
  isHealed = false;
  readonly conId: number;
  readonly #folder: string;
  readonly #line: Line;
  #files = 0;
  #isClosed = false;

  constructor(seed: number) {
    this.#folder = mkdtempSync(join(tmpdir(), 'evenkeel-once-'));
    this.time = new VirtualTime(startMs, seed);
    this.gateway = new Gateway(this.time);
    this.queue = new Fifo(this.time);
    this.table = new Table((change, table) => this.witness.committing(change, table));
    this.witness = new Witness(this.time, this.table);
    this.conId = this.gateway.instrument.contract.conId;
    this.#line = lineOf(this.gateway);
  }

  /** Takes away what lies on disk. */
  close(): void {
    this.#isClosed = true;
    for (const process of this.processes) process.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A process on a file of its own, or on one that was there before. */
  begin(path?: string): StreamerProcess {
    this.lineFromMs = Math.max(this.lineFromMs, this.time.nowMs + this.time.between(0, 1_500));
    const process = new StreamerProcess(
      `p${this.processes.length}`,
      path ?? this.#newFile(),
      this.#surroundings(),
    );
    this.processes.push(process);
    this.witness.note(`${process.name} begins ${path === undefined ? 'on a new disk' : 'again'}`);
    process.start();
    return process;
  }

  get alive(): readonly StreamerProcess[] {
    return this.processes.filter(({ isAlive }) => isAlive);
  }

  setFlags(changes: Partial<Flags>): void {
    const flags = { ...firstFlags, DRY_RUN: false, SAFE_MODE: false, ...changes };
    this.witness.note(`flags ${JSON.stringify(changes)}`);
    this.#operate({ kind: 'flags', id: '' }, flagsBody(flags, 'operator', 'a run', this.#now()));
  }

  setTrading(mode: TradingMode): void {
    this.witness.note(`trading ${mode}`);
    this.#operate(
      { kind: 'trading', id: '' },
      tradingBody({ mode, by: 'op', reason: 'a run', at: this.#now() }),
    );
  }

  #flagForAMoment(): void {
    this.setFlags({ SAFE_MODE: true });
    this.time.after(this.time.between(1, 2_000), () => this.setFlags({}));
  }

  #openLock(token: number): void {
    const lock = { state: 'open', reason: 'reconciled', runId: `run-${token}`, token } as const;
    this.#operate({ kind: 'lock', id: '' }, lockBody(lock, lock.runId, this.#now()));
  }

  #operate(ref: BookRef, body: BookBody): void {
    const cause = { kind: 'operator', id: 'op', name: ref.kind, reason: '' } as const;
    const write = { ref, expectedVersion: this.table.get(ref)?.version ?? 0, body };
    const change = { account, writer: operatorWriter, cause, atMs: this.time.nowMs, orderKey: '' };
    this.table.write({ ...change, writes: [write] }, this.table.head(operatorWriter));
  }

  #surroundings(): Surroundings {
    const { time, table, queue, gateway, witness } = this;
    return {
      time,
      table,
      queue,
      gateway,
      config,
      line: (conId) => (conId === this.conId && time.nowMs >= this.lineFromMs ? this.#line : undefined),
      logger: { debug: silent, info: silent, warn: silent, error: silent },
      trouble: (request) => {
        if (request === 'commit' && time.chance(this.raceShare)) this.#flagForAMoment();
        for (const how of ['before', 'after', 'late'] as const)
          if (time.chance(this.trouble[how]) && (how !== 'late' || request === 'commit')) return how;
        return undefined;
      },
      answered: (answer) => witness.answered(answer),
      raised: (alert) => witness.raised(alert),
      died: (process, at) => this.#died(process, at),
      writing: (process, order) => witness.writing(process, order),
      term: (token) => {
        witness.terms += 1;
        time.after(time.between(50, 800), () => this.#openLock(token));
      },
    };
  }

  /** A container starts again on its disk; a task that is lost takes it along. */
  #died(process: StreamerProcess, at: CrashPoint | 'any moment'): void {
    const { time, witness } = this;
    if (this.#isClosed) return;
    witness.died(process.name, at);
    if (this.isHealed) return;
    const isDiskLost = time.chance(0.25);
    if (isDiskLost) witness.disksLost += 1;
    this.restarts += 1;
    time.after(time.between(300, 4_000), () => {
      this.restarts -= 1;
      this.begin(isDiskLost ? undefined : process.path);
    });
  }

  #newFile(): string {
    this.#files += 1;
    const path = join(this.#folder, `${this.#files}.db`);
    writeFileSync(path, blankFile());
    return path;
  }

  #now(): string {
    return new Date(this.time.nowMs).toISOString();
  }
}

function lineOf({ instrument: { contract } }: Gateway): Line {
  const line = createLine(0, 'GC', 'GC', []);
  const instrument: Instrument = {
    conId: contract.conId,
    configured: 'GC',
    symbol: contract.symbol,
    localSymbol: contract.localSymbol,
    secType: contract.secType,
    exchange: contract.exchange,
    currency: contract.currency,
    multiplier: contract.multiplier,
    minTick: contract.minTick,
    timeZone: 'UTC',
    tradingHours: '',
  };
  return Object.assign(line, {
    instrument,
    calendar: alwaysOpen(),
    feed: 'live',
    lastPrice: parsePrice(lastPrice),
  });
}

let blank: Buffer | undefined;
/** An outbox that nobody owns yet: to make one from nothing takes the disk thirty times as long as to write it. */
function blankFile(): Buffer {
  if (blank !== undefined) return blank;
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-once-'));
  const path = join(folder, 'blank.db');
  const bounds = { maxEvents: 9, alertAtUtilisation: 1, openedAtMs: 0, book: false };
  new Outbox({ path, owner: 'sandbox/main', ...bounds }).close();
  // Who claims the file gets a name of its own.
  const db = new DatabaseSync(path);
  db.exec("DELETE FROM meta WHERE key = 'holder'; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  blank = readFileSync(path);
  rmSync(folder, { recursive: true });
  return blank;
}
