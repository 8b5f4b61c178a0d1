/**
 * The configuration of a stage: one schema for synth and for run time. What has no default must be given: `stage`, and
 * each streamer's `name`, `account` and `symbols`.
 */
import * as z from 'zod';
import { discrepancyTypes, reconcileModes } from '../lib/domain/reconcile/types.ts';
import { gatewayPort } from '../lib/domain/safety/paper-or-live.ts';
import { stages } from '../lib/events/stage.ts';
import { flag, fraction, int, oneOf, oneOfNumbers, section, text, timeZone } from './fields.ts';

const secTypes = ['STK', 'FUT', 'OPT', 'FOP', 'CASH', 'BAG', 'IND', 'CRYPTO'] as const;
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const allowedMultiplier = 'a number above 0, for example 5000';

const symbolDetails = {
  secType: oneOf(secTypes, "IB's security type").exactOptional(),
  exchange: text('Exchange, for example `COMEX` or `SMART`').exactOptional(),
  currency: text('ISO 4217 code', 'three capital letters, for example USD', /^[A-Z]{3}$/).exactOptional(),
};

const multiplier = z
  .number({ error: allowedMultiplier })
  .positive({ error: allowedMultiplier })
  .meta({ allowed: allowedMultiplier, description: 'Where contracts of several sizes have one root: which' });

const conId = int(1, 2_147_483_647, "IB's key of the contract");

const allowedSymbol =
  'a root (GC), a local symbol (GCZ5), a conId (495512563), or keys and values with exactly one of root, localSymbol, conId';

const symbolSchema = z
  .union(
    [
      // Digits alone are a conId, also where they come as text from SYMBOLS.
      z
        .string()
        .trim()
        .min(1)
        .transform((name) => (/^\d+$/.test(name) ? Number(name) : name)),
      conId,
      z.strictObject({
        root: text('Root symbol; the front month is chosen'),
        ...symbolDetails,
        multiplier: multiplier.exactOptional(),
      }),
      z.strictObject({ localSymbol: text('Local symbol of one contract'), ...symbolDetails }),
      z.strictObject({ conId, ...symbolDetails }),
    ],
    { error: allowedSymbol },
  )
  .meta({ allowed: allowedSymbol, description: 'What to subscribe to' });

const gateway = section({
  host: text('Host of IB Gateway or TWS').default('127.0.0.1'),
  port: int(1, 65_535, 'Port of IB Gateway or TWS').meta({
    standard: `\`${gatewayPort('paper')}\`; stage live \`${gatewayPort('live')}\``,
  }),
  clientId: int(1, 2_147_483_647, 'API client id. Client 0 is refused: it would bind manual orders').default(
    1,
  ),
  maxRequestsPerSecond: int(1, 50, 'Messages sent a second; IB ends sessions that pass 50').default(40),
  marketDataLines: int(1, 1_000, 'Market data lines that the login has').default(100),
  handshakeTimeoutMs: int(1_000, 120_000, 'From connect to next order id').default(10_000),
  probeIntervalMs: int(100, 600_000, 'Between two questions for the time of the broker').default(30_000),
  probeTimeoutMs: int(100, 600_000, 'For the answer to it').default(10_000),
  timeZone: timeZone(
    'Zone of the gateway: it writes the times of executions in it, its day of executions begins at its midnight, and the container runs in it',
  ).default('America/New_York'),
  readOnlyApi: flag(
    'The API of the gateway takes no orders, and tells nothing of them: deployed that way, and accepted at start. Where false, a read-only gateway is an error',
  ).default(false),
});

const health = section({
  host: text('Address that /livez, /readyz and /metrics listen on').default('127.0.0.1'),
  port: int(0, 65_535, 'Port of them; 0 takes a free one').default(8790),
});

const streamer = section({
  name: text(
    'Name of the streamer, unique in the stage',
    'kebab-case, for example main',
    /^[a-z][a-z0-9-]{0,30}$/,
  ),
  account: text('IB account', 'an IB account, for example DU1234567', /^[A-Z]{1,3}\d{4,12}$/),
  gateway: gateway,
  symbols: z
    .array(symbolSchema, { error: 'a list of symbols' })
    .min(1, { error: 'at least one symbol' })
    .meta({ allowed: 'a list of symbols, at least one', description: 'What to subscribe to' }),
  dbPath: text('SQLite file of the outbox').meta({ standard: '`.evenkeel/<stage>/<name>.db`' }),
  marketDataType: oneOf(['live', 'delayed', 'frozen'], 'Which market data to ask for').default('live'),
  health: health.prefault({}),
});

