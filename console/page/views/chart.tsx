import { signal } from '@preact/signals';
import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  type IChartApi,
  type SeriesMarker,
  type UTCTimestamp,
} from 'lightweight-charts';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Candle } from '../../../lib/domain/market/candle.ts';
import { type ChartMark, chartMarks, markText } from '../../wire/chart-marks.ts';
import type { MarketShown } from '../../wire/shapes.ts';
import { clock, count, dateTime, grouped, signed, zone } from '../format.ts';
import { Known } from '../parts/known.tsx';
import { Card, Empty, Moment, State } from '../parts/words.tsx';
import { colour, isDark } from '../theme.ts';
import { rowsOf, topic } from '../topics.ts';

/** The contract that is looked at; the first of the list until one is chosen. */
const chosen = signal<number | null>(null);

export function chosenContract(): number | null {
  return chosen.value ?? rowsOf<MarketShown>('market').find(({ conId }) => conId > 0)?.conId ?? null;
}

export function ChartView() {
  return (
    <Known topics={['market']}>
      {() => {
        const market = rowsOf<MarketShown>('market');
        const conId = chosenContract();
        const contract = market.find((each) => each.conId === conId);
        if (conId === null || contract === undefined)
          return (
            <Card title="Chart" wide>
              <Empty title="No contract is subscribed">
                Name symbols in the stage’s configuration; the streamer resolves them when its session is
                ready.
              </Empty>
            </Card>
          );
        return (
          <div class="chart-page">
            <Contract contract={contract} />
            <WatchList market={market} conId={conId} />
          </div>
        );
      }}
    </Known>
  );
}

