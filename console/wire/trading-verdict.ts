import { whyLocked } from '../../lib/domain/safety/lock.ts';
import type { StatusShown } from './shapes.ts';

export type ViewName =
  | 'overview'
  | 'chart'
  | 'orders'
  | 'positions'
  | 'plan'
  | 'reconcile'
  | 'audit'
  | 'backups'
  | 'alerts'
  | 'flags';

/** Something that holds orders back, what it means, and where a person does something about it. */
export interface Obstacle {
  readonly what: string;
  readonly next: string;
  readonly view: ViewName;
}

export interface TradingVerdict {
  /** `open`: orders leave. `reducing`: only what makes a position smaller or protects it. `closed`: none. */
  readonly state: 'open' | 'reducing' | 'closed';
  readonly title: string;
  /** The one to begin with first. */
  readonly obstacles: readonly Obstacle[];
}

/** Whether orders can leave just now, by what the book and the streamer say; if not, why, and what to do. Pure. */
export function tradingVerdict(status: StatusShown): TradingVerdict {
  const closed = [...partsMissing(status), ...switchedOff(status)];
  const reducing = onlyReducing(status);
  const obstacles = [...closed, ...reducing];
  if (closed.length > 0) return { state: 'closed', title: 'Trading is stopped', obstacles };
  if (reducing.length > 0)
    return { state: 'reducing', title: 'Trading is locked: only what reduces or protects leaves', obstacles };
  return { state: 'open', title: 'Trading is unlocked', obstacles };
}

function partsMissing({ alive, heartbeat, lease, restoring }: StatusShown): Obstacle[] {
  const found: Obstacle[] = [];
  if (restoring !== null)
    found.push({
      what: `The book is being restored from ${restoring.restoring}`,
      next: 'Wait for its end, or go on with the same restore command',
      view: 'backups',
    });
  if (heartbeat === null || !alive) {
    found.push({
      what: heartbeat === null ? 'The streamer was never heard' : 'The streamer gives no sign of life',
      next: 'Start it, then read its log: logs streamer',
      view: 'overview',
    });
    return found;
  }
  if (!heartbeat.ready)
    found.push({
      what: `The session with IB Gateway is ${heartbeat.phase}`,
      next: phaseAdvice[heartbeat.phase] ?? 'Run the doctor below: it names what is missing',
      view: 'overview',
    });
  if (lease === null || lease.released)
    found.push({
      what: 'Nobody holds the lease of the session',
      next: 'The streamer takes it by itself within 20 s; if not, read logs streamer',
      view: 'overview',
    });
  return found;
}

const phaseAdvice: Readonly<Record<string, string>> = {
  'waiting-for-login': 'Confirm the second factor of the IB login',
  competing:
    'Another session of the same IB user holds the market data: end it in TWS, mobile or Client Portal',
  degraded: 'The gateway has lost IB’s servers; it comes back by itself',
};

function switchedOff({ flags, trading }: StatusShown): Obstacle[] {
  const found: Obstacle[] = [];
  if (flags.source === 'unreadable')
    found.push({
      what: `The flags cannot be read, so SAFE_MODE holds: ${flags.problem}`,
      next: 'Set all flags anew, for example by the preset dry-run',
      view: 'flags',
    });
  else if (flags.flags.SAFE_MODE)
    found.push({
      what: `SAFE_MODE is on${said(flags)}`,
      next: 'Find out why, then clear it with a reason',
      view: 'flags',
    });
  if (flags.source !== 'unreadable' && flags.flags.DRY_RUN)
    found.push({
      what: 'DRY_RUN is on: orders are answered "would send"',
      next: 'Review what reconcile finds, then use the preset stage',
      view: 'flags',
    });
  if (trading.mode === 'halted')
    found.push({
      what: `Trading is halted${said(trading)}`,
      next: 'Resume with a reason once the cause is gone',
      view: 'flags',
    });
  return found;
}

function onlyReducing({ lock, lease, trading, reconcile }: StatusShown): Obstacle[] {
  const found: Obstacle[] = [];
  if (trading.mode === 'reduce-only')
    found.push({
      what: `Trading is reduce-only${said(trading)}`,
      next: 'Resume with a reason once the cause is gone',
      view: 'flags',
    });
  const why = whyLocked(lock, lease?.token ?? 0);
  if (why === undefined) return found;
  const waits = reconcile.plan !== null && reconcile.plan.state === 'staged';
  const critical = reconcile.state?.last.severities.CRITICAL ?? 0;
  // The lock says one reason. A plan and a finding each hold orders back, and each wants something else done.
  const saysFinding = lock.state === 'locked' && lock.reason.startsWith('CRITICAL');
  const plan = { next: 'A plan waits for you: review it', view: 'plan' } as const;
  const finding = {
    next: 'See what was found; settle it in TWS or in the book, then reconcile',
    view: 'reconcile',
  } as const;
  const run = { next: 'Reconcile: a run that completes opens it', view: 'reconcile' } as const;
  const what = `The reconcile lock is closed: ${why}`;
  found.push({ what, ...(saysFinding ? finding : waits ? plan : run) });
  if (waits && saysFinding) found.push({ what: 'A plan waits for approval, which locks as well', ...plan });
  if (critical > 0 && !saysFinding) {
    const number = critical === 1 ? '1 CRITICAL discrepancy' : `${critical} CRITICAL discrepancies`;
    found.push({ what: `The last run found ${number}, which locks as well`, ...finding });
  }
  return found;
}

function said({ reason }: { readonly reason: string }): string {
  return reason === '' ? '' : `: ${reason}`;
}
