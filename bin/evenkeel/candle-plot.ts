/** `evenkeel candles --plot`: the drawing itself. */
import { Decimal } from 'decimal.js';
import type { Candle } from '../../lib/domain/market/candle.ts';
import {
  axisPrices,
  columnsOf,
  type Mark,
  marks,
  type PlotColumn,
  type PlotColumns,
  type PriceScale,
  pricePlaces,
  priceScale,
} from './candle-columns.ts';
import { CliError } from './exit.ts';
import { count, grouped, time, type View } from './view.ts';

const priceRows = 16;
const volumeRows = 4;
/** A plot with fewer columns shows nothing. */
const columnsMin = 12;
/** From one label of the time axis to the next, in characters. */
const labelEvery = 12;

type Half = 'none' | 'wick' | 'body';
/** Upper half, then lower half of a cell. */
const glyphs: Readonly<Record<Half, Readonly<Record<Half, string>>>> = {
  none: { none: ' ', wick: '╷', body: '╻' },
  wick: { none: '╵', wick: '│', body: '╽' },
  body: { none: '╹', wick: '╿', body: '┃' },
};
const eighths = ' ▁▂▃▄▅▆▇█';

/**
 * Candles with their volume, no line longer than `width`. Candles that do not fit side by side are brought together in
 * columns of 2, 5, 10, ... bars. Without colours a row says which columns rise (+) and fall (-).
 *
 * @param candles at least one, in order of their start
 * @throws CliError TERMINAL_NARROW
 */
export function plotCandles(name: string, candles: readonly Candle[], view: View, width: number): string {
  const axis = axisWidth(candles, width);
  const plotted = columnsOf(candles, width - axis - 2);
  const { columns } = plotted;
  // With a space between them where there is room.
  const pitch = columns.length * 2 <= width - axis - 2 ? 2 : 1;
  const scale = priceScale(columns, priceRows);
  const line = (label: string, tick: string, cells: readonly string[]) =>
    `${view.colours.dim(`${label.padStart(axis)} ${tick}`)}${cells.map((cell) => cell + ' '.repeat(pitch - 1)).join('')}`.trimEnd();
  const labels = priceLabels(scale, pricePlaces(candles));
  const prices = rowsDown(priceRows).map((row) => {
    const label = labels.get(row);
    const cells = columns.map((column) => painted(column, priceCell(column, row, scale), view));
    return line(label ?? '', label === undefined ? '│' : '┤', cells);
  });
  const most = Decimal.max(...columns.map(({ volume }) => volume));
  const volumes = rowsDown(volumeRows).map((row) => {
    const label = row === volumeRows - 1 ? grouped(most.toFixed()) : row === 0 ? 'volume' : '';
    return line(
      label,
      label === '' ? '│' : '┤',
      columns.map((column) => painted(column, volumeCell(column, row, most), view)),
    );
  });
  const marked = marks
    .filter((mark) => columns.some((column) => column.marks.has(mark)))
    .map((mark) =>
      line(
        mark,
        '│',
        columns.map((column) => markCell(column, mark, view)),
      ),
    );
  const directions = view.colours.isColorSupported
    ? []
    : [
        line(
          '+ rises',
          '│',
          columns.map(({ open, close }) => '=+-'.at(close.cmp(open))!),
        ),
      ];
  return [
    ...headline(name, candles, plotted, view, width),
    ...prices,
    line('', '│', []),
    ...volumes,
    ...directions,
    ...marked,
    line('', '└', ['─'.repeat(columns.length * pitch - pitch + 1)]),
    `${' '.repeat(axis + 2)}${view.colours.dim(timeLabels(columns, pitch, view))}`.trimEnd(),
    ...wrapped(`${count(candles.length, 'candle')}, times in ${view.timeZone}`, width).map(view.colours.dim),
  ].join('\n');
}

