/** The rules of a stage, as its configuration gives them to the functions, and the rules of one run made of them. */
import * as z from 'zod';
import { localDaySpan } from '../domain/market/time-zones.ts';
import {
  type BrokerPicture,
  discrepancyTypes,
  type ReconcileMode,
  type ReconcileRules,
  reconcileModes,
} from '../domain/reconcile/types.ts';

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const decimal = z.string().regex(/^(0|[1-9]\d*)(\.\d+)?$/, 'must be decimal text, for example "0.0001"');
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day, for example 00:15');
const ms = z.int().nonnegative();
const minuteMs = 60_000;

/** `RECONCILE_RULES`. What is left out has its default; an unknown name is refused. */
export const reconcileSettings = z.strictObject({
  mode: z.enum(reconcileModes).default('warn'),
  autoSync: z
    .array(z.enum(discrepancyTypes))
    .default(['MISSING_FILL', 'ORDER_STATUS_MISMATCH', 'MISSING_FROM_BOOK']),
  quantityTolerance: decimal.default('0'),
  cashTolerance: decimal.default('1'),
  priceTolerance: decimal.default('0.0001'),
  quietMs: ms.default(5_000),
  absentRuns: z.int().positive().default(3),
  escalateAfterRuns: z.int().min(3).default(3),
  queriesPerRun: z.int().nonnegative().default(10),
  snapshotMaxAgeMs: ms.default(minuteMs),
  ignoredOrders: z.array(z.string().min(1)).default([]),
  initialStateSymbols: z.array(z.string().min(1)).default(['ES', 'MES', 'SPY']),
  noStopNeeded: z.array(z.string().min(1)).default([]),
  riskThreshold: decimal.default('0.05'),
  profitThreshold: decimal.default('0.05'),
  massChange: z
    .strictObject({ share: decimal.default('0.2'), atLeast: z.int().nonnegative().default(10) })
    .prefault({}),
  planValidMs: ms.default(60 * minuteMs),
  /** How long a run waits for its snapshot. */
  snapshotTimeoutMs: ms.default(minuteMs),
  /** Runs by the clock or a start are postponed in them. */
  resetWindows: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        timeZone: z.string().min(1),
        days: z.array(z.enum(weekdays)).min(1),
        from: clockTime,
        to: clockTime,
      }),
    )
    .default([]),
  /** Between two runs by the clock while every session is closed. */
  closedCadenceMs: ms.default(60 * minuteMs),
});

export type ReconcileSettings = z.output<typeof reconcileSettings>;

/** A streamer of the stage, as far as a run concerns it: `STREAMERS`. */
export const reconcileStreamer = z.strictObject({
  account: z.string().min(1),
  streamer: z.string().min(1),
  commandQueueUrl: z.string().min(1),
  /** Of the gateway: its day of executions begins at its midnight. */
  timeZone: z.string().min(1),
  clientId: z.int().nonnegative(),
});

export type ReconcileStreamer = z.output<typeof reconcileStreamer>;

export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly code = 'RECONCILE_SETTINGS_INVALID';

  constructor(variable: string, problem: string) {
    super(
      `RECONCILE_SETTINGS_INVALID: ${variable} cannot be used (${problem}); nothing was started. A deployed stack sets it from the stage's configuration.`,
    );
  }
}

/**
 * A variable of the environment that holds JSON.
 *
 * @throws SettingsError
 */
export function parseSetting<T extends z.ZodType>(variable: string, text: string, schema: T): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SettingsError(variable, error instanceof Error ? error.message : String(error));
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`,
  );
  throw new SettingsError(variable, problems.join('; '));
}

/** @param broker decides which day of executions the broker has told: that of its own clock after the last answer */
export function rulesOf(
  settings: ReconcileSettings,
  mode: ReconcileMode,
  { timeZone, clientId }: Pick<ReconcileStreamer, 'timeZone' | 'clientId'>,
  broker: BrokerPicture | null,
  nowMs: number,
): ReconcileRules {
  const { snapshotTimeoutMs: _, resetWindows: __, closedCadenceMs: ___, ...rules } = settings;
  const told = broker === null ? nowMs : broker.brokerTimeMs || broker.completedAtMs;
  return {
    ...rules,
    mode,
    executionsSinceMs: localDaySpan(told, timeZone).fromMs,
    ownClientIds: [clientId],
  };
}
