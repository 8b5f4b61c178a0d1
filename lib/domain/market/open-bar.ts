/** One bar while it takes in prints, and for as long afterwards as it may be corrected. Scaled integers. */
export interface OpenBar {
  readonly startMs: number;
  readonly endMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  tickCount: number;
  /** Keys of the prints that set open and close. */
  openTimeMs: number;
  openCum: number;
  openZero: boolean;
  closeTimeMs: number;
  closeCum: number;
  closeZero: boolean;
  /** Whether it was last told as partial. */
  toldPartial: boolean;
}

export function openBar(
  startMs: number,
  endMs: number,
  timeMs: number,
  price: number,
  size: number,
  cum: number,
): OpenBar {
  const zero = size === 0;
  return {
    startMs,
    endMs,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: size,
    tickCount: 1,
    openTimeMs: timeMs,
    openCum: cum,
    openZero: zero,
    closeTimeMs: timeMs,
    closeCum: cum,
    closeZero: zero,
    toldPartial: false,
  };
}

/** Adds a print in its order of arrival: tick-by-tick and tick 8 have no better one. */
export function addByArrival(bar: OpenBar, price: number, size: number): void {
  if (price > bar.high) bar.high = price;
  else if (price < bar.low) bar.low = price;
  bar.close = price;
  bar.volume += size;
  bar.tickCount += 1;
}

/**
 * Adds an RTVolume print in its own order, whenever it arrives: by time, then cumulative volume, then prints with
 * volume before those without. Those without share a cumulative volume and may differ in price alone; there the
 * price decides, so that every order of arrival gives one bar.
 */
export function addByKey(bar: OpenBar, timeMs: number, price: number, size: number, cum: number): void {
  const zero = size === 0;
  if (price > bar.high) bar.high = price;
  else if (price < bar.low) bar.low = price;
  if (!before(timeMs, cum, zero, price, bar.closeTimeMs, bar.closeCum, bar.closeZero, bar.close)) {
    bar.close = price;
    bar.closeTimeMs = timeMs;
    bar.closeCum = cum;
    bar.closeZero = zero;
  } else if (before(timeMs, cum, zero, price, bar.openTimeMs, bar.openCum, bar.openZero, bar.open)) {
    bar.open = price;
    bar.openTimeMs = timeMs;
    bar.openCum = cum;
    bar.openZero = zero;
  }
  bar.volume += size;
  bar.tickCount += 1;
}

/** Whether key a comes before key b. */
function before(
  timeA: number,
  cumA: number,
  zeroA: boolean,
  priceA: number,
  timeB: number,
  cumB: number,
  zeroB: boolean,
  priceB: number,
): boolean {
  if (timeA !== timeB) return timeA < timeB;
  if (cumA !== cumB) return cumA < cumB;
  if (zeroA !== zeroB) return zeroB;
  return priceA < priceB;
}
