/**
 * One look at every account of the stage. First what is to be raised goes to the bus, then it is remembered: a look that
 * fails in between raises the same again, under the same ids.
 */
import type { Logger } from '@aws-lambda-powertools/logger';
import type { Notice } from '../../lib/events/envelope.ts';
import type { Stage } from '../../lib/events/stage.ts';
import { type EventPublisher, publishBatchMax } from '../../lib/ports/event-publisher.ts';
import type { WatchdogStore } from '../../lib/ports/watchdog-store.ts';
import { type LookPorts, lookAt } from './look.ts';

const attemptsMax = 3;
const accountsAtOnce = 8;
const failureRepeatMs = 15 * 60_000;

export interface WatchedAccount {
  readonly account: string;
  /** Name of its streamer. */
  readonly streamer: string;
}

interface Failure {
  /** In a row. */
  readonly looks: number;
  /** Of the last alert, Unix ms; null before the first. */
  readonly toldMs: number | null;
}

export interface RunOptions extends LookPorts {
  readonly stage: Stage;
  readonly accounts: readonly WatchedAccount[];
  readonly store: WatchdogStore;
  readonly publisher: EventPublisher;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly nowMs: () => number;
  /** Accounts whose last look failed in this process. */
  readonly failures: Map<string, Failure>;
}

/** Accounts could not be looked at. */
export class WatchdogError extends Error {
  override readonly name = 'WatchdogError';
  readonly code = 'WATCHDOG_FAILED';

  constructor(problems: readonly string[]) {
    super(
      `WATCHDOG_FAILED: ${problems.length} accounts could not be looked at (${problems.slice(0, 5).join('; ')}). ` +
        'Nobody watches them from outside until a look succeeds; the next one is in a minute. Look at the tables, the bus and the role of the function.',
    );
  }
}

/** @throws WatchdogError when an account could not be looked at; the others were */
export async function run(
  options: RunOptions,
): Promise<{ readonly accounts: number; readonly alerts: number }> {
  const problems: string[] = [];
  let alerts = 0;
  for (let from = 0; from < options.accounts.length; from += accountsAtOnce) {
    const some = options.accounts.slice(from, from + accountsAtOnce);
    const looks = await Promise.allSettled(some.map((account) => watch(account, options)));
    for (const [index, look] of looks.entries()) {
      const account = some[index]!;
      if (look.status === 'fulfilled') {
        alerts += look.value;
        options.failures.delete(account.account);
      } else problems.push(await failed(account, look.reason, options));
    }
  }
  if (problems.length > 0) throw new WatchdogError(problems);
  return { accounts: options.accounts.length, alerts };
}

async function watch(watched: WatchedAccount, options: RunOptions): Promise<number> {
  const { account } = watched;
  const { store, logger, nowMs } = options;
  const row = await store.read(account);
  const { alerts, memory, ...figures } = await lookAt(watched, row, options, nowMs());
  const notices = alerts.map(({ key, ...alert }) => noticeOf(account, key, alert, options));
  await publish(notices, options);
  // Most looks find all as it was.
  if (memory !== row?.memory && !(await store.write(account, row?.version ?? 0, memory)))
    logger.warn('another look came first', { account });
  logger.info('looked', {
    account,
    alerts: alerts.map(({ alert, subject }) => `${alert} ${subject}`),
    ...figures,
  });
  return alerts.length;
}

/** A guard that cannot see says so from the second time on, now and then, as far as this process remembers. */
async function failed({ account }: WatchedAccount, reason: unknown, options: RunOptions): Promise<string> {
  const { logger, nowMs, failures } = options;
  const error = reason instanceof Error ? reason : new Error(String(reason));
  const problem = `${account}: ${error.message}`;
  logger.error('could not look', { account, error });
  const { looks: before, toldMs } = failures.get(account) ?? { looks: 0, toldMs: null };
  const looks = before + 1;
  const atMs = nowMs();
  const isDue = looks > 1 && (toldMs === null || atMs - toldMs >= failureRepeatMs);
  failures.set(account, { looks, toldMs });
  if (!isDue) return problem;
  const message = `${account}: the watchdog could not look at heartbeat and stops ${looks} times in a row (${error.message}). It tries again every minute; until it succeeds nobody watches this account from outside its streamer.`;
  const alert = {
    alert: 'watchdog_failed',
    severity: 'HIGH',
    subject: `account ${account}`,
    message,
  } as const;
  try {
    await publish([noticeOf(account, `watchdog_failed:${atMs}`, alert, options)], options);
    failures.set(account, { looks, toldMs: atMs });
  } catch (again) {
    logger.error('the bus did not take it', { account, problem: String(again) });
  }
  return problem;
}

function noticeOf(
  account: string,
  key: string,
  data: Notice<'alert.raised'>['data'],
  { stage, nowMs }: RunOptions,
): Notice<'alert.raised'> {
  return {
    id: `watchdog:${account}:${key}`,
    type: 'alert.raised',
    version: 1,
    stage,
    account,
    occurredAt: new Date(nowMs()).toISOString(),
    data,
  };
}

/** @throws what the bus said last, when it does not take all of them */
async function publish(notices: readonly Notice[], { publisher }: RunOptions): Promise<void> {
  let waiting = notices;
  let problem = '';
  for (let attempt = 1; attempt <= attemptsMax && waiting.length > 0; attempt += 1) {
    const refused: Notice[] = [];
    for (let from = 0; from < waiting.length; from += publishBatchMax) {
      const batch = waiting.slice(from, from + publishBatchMax);
      for (const [index, result] of (await publisher.publish(batch)).entries()) {
        if (result.ok) continue;
        problem = `${result.code}: ${result.message}`;
        refused.push(batch[index]!);
      }
    }
    waiting = refused;
  }
  if (waiting.length > 0) throw new Error(`the bus did not take ${waiting.length} alerts (${problem})`);
}