function WatchList({ market, conId }: { market: readonly MarketShown[]; conId: number }) {
  return (
    <section class="card watch" aria-labelledby="watch">
      <header>
        <h2 id="watch">Contracts</h2>
        <span class="dim">{market.length}</span>
      </header>
      <ul>
        {market.map((each) => (
          <li key={each.conId || each.symbol}>
            <button
              type="button"
              aria-pressed={each.conId === conId}
              disabled={each.conId === 0}
              onClick={() => {
                chosen.value = each.conId;
              }}
            >
              <span class="symbol">
                {each.symbol}
                {each.feed === 'live' ? null : <span class="feed"> {each.feed}</span>}
              </span>
              <Spark closes={each.closes} />
              <span class="number">
                {each.last === null ? <span class="dim">no bar</span> : grouped(each.last)}
                <small class={each.change?.startsWith('-') ? 'down' : 'up'}>
                  {each.change === null ? '' : signed(each.change)}
                </small>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const sparkWidth = 64;
const sparkHeight = 20;

/** The way of the last hour, as a line; the numbers stand beside it. */
function Spark({ closes }: { closes: readonly string[] }) {
  const points = useMemo(() => {
    const values = closes.map(Number);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const span = high - low || 1;
    return values
      .map((value, at) => {
        const x = (at / Math.max(1, values.length - 1)) * sparkWidth;
        return `${x.toFixed(1)},${(sparkHeight - 1 - ((value - low) / span) * (sparkHeight - 2)).toFixed(1)}`;
      })
      .join(' ');
  }, [closes.length, closes.at(-1), closes[0]]);
  return (
    <svg class="spark" viewBox={`0 0 ${sparkWidth} ${sparkHeight}`} aria-hidden="true">
      <polyline points={points} />
    </svg>
  );
}

function Contract({ contract }: { contract: MarketShown }) {
  const { rows, isKnown, fault } = topic(`candles:${contract.conId}`).value;
  const candles = useMemo(
    () => ([...rows.values()] as Candle[]).sort((a, b) => a.startMs - b.startMs),
    [rows],
  );
  const marks = useMemo(() => chartMarks(candles), [candles]);
  const last = candles.at(-1);
  return (
    <section class="card chart" aria-labelledby="contract">
      <header>
        <h2 id="contract">
          {contract.symbol} {last === undefined ? null : <span class="price">{grouped(last.close)}</span>}
        </h2>
        <State tone={contract.feed === 'live' ? 'good' : 'warn'}>{contract.feed}</State>
      </header>
      {!isKnown ? (
        <p class="dim chart-box" role="status">
          {fault === null ? 'Reading the bars…' : 'The bars could not be read.'}
        </p>
      ) : candles.length === 0 ? (
        <Empty title="No bar yet">The first is written when its minute has ended.</Empty>
      ) : (
        <>
          <Drawing
            candles={candles}
            marks={marks}
            label={`Candles of ${contract.symbol}, ${count(candles.length, 'bar')}; the last bars are in the table below`}
          />
          <p class="legend">
            <span class="key gap">gap</span>
            <span class="key backfill">backfill</span>
            <span class="key correction">correction</span>
            <span class="key partial">partial</span>
            <span class="dim">
              times in {zone()}; charts by{' '}
              <a href="https://www.tradingview.com/" target="_blank" rel="noreferrer">
                TradingView Lightweight Charts™
              </a>
            </span>
          </p>
          <div class="below">
            <Marks marks={marks} />
            <LastBars candles={candles} />
          </div>
        </>
      )}
    </section>
  );
}

const markLook: Readonly<
  Record<
    ChartMark['kind'],
    {
      readonly letter: string;
      readonly variable: string;
      readonly shape: SeriesMarker<UTCTimestamp>['shape'];
    }
  >
> = {
  gap: { letter: 'gap', variable: '--bad', shape: 'square' },
  backfill: { letter: 'B', variable: '--info', shape: 'circle' },
  correction: { letter: 'C', variable: '--warn', shape: 'arrowDown' },
  partial: { letter: 'P', variable: '--muted', shape: 'circle' },
};

function Drawing({
  candles,
  marks,
  label,
}: {
  candles: readonly Candle[];
  marks: readonly ChartMark[];
  label: string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<ReturnType<typeof makeChart> | null>(null);
  const dark = isDark.value;
  useEffect(() => {
    const made = makeChart(box.current!);
    drawn.current = made;
    return () => {
      drawn.current = null;
      made.chart.remove();
    };
  }, [dark]);
  useEffect(() => drawn.current?.show(candles, marks), [candles, marks, dark]);
  return <div class="chart-box" ref={box} role="img" aria-label={label} />;
}

/** The chart itself; it draws floats, and what is read as numbers stands in the table. */
function makeChart(element: HTMLElement) {
  const [text, line, up, down, volume] = ['--text-2', '--line', '--up', '--down', '--volume'].map(colour) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const chart: IChartApi = createChart(element, {
    autoSize: true,
    layout: {
      background: { color: 'transparent' },
      textColor: text,
      attributionLogo: false,
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 12,
    },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    rightPriceScale: { borderColor: line },
    timeScale: {
      borderColor: line,
      timeVisible: true,
      secondsVisible: false,
      tickMarkFormatter: (time: UTCTimestamp) => clock(time * 1000).slice(0, 5),
    },
    localization: {
      timeFormatter: (time: UTCTimestamp) => dateTime(time * 1000).slice(0, 16),
    },
    crosshair: { mode: 0 },
  });
  const bars = chart.addSeries(CandlestickSeries, {
    upColor: up,
    downColor: down,
    borderUpColor: up,
    borderDownColor: down,
    wickUpColor: up,
    wickDownColor: down,
  });
  const volumes = chart.addSeries(HistogramSeries, {
    priceFormat: { type: 'volume' },
    priceScaleId: 'volume',
    color: volume,
    lastValueVisible: false,
    priceLineVisible: false,
  });
  bars.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.26 } });
  volumes.priceScale().applyOptions({ scaleMargins: { top: 0.8, bottom: 0 } });
  const markers = createSeriesMarkers(bars, []);
  const colours = new Map(Object.values(markLook).map(({ variable }) => [variable, colour(variable)]));
  let isFitted = false;
  const second = (ms: number) => Math.floor(ms / 1000) as UTCTimestamp;
  return {
    chart,
    show: (candles: readonly Candle[], marks: readonly ChartMark[]) => {
      const places = placesOf(candles);
      chart.applyOptions({
        localization: { priceFormatter: (price: number) => grouped(price.toFixed(places)) },
      });
      bars.applyOptions({ priceFormat: { type: 'price', precision: places, minMove: 1 / 10 ** places } });
      bars.setData(
        candles.map(({ startMs, open, high, low, close }) => ({
          time: second(startMs),
          open: Number(open),
          high: Number(high),
          low: Number(low),
          close: Number(close),
        })),
      );
      volumes.setData(candles.map((each) => ({ time: second(each.startMs), value: Number(each.volume) })));
      markers.setMarkers(
        marks.map(({ kind, atMs, bars: number }) => ({
          time: second(atMs),
          position: kind === 'gap' ? ('belowBar' as const) : ('aboveBar' as const),
          shape: markLook[kind].shape,
          color: colours.get(markLook[kind].variable)!,
          text: number > 1 ? `${markLook[kind].letter} ${number}` : markLook[kind].letter,
        })),
      );
      if (!isFitted)
        chart
          .timeScale()
          .setVisibleLogicalRange({ from: Math.max(-2, candles.length - 150), to: candles.length + 4 });
      isFitted = true;
    },
  };
}

/** Decimals that the prices have. */
function placesOf(candles: readonly Candle[]): number {
  const prices = candles.flatMap(({ high, low, close }) => [high, low, close]);
  return Math.max(0, ...prices.map((price) => price.split('.')[1]?.length ?? 0));
}

/** `2729` beside `2728.9` is `2729.0`. */
function padded(price: string, places: number): string {
  const [whole = '', rest = ''] = price.split('.');
  return grouped(places === 0 ? whole : `${whole}.${rest.padEnd(places, '0')}`);
}

const marksShown = 12;

function Marks({ marks }: { marks: readonly ChartMark[] }) {
  const latest = marks.slice(-marksShown).toReversed();
  return (
    <section aria-labelledby="marks">
      <h3 id="marks">Marks</h3>
      {latest.length === 0 ? (
        <p class="dim">None: every bar is live and complete.</p>
      ) : (
        <ul class="plain">
          {latest.map(({ kind, atMs, bars }) => (
            <li key={`${kind}${atMs}`}>
              <Moment at={atMs} /> <strong>{kind}</strong>{' '}
              <span class="dim">{markText({ kind, atMs, bars })}</span>
            </li>
          ))}
          {marks.length > marksShown ? <li class="dim">and {marks.length - marksShown} before</li> : null}
        </ul>
      )}
    </section>
  );
}

const barsListed = 8;

function LastBars({ candles }: { candles: readonly Candle[] }) {
  const places = placesOf(candles);
  return (
    <section aria-labelledby="bars">
      <h3 id="bars">Last bars</h3>
      <div class="scroll">
        <table class="small">
          <thead>
            <tr>
              <th scope="col">Start</th>
              {['Open', 'High', 'Low', 'Close', 'Volume'].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
              <th scope="col">Source</th>
            </tr>
          </thead>
          <tbody>
            {candles
              .slice(-barsListed)
              .toReversed()
              .map((each) => (
                <tr key={each.startMs}>
                  <th scope="row">
                    <time
                      dateTime={new Date(each.startMs).toISOString()}
                      title={`${new Date(each.startMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`}
                    >
                      {clock(each.startMs).slice(0, 5)}
                    </time>
                  </th>
                  {[each.open, each.high, each.low, each.close].map((price, at) => (
                    <td key={at} class="number">
                      {padded(price, places)}
                    </td>
                  ))}
                  <td class="number">{grouped(each.volume)}</td>
                  <td>
                    {each.source}
                    {each.partial ? ', partial' : ''}
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