const marketData = section({
  bufferCapacity: int(100, 1_000_000, 'Ticks that the buffer holds').default(10_000),
  bufferTtlMs: int(1_000, 3_600_000, 'Age at which a buffered tick expires').default(60_000),
  drainAt: int(1, 1_000_000, 'Ticks at which the buffer drains at once').default(4_096),
  flushEveryMs: int(100, 600_000, 'Between two sweeps for expired ticks').default(10_000),
  alertAtUtilisation: fraction(
    0.1,
    1,
    'Share of the capacity at which `backpressure.detected` is sent',
  ).default(0.8),
  staleAfterMs: int(1_000, 86_400_000, 'Silence inside a session after which a feed is stale').default(
    120_000,
  ),
  tickSampling: section({
    enabled: flag('Put sampled ticks on the bus').default(false),
    everyNth: int(1, 1_000_000, 'One tick of so many').default(100),
  }).prefault({}),
});

const candles = section({
  intervalMs: int(1_000, 86_400_000, 'Length of a bar; must divide a day').default(60_000),
  graceMs: int(0, 60_000, 'After the end of a bar, before it is closed').default(2_000),
  correctionMs: int(0, 3_600_000, 'After the end of a bar, how long a late tick still corrects it').default(
    60_000,
  ),
  flatBarsMax: int(0, 60, 'Silent bars in a row that are written flat').default(2),
  volumeSource: oneOf(['rtvolume', 'tick-by-tick', 'tick8'], 'Where the volume comes from').default(
    'rtvolume',
  ),
  retentionDays: int(1, 36_500, 'Days that the candles table keeps a bar').default(400),
});

const backfill = section({
  maxAttempts: int(1, 100, 'Requests for one gap before it is abandoned').default(8),
  requestsPerTenMinutes: int(1, 60, 'Historical requests; IB allows 60').default(60),
  retryMs: int(1_000, 3_600_000, 'Between two requests for one gap; IB refuses the same within 15 s').default(
    15_000,
  ),
  lookBackMinutes: int(
    0,
    1_440,
    'History that is asked for where the disk knows nothing of an instrument, and an earlier task may have lost bars with its own',
  ).default(60),
});

const reconnect = section({
  firstMs: int(10, 600_000, 'Before the second attempt to connect; doubles each time').default(1_000),
  maxMs: int(10, 3_600_000, 'Most between two attempts').default(60_000),
  jitter: fraction(0, 1, 'Random share of the wait').default(0.2),
  breakerFailures: int(1, 1_000, 'Failed attempts in a row that open the circuit breaker').default(10),
  breakerRetryMs: int(100, 3_600_000, 'Between two attempts while it is open').default(60_000),
});

const clockTime = (description: string) =>
  text(description, 'a time of day, for example 00:15', /^([01]\d|2[0-3]):[0-5]\d$/);

const resetWindow = section({
  name: text('Name for logs and alerts', 'kebab-case, for example north-america', /^[a-z][a-z0-9-]*$/),
  timeZone: timeZone('Zone of `from` and `to`'),
  days: z
    .array(oneOf(weekdays, 'Day'), { error: `a list of ${weekdays.join(', ')}` })
    .min(1, { error: `at least one of ${weekdays.join(', ')}` })
    .meta({ allowed: `a list of ${weekdays.join(', ')}`, description: 'Days on which the window begins' }),
  from: clockTime('Begin'),
  to: clockTime('End, exclusive; on the next day where it is before `from`'),
});

/** IB's own table for North America. Regions differ: docs/configuration.md lists the others. */
const defaultResetWindows = [
  {
    name: 'north-america',
    timeZone: 'America/New_York',
    days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri'],
    from: '00:15',
    to: '01:45',
  },
  { name: 'weekend', timeZone: 'America/New_York', days: ['fri'], from: '23:00', to: '03:00' },
] satisfies z.input<typeof resetWindow>[];

