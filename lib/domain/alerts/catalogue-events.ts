/** Alerts that are made of other events, so that they reach a person too. */
import type { AlertType } from './catalogue.ts';
import { unstaged } from './unstaged.ts';

const status = 'evenkeel status --account {account}';

export const eventAlerts = {
  circuit_open: {
    severities: ['HIGH'],
    meaning:
      '`circuit-breaker.triggered`: so many attempts to connect to the gateway failed that it is tried once a minute.',
    action: 'See whether IB Gateway runs, is logged in, and has its API port open.',
    command: 'evenkeel logs gateway --since 1h',
    endedBy: '`gateway.connected`',
  },
  discrepancy_opened: {
    severities: ['HIGH', 'CRITICAL'],
    meaning:
      '`discrepancy.opened`, where it is HIGH or CRITICAL: broker and book differ. CRITICAL locks trading, in the mode `strict` HIGH does too.',
    action: 'Review the plan that reconcile has staged, or settle it in TWS.',
    command: 'evenkeel plan show --account {account}',
    byType: unstaged,
    endedBy: '`discrepancy.resolved`',
  },
  feed_stale: {
    severities: ['MEDIUM'],
    meaning: '`feed.changed` to `stale` or `lost`: no market data of a symbol while its session is open.',
    action: 'Look at the gateway and at the market data of the login.',
    command: status,
    endedBy: '`feed.changed` to any other state',
  },
  gap_abandoned: {
    severities: ['MEDIUM'],
    meaning: '`gap.abandoned`: bars are missing and the broker did not give them.',
    action: 'Look at the bars; ask again with the command `resubscribe` if they matter.',
    command: 'evenkeel candles {id} --stats',
    endedBy: '`gap.filled`',
  },
  live_data_backpressure: {
    severities: ['MEDIUM'],
    meaning: '`backpressure.detected` of the ticks: their buffer is filling up. Nothing was dropped yet.',
    action: 'Subscribe to fewer ticks, or give the buffer more room (`marketData.bufferCapacity`).',
    command: status,
  },
  live_data_backpressure_drop: {
    severities: ['MEDIUM'],
    meaning: '`backpressure.detected` of the ticks that dropped: some were lost since the streamer started.',
    action: 'Consider fewer tick subscriptions, or a larger buffer (`marketData.bufferCapacity`).',
    command: status,
  },
  outbox_backpressure: {
    severities: ['MEDIUM'],
    meaning:
      '`backpressure.detected` of the outbox: the bus does not take the events of the streamer. None is dropped; a full outbox holds the ticks back.',
    action:
      'Look at the bus, its permissions and the network. It is sent by itself once the bus takes it; `outbox.maxEvents` gives it more room.',
    command: 'evenkeel logs streamer --since 1h',
  },
  login_awaited: {
    severities: ['HIGH'],
    meaning: '`login.awaited`: the weekly login ended. A person must confirm the second factor.',
    action: 'Confirm it in IBKR Mobile.',
    command: status,
    endedBy: '`gateway.connected`',
  },
  plan_refused: {
    severities: ['MEDIUM'],
    meaning: '`plan.refused`: what was asked of a plan was not done.',
    action: 'Read why; run a reconcile and review the plan that it stages.',
    command: 'evenkeel plan --account {account}',
    endedBy: '`plan.approved` or `plan.applied` of the same plan',
  },
  plan_staged: {
    severities: ['MEDIUM'],
    meaning: '`plan.staged`: a plan waits for a person to review and approve it.',
    action: 'Review it, then approve or reject it by its hash.',
    command: 'evenkeel plan show {id} --account {account}',
    endedBy: '`plan.approved`, `plan.applied`, or the next `plan.staged` of the account',
  },
  safe_mode_entered: {
    severities: ['HIGH'],
    meaning: '`safe-mode.entered`: the streamer went into its own safe mode. No orders leave.',
    action: 'Look why the session cannot be kept; it leaves by itself when the session is ready.',
    command: status,
    endedBy: '`safe-mode.left`',
  },
} as const satisfies Record<string, AlertType>;

export type EventAlert = keyof typeof eventAlerts;
