import { createLogUpdate } from 'log-update';
import colours from 'picocolors';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { CloudStats } from '../cloud/stats.ts';
import type { BrokerRecord, GatewayStatus } from '../gateway/index.ts';
import type { StreamerStats } from './desk.ts';
import { bookLines } from './view-book.ts';

/** What the view shows at one moment. */
export interface Snapshot {
  readonly atMs: number;
  readonly streamer: StreamerStats | undefined;
  readonly gateway: GatewayStatus | undefined;
  /** The simulated broker's record; undefined with a real gateway. */
  readonly broker: BrokerRecord | undefined;
  readonly cloud: CloudStats;
}

export interface View {
  show(snapshot: Snapshot): void;
  /** A line that stays. */
  say(text: string): void;
  /** Leaves the last picture on the screen. */
  done(): void;
}

/** The live view on a terminal; plain lines, one every few seconds, anywhere else. */
export function createView(out: NodeJS.WriteStream, timeZone: string): View {
  return out.isTTY ? new LiveView(out, timeZone) : new PlainView(out, timeZone);
}

const PLAIN_EVERY_MS = 2_000;
/** Rows of the picture beside the candles. */
const FIXED_ROWS = 13;

class LiveView implements View {
  readonly #out: NodeJS.WriteStream;
  readonly #timeZone: string;
  readonly #update;
  readonly #rate = new Rate();

  constructor(out: NodeJS.WriteStream, timeZone: string) {
    this.#out = out;
    this.#timeZone = timeZone;
    this.#update = createLogUpdate(out, { showCursor: false });
  }

  show(snapshot: Snapshot): void {
    this.#update(
      picture(snapshot, this.#rate.take(snapshot), this.#timeZone, {
        width: this.#out.columns ?? 80,
        height: this.#out.rows ?? 24,
      }),
    );
  }

  say(text: string): void {
    this.#update.clear();
    this.#out.write(`${text}\n`);
  }

  done(): void {
    this.#update.done();
  }
}

class PlainView implements View {
  readonly #out: NodeJS.WriteStream;
  readonly #timeZone: string;
  readonly #rate = new Rate();
  #shownAtMs = 0;

  constructor(out: NodeJS.WriteStream, timeZone: string) {
    this.#out = out;
    this.#timeZone = timeZone;
  }

  show(snapshot: Snapshot): void {
    const rate = this.#rate.take(snapshot);
    if (snapshot.atMs - this.#shownAtMs < PLAIN_EVERY_MS) return;
    this.#shownAtMs = snapshot.atMs;
    const { streamer, cloud } = snapshot;
    if (!streamer) {
      this.#out.write('streamer: not running\n');
      return;
    }
    const lines = streamer.marketData.lines
      .map((line) => `${line.localSymbol || line.symbol} ${line.lastPrice ?? '-'} (${line.candles} candles)`)
      .join(', ');
    const { orders, positions } = bookLines(snapshot.broker, streamer);
    const book = [orders, positions].filter((text) => text !== '').join('; ');
    this.#out.write(
      `${clock(streamer.marketMs, this.#timeZone)} ${streamer.session.phase}${snapshot.gateway?.ended ? ', the tape has ended' : ''}: ${rate} ticks/s, ${lines}, stored ${cloud.invocations.ok}, outbox ${streamer.outbox.depth}, gaps ${streamer.gaps.open} open ${streamer.gaps.filled} filled${book === '' ? '' : `; ${book}`}\n`,
    );
  }

  say(text: string): void {
    this.#out.write(`${text}\n`);
  }

  done(): void {}
}

/** Ticks a second over the last looks. */
class Rate {
  #last: { readonly atMs: number; readonly ticks: number; readonly epoch: number } | undefined;
  #rate = 0;