const outbox = section({
  maxEvents: int(100, 10_000_000, 'Unsent events that the outbox holds').default(500_000),
  alertAtUtilisation: fraction(0.1, 1, 'Share of it at which an alert is raised').default(0.8),
  publishConcurrency: int(1, 32, 'Batches under way at once').default(4),
});

const lease = section({
  ttlMs: int(
    2_000,
    600_000,
    'Time to live: a second streamer takes over after so long without a renewal',
  ).default(20_000),
  renewMs: int(
    200,
    300_000,
    'Between two renewals by the holder; at most a third of the time to live',
  ).default(5_000),
});

const orders = section({
  resyncMs: int(
    1_000,
    3_600_000,
    "Between two rounds in which orders and executions are compared with the broker's lists",
  ).default(60_000),
  listTimeoutMs: int(1_000, 600_000, "For one of the broker's lists, until its end marker").default(20_000),
});

const backup = section({
  atUtc: clockTime('When the daily backup begins, UTC').default('03:15'),
  retentionDays: int(1, 3_650, 'Days that a backup is locked against deletion, and kept').default(30),
  keepAtLeast: int(1, 1_000, 'Newest backups that are kept however old they are').default(5),
  includeCandles: flag('Back up the candles table too; the archive has them in any case').default(false),
  drillDay: oneOf(weekdays, 'Day of the weekly restore drill').default('sun'),
  drillAtUtc: clockTime('When it begins, UTC').default('04:15'),
  archiveAtUtc: clockTime('When the days before are written to the archive, UTC').default('02:30'),
});

const decimalText = (description: string) =>
  text(description, 'decimal text, for example "0.0001"', /^(0|[1-9]\d*)(\.\d+)?$/);

/** A list of texts; none by default. */
const names = (description: string, allowed: string) =>
  z
    .array(z.string({ error: allowed }).min(1, { error: allowed }), { error: allowed })
    .meta({ allowed, description });

const reconcile = section({
  everyMinutes: int(1, 60, 'Between two runs by the clock').default(5),
  mode: oneOf(reconcileModes, '`strict` locks on HIGH and CRITICAL, `warn` on CRITICAL alone').default(
    'warn',
  ),
  autoSync: z
    .array(oneOf(discrepancyTypes, 'Type'), { error: 'a list of types of discrepancy' })
    .meta({
      allowed: 'a list of types of discrepancy',
      description: 'Types whose plans the policy of `auto_sync` approves by itself',
    })
    .default(['MISSING_FILL', 'ORDER_STATUS_MISMATCH', 'MISSING_FROM_BOOK']),
  approvers: names(
    'Who may approve plans: ARNs, `*` for any text in one; name the role, because whoever takes a role chooses the name of the session after it. By itself everybody of the AWS account whom IAM lets call the function',
    'a list of ARNs, at least one',
  )
    .min(1, { error: 'a list of ARNs, at least one' })
    .default(['*']),
  quantityTolerance: decimalText('Contracts or shares that may differ').default('0'),
  cashTolerance: decimalText('Units of a currency that may differ').default('1'),
  priceTolerance: decimalText('Share of an average price that may differ').default('0.0001'),
  quietMs: int(0, 600_000, 'An order that changed more recently is not judged yet').default(5_000),
  absentRuns: int(1, 100, 'Runs in which something must stay absent before it is UNRESOLVED').default(3),
  escalateAfterRuns: int(1, 100, 'Runs after which an open discrepancy is escalated').default(3),
  queriesPerRun: int(0, 1_000, 'Absent orders that are asked for by name in one run').default(10),
  snapshotTimeoutMs: int(1_000, 240_000, 'How long a run waits for its snapshot').default(60_000),
  snapshotMaxAgeMs: int(1_000, 3_600_000, 'An older snapshot is STALE_DATA').default(60_000),
  planValidMs: int(60_000, 86_400_000, 'How long a plan may be approved and applied').default(3_600_000),
  closedCadenceMs: int(60_000, 86_400_000, 'Between two runs while every session is closed').default(
    3_600_000,
  ),
  massChange: section({
    share: decimalText('Share of the live orders from which a plan is refused').default('0.2'),
    atLeast: int(0, 100_000, 'and at least so many of them').default(10),
  }).prefault({}),
  ignoredOrders: names('Order keys or permIds that are not judged', 'a list of order keys').default([]),
  initialStateSymbols: names(
    'Roots and symbols that are recognised at the very first start',
    'a list of symbols',
  ).default(['ES', 'MES', 'SPY']),
  noStopNeeded: names('Symbols whose positions need no stop order', 'a list of symbols').default([]),
  riskThreshold: decimalText('Loss as a share of the cost from which a review is recommended').default(
    '0.05',
  ),
  profitThreshold: decimalText('Profit as a share of the cost from which taking it is recommended').default(
    '0.05',
  ),
});