/** Of the labels at the left. They are known only when the candles are in their columns: this is the most that they need. */
function axisWidth(candles: readonly Candle[], width: number): number {
  const places = pricePlaces(candles) + 1;
  const longest = candles.reduce(
    (most, { high, low }) =>
      Math.max(most, ...[high, low].map((price) => grouped(new Decimal(price).toFixed(places)).length)),
    'corrected'.length,
  );
  const volume = candles.reduce((sum, each) => sum.plus(each.volume), new Decimal(0));
  const axis = Math.max(longest, grouped(volume.toFixed()).length);
  const needed = axis + 2 + columnsMin;
  if (width >= needed) return axis;
  throw new CliError(
    'TERMINAL_NARROW',
    `A plot of these candles needs ${needed} columns, and here are ${width}. Make the terminal wider, or leave --plot out.`,
  );
}

/** Rows from the top of the terminal downwards; row 0 is the lowest. */
function rowsDown(rows: number): number[] {
  return Array.from({ length: rows }, (_, index) => rows - 1 - index);
}

function priceLabels(scale: PriceScale, places: number): ReadonlyMap<number, string> {
  const prices = axisPrices(scale);
  const shown = Math.max(places, ...prices.map((price) => price.dp()));
  return new Map(prices.map((price) => [Math.floor(scale.half(price) / 2), grouped(price.toFixed(shown))]));
}

function priceCell({ open, high, low, close }: PlotColumn, row: number, { half }: PriceScale): string {
  const [bottom, top] = [half(Decimal.min(open, close)), half(Decimal.max(open, close))];
  const kind = (at: number): Half => {
    if (at >= bottom && at <= top) return 'body';
    return at >= half(low) && at <= half(high) ? 'wick' : 'none';
  };
  return glyphs[kind(row * 2 + 1)][kind(row * 2)];
}

function volumeCell({ volume }: PlotColumn, row: number, most: Decimal): string {
  if (volume.isZero()) return ' ';
  const units = Math.max(
    1,
    volume
      .div(most)
      .times(volumeRows * 8)
      .round()
      .toNumber(),
  );
  return eighths[Math.min(8, Math.max(0, units - row * 8))]!;
}

function painted({ open, close }: PlotColumn, cell: string, { colours }: View): string {
  if (cell === ' ') return cell;
  return close.gt(open) ? colours.green(cell) : close.lt(open) ? colours.red(cell) : colours.dim(cell);
}

function markCell(column: PlotColumn, mark: Mark, { colours }: View): string {
  if (!column.marks.has(mark)) return ' ';
  return mark === 'partial' || mark === 'after gap' ? colours.yellow('•') : '•';
}

function headline(
  name: string,
  candles: readonly Candle[],
  { spanMs, columns }: PlotColumns,
  view: View,
  width: number,
): string[] {
  const [first, last] = [candles[0]!, candles.at(-1)!];
  const places = pricePlaces(candles);
  const figure = (price: string | Decimal) => grouped(new Decimal(price).toFixed(places));
  const high = figure(Decimal.max(...columns.map((column) => column.high)));
  const low = figure(Decimal.min(...columns.map((column) => column.low)));
  const [from, to] = [first, last].map(({ startMs }) => time(view, startMs).slice(0, 16));
  return [
    ...wrapped(`${name}, ${from} to ${to}, each column ${spanText(spanMs)}`, width),
    ...wrapped(`open ${figure(first.open)}, high ${high}, low ${low}, close ${figure(last.close)}`, width),
    '',
  ];
}

function spanText(spanMs: number): string {
  const minutes = spanMs / 60_000;
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2_880 ? `${minutes / 60} h` : `${minutes / 1_440} d`;
}

/** `14:30       14:42`; with the day where it is another one than that of the label before. */
function timeLabels(columns: readonly PlotColumn[], pitch: number, view: View): string {
  const room = columns.length * pitch;
  let text = '';
  let day = time(view, columns[0]!.startMs).slice(0, 10);
  for (let at = 0; at < columns.length; at += labelEvery / pitch) {
    const shown = time(view, columns[at]!.startMs);
    const label = shown.slice(0, 10) === day ? shown.slice(11, 16) : shown.slice(5, 16);
    day = shown.slice(0, 10);
    if (at === 0 || at * pitch + label.length <= room) text = text.padEnd(at * pitch) + label;
  }
  return text;
}

/** Lines of at most `width`, cut between words; one that is longer itself is cut. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(...(word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? []));
  }
  return lines;
}