  take({ atMs, streamer }: Snapshot): number {
    if (!streamer) return 0;
    const now = { atMs, ticks: streamer.marketData.buffer.pushed, epoch: streamer.epoch };
    const last = this.#last;
    this.#last = now;
    if (last && last.epoch === now.epoch && now.atMs > last.atMs) {
      const current = ((now.ticks - last.ticks) / (now.atMs - last.atMs)) * 1000;
      this.#rate = this.#rate === 0 ? current : this.#rate * 0.6 + current * 0.4;
    }
    return Math.round(this.#rate);
  }
}

const PHASE: Record<string, (text: string) => string> = {
  ready: colours.green,
  connecting: colours.yellow,
  degraded: colours.yellow,
  lost: colours.red,
  competing: colours.red,
  'waiting-for-login': colours.yellow,
  'safe-mode': colours.red,
};

function picture(
  snapshot: Snapshot,
  rate: number,
  timeZone: string,
  { width, height }: { readonly width: number; readonly height: number },
): string {
  const { streamer, gateway, cloud } = snapshot;
  const rule = colours.dim('─'.repeat(Math.min(width - 1, 78)));
  if (!streamer) return `${rule}\n  ${colours.red('The streamer is not running.')}\n${rule}`;
  const { session, marketData, gaps, outbox, publisher } = streamer;
  const paint = PHASE[session.phase] ?? String;
  const total = (read: (line: (typeof marketData.lines)[number]) => number): number =>
    marketData.lines.reduce((sum, line) => sum + read(line), 0);
  const rows: string[] = [
    rule,
    row(
      'Session',
      `${paint(session.phase)}${session.lastError ? colours.dim(`  ${session.lastError}`) : ''}`,
    ),
    row(
      'Market time',
      `${clock(streamer.marketMs, timeZone)} ${colours.dim(timeZone)}${streamer.tape ? colours.dim('  (a tape)') : ''}`,
    ),
  ];
  if (gateway) {
    const share = gateway.ticksTotal === 0 ? 0 : gateway.ticksPlayed / gateway.ticksTotal;
    rows.push(
      row(
        'Tape',
        `${bar(share, 24)} ${(share * 100).toFixed(1)} % of its rows${gateway.ended ? ', ended' : ''}`,
      ),
    );
  }
  rows.push(
    row(
      'Ticks',
      `${rate.toLocaleString('en')} a second; ${count(
        total((line) => line.trades),
        'trade',
      )}, ${count(
        total((line) => line.quotes),
        'quote',
      )} so far`,
    ),
  );
  for (const line of marketData.lines) {
    const feed = line.feed === 'live' ? colours.green(line.feed) : colours.yellow(line.feed);
    rows.push(
      row(
        line.localSymbol || line.symbol,
        `${colours.bold(line.lastPrice ?? '-')}  ${feed}  ${count(line.candles, 'candle')}, ${count(line.builder?.corrections ?? 0, 'correction')}`,
      ),
    );
  }
  const book = bookLines(snapshot.broker, streamer);
  const bookRows = [
    ['Lease', book.lease],
    ['Orders', book.orders],
    ['Positions', book.positions],
  ].flatMap(([name = '', text = '']) => (text === '' ? [] : [row(name, text)]));
  // On a small window the candles give way first.
  const room = Math.max(1, height - FIXED_ROWS - bookRows.length);
  for (const line of marketData.lines) rows.push(...candleRows(line.recent.slice(-room), timeZone));
  rows.push(
    ...bookRows,
    row(
      'Gaps',
      `${gaps.open} open, ${gaps.filled} filled with ${count(gaps.bars, 'bar')}${gaps.abandoned ? colours.red(`, ${gaps.abandoned} abandoned`) : ''}`,
    ),
    row('Queues', `tick buffer ${marketData.buffer.depth}, outbox ${outbox.depth}, bus ${cloud.pending}`),
    row(
      'Events',
      `${publisher.published} published, ${cloud.invocations.ok} stored${publisher.failures ? colours.yellow(`, ${publisher.failures} refusals retried`) : ''}`,
    ),
  );
  const dropped = marketData.buffer.droppedQuotes + marketData.buffer.droppedTrades;
  if (dropped > 0)
    rows.push(
      row(
        'Dropped',
        colours.red(`${marketData.buffer.droppedTrades} trades, ${marketData.buffer.droppedQuotes} quotes`),
      ),
    );
  if (cloud.notifications.published > 0)
    rows.push(
      row(
        'Alerts',
        `${cloud.notifications.published} sent, last: ${cloud.notifications.last.slice(0, Math.max(20, width - 30))}`,
      ),
    );
  const problem = cloud.problems.at(-1);
  if (problem) rows.push(row('Cloud', colours.yellow(problem.slice(0, Math.max(20, width - 18)))));
  rows.push(rule, colours.dim('  Ctrl-C stops cleanly; the data stays'));
  return rows.join('\n');
}

/** The last candles, newest at the bottom, as a small table. */
function candleRows(candles: readonly Candle[], timeZone: string): string[] {
  if (candles.length === 0) return [];
  const decimals = Math.max(
    ...candles.flatMap(({ open, high, low, close }) => [open, high, low, close].map(decimalsOf)),
  );
  const cells = candles.map((candle) => [
    clock(candle.startMs, timeZone).slice(11, 16),
    ...[candle.open, candle.high, candle.low, candle.close].map((price) => padded(price, decimals)),
    candle.volume,
    candle.partial ? 'partial' : candle.source,
  ]);
  const header = ['start', 'open', 'high', 'low', 'close', 'volume', ''];
  const widths = header.map((name, at) => Math.max(name.length, ...cells.map((cell) => cell[at]!.length)));
  const write = (values: readonly string[]): string =>
    values.map((value, at) => (at === 6 ? value : value.padStart(widths[at]!))).join('  ');
  return [
    row('Candles', colours.dim(write(header))),
    ...cells.map((cell) => row('', cell[6] === 'live' ? write(cell) : colours.yellow(write(cell)))),
  ];
}

function decimalsOf(price: string): number {
  const point = price.indexOf('.');
  return point < 0 ? 0 : price.length - point - 1;
}

/** `2729` beside `2728.9` is `2729.0`. */
function padded(price: string, decimals: number): string {
  const missing = decimals - decimalsOf(price);
  return `${price}${missing === decimals && decimals > 0 ? '.' : ''}${'0'.repeat(missing)}`;
}

/** `1 gap`, `2 gaps`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

function row(name: string, value: string): string {
  return `  ${colours.dim(name.padEnd(12))} ${value}`;
}

function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return colours.cyan('█'.repeat(full)) + colours.dim('░'.repeat(width - full));
}

function clock(ms: number, timeZone: string): string {
  if (ms === 0) return 'waiting';
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return parts.format(ms);
}