/** A limit that may be left out by saying null. */
function orNone<T extends z.ZodType>(limit: T) {
  const { allowed, description } = limit.meta() as { allowed: string; description: string };
  return limit.nullable().meta({ allowed: `${allowed}, or null for no limit`, description });
}

const limit = (description: string) => orNone(decimalText(description));

const risk = section({
  maxQuantity: limit('Contracts or shares of one order').default('10'),
  maxNotional: limit(
    "Quantity times price times multiplier of one order, in the contract's currency",
  ).default('2000000'),
  maxPosition: limit(
    'Contracts or shares, long or short, were all working orders of that side filled',
  ).default('20'),
  maxOpenOrders: orNone(int(1, 10_000, 'Working orders of the account')).default(50),
  maxOrdersPerMinute: orNone(int(1, 1_000, 'Orders that leave within a minute')).default(30),
  maxDailyLoss: limit(
    "Loss since the session date began, in the account's base currency; beyond it trading is halted",
  ).default('5000'),
  maxDrawdown: limit(
    "Loss since the day's highest value, in the account's base currency; beyond it trading is halted",
  ).default('5000'),
  priceCollar: limit('Share of the last trade by which a limit or stop price may be away from it').default(
    '0.05',
  ),
  whatIf: flag(
    'Ask the broker, before an order that opens something leaves, whether the account has the margin for it',
  ).default(false),
});

const quietHours = section({
  timeZone: timeZone('Zone of `from` and `to`'),
  days: z
    .array(oneOf(weekdays, 'Day'), { error: `a list of ${weekdays.join(', ')}` })
    .min(1, { error: `at least one of ${weekdays.join(', ')}` })
    .meta({ allowed: `a list of ${weekdays.join(', ')}`, description: 'Days on which they begin' })
    .default([...weekdays]),
  from: clockTime('Begin'),
  to: clockTime('End, exclusive; on the next day where it is before `from`'),
});

const alertChannel = section({
  type: oneOf(
    ['sns', 'slack', 'discord', 'webhook'],
    '`sns` is e-mail to `alerts.emails`; the others take their address from the secret (docs/alerts.md)',
  ),
  name: text(
    'Name of the channel, unique in the stage; the secret has its address under it',
    'kebab-case, for example desk-slack',
    /^[a-z][a-z0-9-]{0,29}$/,
  ),
  minSeverity: oneOf(['info', 'medium', 'high', 'critical'], 'Least severity that it is sent').default(
    'info',
  ),
  receives: oneOf(
    ['all', 'escalations'],
    '`escalations`: only a CRITICAL that nobody acknowledged in time',
  ).default('all'),
  quietHours: quietHours.exactOptional(),
  rateMs: int(100, 600_000, 'Least time between two messages').default(1_000),
});

const alertChannels = z
  .array(alertChannel, { error: 'a list of channels' })
  .max(10, { error: 'at most 10 channels' })
  .meta({ allowed: 'a list of channels, at most 10', description: 'Who is told of alerts (docs/alerts.md)' });

const alerts = section({
  emails: names(
    'Who gets alerts by e-mail; each has to confirm it once, by a link that AWS sends',
    'a list of e-mail addresses',
  ).default([]),
  channels: alertChannels.prefault([{ type: 'sns', name: 'email' }]),
  dedupMinutes: int(
    1,
    1_440,
    'An alert that comes again within this time of being told is counted, and told at its end',
  ).default(10),
  escalateMinutes: int(
    1,
    1_440,
    'A CRITICAL alert that nobody acknowledges is sent again after so long, then after twice as long, and so on',
  ).default(15),
});

