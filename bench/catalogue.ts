/** The benchmarks by name, and what each of them is about: the table of docs/performance.md has a row for each. */
export const benchmarks = {
  'tick-path':
    'ticks a second from the socket to the candle, beside a bare `IBApi` with empty listeners and a bare parse loop',
  parse: 'reading RTVolume by itself, beside `split` and `Number`',
  'candle-builder': 'the candle builder alone, beside the plainest loop that makes bars',
  'buffer-memory': '10,000 ticks in the buffer, beside an array of objects',
  memory: 'resident memory of the streamer through a day of ticks, as its image runs it and from the sources',
  'candle-close': 'from the moment at which a bar may close to the call that hands its candle to the bus',
  outbox: 'appending to the outbox and draining it, beside a bare table of SQLite',
  'start-up': "from the start of the streamer's process to ready, beside a Node that does nothing",
  'book-keeper':
    "order events a second through the book-keeper, from a message's text to the committed transaction",
  backup:
    'lines a second through a backup and its verification, beside bare zstd and SHA-256; restore; memory',
  'order-to-book': "from the gateway's message to the committed book, on the whole sandbox",
  'order-out':
    'from a command on the queue to placeOrder at the gateway, and the share of the reservation in it',
  reconcile: "the engine's time for 10,000 orders, 2,000 positions and 20,000 fills, and how it grows",
  bundles: "size of each Lambda's bundle, and its first import in a fresh process",
  'tape-to-table': 'the whole sandbox as one process, a tape at full speed to candles in the table',
  'console-page': "the console's page in the tests' browser, with 10,000 orders and 390 bars of 50 contracts",
  cost: 'the bill of [cost.md](cost.md): a sum, not a measurement',
} as const satisfies Readonly<Record<string, string>>;

export type BenchmarkName = keyof typeof benchmarks;