const aws = section({
  accountId: text(
    'AWS account to deploy to: credentials of another are refused; without it, the account of the credentials. Not for the sandbox on one machine',
    '12 digits in quotes, for example "123456789012"',
    /^\d{12}$/,
  ).exactOptional(),
  region: text(
    'Region to deploy to; without it, the one of the credentials',
    'an AWS region, for example us-east-1',
    /^[a-z]{2}(-[a-z]+)+-\d$/,
  ).exactOptional(),
  gatewayImage: text(
    'Container image of IB Gateway, pinned',
    'an image with a version tag or a digest; latest and stable move and are refused',
    /^[a-z0-9][\w./-]*(:\d+\/[\w./-]+)?((:[\w.-]+)?@sha256:[0-9a-f]{64}|:(?!latest$|stable$)[\w.-]+)$/,
  ).default('ghcr.io/gnzsnz/ib-gateway:10.37.1n'),
  gatewayRestartTime: text(
    'Daily restart of IB Gateway, in `gateway.timeZone`; keep it inside a reset window',
    'hh:mm AM or PM, for example 12:30 AM',
    /^(0\d|1[0-2]):[0-5]\d (AM|PM)$/,
  ).default('12:30 AM'),
  archiveDays: int(1, 3_650, 'Days that the event archive keeps').default(90),
  athenaTables: flag('Tables in Glue over the Parquet archive, so that Athena reads it').default(true),
  runbookUrl: text(
    'Where the repository can be read, so that the description of an alarm is a link to its runbook; without it the path alone is named',
    'a URL, for example https://github.com/our/evenkeel/blob/main',
    /^https?:\/\/\S+$/,
  ).exactOptional(),
  logRetentionDays: oneOfNumbers([7, 14, 30, 90, 180, 365], 'Days that logs are kept').default(30),
  architecture: oneOf(
    ['x86_64', 'arm64'],
    "Processor of the task, both containers; `arm64` costs a fifth less, but the gateway's image for it is experimental",
  ).default('x86_64'),
  streamerCpu: oneOfNumbers([1024, 2048, 4096], 'CPU units of the task, gateway included').default(1024),
  streamerMemoryMiB: oneOfNumbers([2048, 3072, 4096, 8192], 'Memory of the task, gateway included').default(
    3072,
  ),
});

export const configSchema = section({
  stage: oneOf(stages, 'Must be the name of the file'),
  displayTimeZone: timeZone('Zone in which times are shown; stored times are UTC').default(
    'Europe/Stockholm',
  ),
  logLevel: oneOf(['debug', 'info', 'warn', 'error'], 'Least level that is logged').default('info'),
  streamers: z
    .array(streamer, { error: 'a list of streamers' })
    .min(1, { error: 'at least one streamer' })
    .meta({ allowed: 'a list, at least one', description: 'One for each login of IB Gateway' }),
  marketData: marketData.prefault({}),
  candles: candles.prefault({}),
  backfill: backfill.prefault({}),
  reconnect: reconnect.prefault({}),
  resetWindows: z
    .array(resetWindow, { error: 'a list of reset windows' })
    .meta({ allowed: 'a list', description: "IB's nightly and weekend resets: alerts are muted inside them" })
    .default(defaultResetWindows),
  roll: section({
    daysBeforeExpiry: int(
      0,
      90,
      'Days before the last trade date on which a root moves to the next month',
    ).default(5),
  }).prefault({}),
  lease: lease.prefault({}),
  heartbeat: section({
    everyMs: int(1_000, 60_000, 'Between two heartbeats of the streamer').default(8_000),
  }).prefault({}),
  orders: orders.prefault({}),
  outbox: outbox.prefault({}),
  reconcile: reconcile.prefault({}),
  risk: risk.prefault({}),
  backup: backup.prefault({}),
  alerts: alerts.prefault({}),
  shutdown: section({
    timeoutMs: int(1_000, 110_000, 'For a clean stop; ECS kills after 120 s').default(30_000),
  }).prefault({}),
  aws: aws.prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type StreamerConfig = Config['streamers'][number];
export type SymbolConfig = StreamerConfig['symbols'][number];
