/**
 * Every alert that there is: how bad it is, what it means, what to do. docs/alerts.md is made of this, and a test compares
 * it with what the code raises. `{account}`, `{subject}` and `{id}` (the subject's last word) are filled in.
 */
import { eventAlerts } from './catalogue-events.ts';
import type { AlertNews, AlertSeverity } from './types.ts';
import { unstaged } from './unstaged.ts';

export interface Advice {
  readonly action: string;
  /** What to type. */
  readonly command: string;
}

export interface AlertType {
  /** The first is the usual one. */
  readonly severities: readonly [AlertSeverity, ...AlertSeverity[]];
  readonly meaning: string;
  readonly action: string;
  /** What to type. */
  readonly command: string;
  /** Where the subject begins with one of these (`TYPE:subject`), something else is to be done about it. */
  readonly byType?: Readonly<Record<string, Advice>>;
  /** What ends it by itself; without it a person does, or its age. */
  readonly endedBy?: string;
  /** Kinds of alerts that this one ends. */
  readonly ends?: readonly string[];
}

const orders = 'evenkeel orders --account {account}';
const status = 'evenkeel status --account {account}';
const reconcile = 'evenkeel reconcile --account {account} --reason "alert"';
const untilReconciled = '`reconcile.completed` with the status COMPLETED';

const raisedAlerts = {
  ambiguous_matches_found: {
    severities: ['HIGH'],
    meaning: 'Orders of the broker and of the book look alike, and none is provably the same.',
    action:
      'Stop and review `ambiguous_matches.json`. Do not resolve these automatically: compare the orders in TWS, or approve the rest of the plan.',
    command: 'evenkeel plan show --account {account}',
    endedBy: `${untilReconciled} and no AMBIGUOUS_MATCH`,
  },
  archive_failed: {
    severities: ['MEDIUM'],
    meaning: 'The days before were not written to the Parquet archive.',
    action: 'Read the log; the next daily run makes up for it. Nothing is lost: the tables have it.',
    command: 'evenkeel logs archive --since 1d',
  },
  audit_rows_missing: {
    severities: ['CRITICAL'],
    meaning: 'The audit trail lacks rows, so the counts of a backup are not those of the book.',
    action: 'Find the broken rows, and who could write to the table.',
    command: 'evenkeel audit verify --account {account}',
  },
  backup_failed: {
    severities: ['CRITICAL'],
    meaning: 'A backup was not made. Nothing is applied without one.',
    action: 'Do not go on with a plan. Mend what the message names, and make a backup.',
    command: 'evenkeel backup --reason "after backup_failed"',
    endedBy: '`backup.completed`',
  },
  book_outbox_nearly_full: {
    severities: ['HIGH'],
    meaning: 'The outbox of the streamer is filling up: the queue of the book does not take its events.',
    action: 'Look at the queue, at the network and at the streamer’s log.',
    command: 'evenkeel doctor',
  },
  broker_message_unreadable: {
    severities: ['HIGH'],
    meaning: 'The broker said something of an order or a position that cannot be read; the book lacks it.',
    action: 'Compare the book with IB.',
    command: reconcile,
  },
  broker_lists_back: {
    severities: ['INFO'],
    meaning: "Orders and positions are compared with the broker's lists again.",
    action: 'Nothing.',
    command: status,
    ends: ['broker_lists_late'],
  },
  broker_lists_late: {
    severities: ['HIGH'],
    meaning: "A streamer that is connected does not compare orders and positions with the broker's lists.",
    action: 'Look why in its log; until then the book may be behind the broker.',
    command: status,
    endedBy: '`broker_lists_back`',
  },
  cancel_foreign_order: {
    severities: ['MEDIUM'],
    meaning: 'A cancel was asked for an order of another API client; IB lets nobody else cancel it.',
    action: 'Cancel it in TWS, or where it was placed.',
    command: orders,
  },
  cancel_not_open: {
    severities: ['INFO'],
    meaning: 'A cancel was asked for an order that is not open any more. Nothing was sent.',
    action: 'Nothing, if the order has ended as it should.',
    command: orders,
  },
  command_expired: {
    severities: ['MEDIUM'],
    meaning: 'A command came later than it was valid. Nothing was sent.',
    action: 'Send it again if it is still meant; look why the queue was late.',
    command: status,
  },
  command_foreign: {
    severities: ['MEDIUM'],
    meaning: 'A command for another account came to this streamer. It was not carried out.',
    action: 'Send it to the queue of that account’s streamer.',
    command: status,
  },
  command_malformed: {
    severities: ['MEDIUM'],
    meaning: 'The command queue brought what is no command. Nothing was done.',
    action: 'Correct whoever sent it: docs/orders-out.md has the form.',
    command: 'evenkeel logs streamer --since 1h',
  },
  discrepancy_escalated: {
    severities: ['HIGH'],
    meaning: 'A difference of broker and book has stood for several runs; nothing more is done by itself.',
    action: 'Settle it, or acknowledge it.',
    command: 'evenkeel reconcile show latest --account {account}',
    byType: unstaged,
    endedBy: '`discrepancy.resolved`',
  },
  drill_failed: {
    severities: ['CRITICAL'],
    meaning: 'The weekly practice of a restore failed: the backup may not bring back the book.',
    action: 'Read the backup back, and make another one.',
    command: 'evenkeel backups verify --all',
    endedBy: '`drill.completed` that went well',
  },
  duplicate_submission_blocked: {
    severities: ['INFO'],
    meaning: 'A command came twice under one key; the second one was not sent. Idempotency works.',
    action: 'Nothing.',
    command: orders,
  },
  event_refused: {
    severities: ['HIGH'],
    meaning: 'An event can never be booked. It lies in the dead-letter queue of the book with its reason.',
    action: 'Read the reason; compare the book with IB.',
    command: reconcile,
  },
  event_unpublishable: {
    severities: ['HIGH', 'CRITICAL'],
    meaning: 'The bus or the queue of the book will never take an event; CRITICAL where the book lacks it.',
    action: 'Compare the book with IB; the event lies in the outbox’s table `dead`.',
    command: reconcile,
  },
  execution_noisy: {
    severities: ['MEDIUM'],
    meaning: 'IB told one execution with two contents. The first is kept.',
    action: 'Compare it with the statement.',
    command: 'evenkeel fills --since 1d --account {account}',
  },
  executions_gap: {
    severities: ['HIGH'],
    meaning: 'For some time executions could not be seen; IB tells only those of the day.',
    action: 'Compare with IB’s statement for that time.',
    command: reconcile,
  },
  fill_busted: {
    severities: ['HIGH'],
    meaning: 'IB took back a fill: it did not happen, and the position is smaller by it.',
    action: 'Check what was hedged against it.',
    command: 'evenkeel positions --account {account}',
  },
  fill_corrected: {
    severities: ['INFO'],
    meaning: 'IB corrected a fill. The book has the new figures.',
    action: 'Nothing, unless a strategy rests on the old ones.',
    command: 'evenkeel fills --since 1d --account {account}',
  },
  heartbeat_back: {
    severities: ['INFO'],
    meaning: 'A streamer that was away writes heartbeats again.',
    action: 'Nothing: it asks the broker for what it missed.',
    command: status,
    ends: ['heartbeat_missing'],
  },
  heartbeat_missing: {
    severities: ['CRITICAL'],
    meaning: 'A streamer writes no heartbeat: nobody takes in fills, sends orders or guards stops.',
    action: 'Look at its task and its log. Stops that are at the broker stay there.',
    command: status,
    endedBy: '`heartbeat_back`',
  },
  kill_switch_triggered: {
    severities: ['CRITICAL'],
    meaning: 'Trading is halted, by a person or by a loss limit. Working orders stay at the broker.',
    action: 'Look at positions and orders; go on by `evenkeel resume --reason …` when it is right again.',
    command: 'evenkeel positions --account {account}',
    endedBy: '`trading_resumed`',
  },
  lease_lost: {
    severities: ['HIGH'],
    meaning: 'A streamer lost its lease and has closed its link to the gateway.',
    action: 'See whether another one holds it; if none does, look at the control table and the network.',
    command: status,
  },
  liquidation_fill: {
    severities: ['CRITICAL'],
    meaning: 'The broker closed a position itself: margin, or the end of a contract.',
    action: 'Look at margin and positions at once.',
    command: 'evenkeel balances --account {account}',
  },
  order_blocked_safe_mode: {
    severities: ['INFO'],
    meaning: 'An order was not sent because SAFE_MODE is on. This is expected.',
    action: 'Switch SAFE_MODE off to trade.',
    command: 'evenkeel flags --account {account}',
  },
  order_error_unmatched: {
    severities: ['INFO'],
    meaning: 'IB answered an error for an order that it never showed.',
    action: 'If it was to be placed, it was refused: place it again if it is still meant.',
    command: orders,
  },
  order_never_accepted: {
    severities: ['INFO'],
    meaning: 'IB showed an order without accepting it, and has it in no list.',
    action: 'Place it again if it is still meant.',
    command: orders,
  },
  order_partly_refused: {
    severities: ['CRITICAL'],
    meaning: 'Of a bracket the broker refused a part and has the rest: what that fills may be unprotected.',
    action: 'Cancel the rest, or place what is missing.',
    command: orders,
  },
  order_unidentified: {
    severities: ['INFO'],
    meaning: 'An order has no permId yet, so it is not in the book.',
    action: 'Nothing, unless it stays so.',
    command: orders,
  },
  order_unknown: {
    severities: ['INFO'],
    meaning: 'IB sent the status of an order that none of its lists has.',
    action: 'Look for it in TWS.',
    command: orders,
  },
  order_unresolved: {
    severities: ['CRITICAL', 'INFO'],
    meaning:
      'Whether an order is at the broker is not known: CRITICAL for one that we sent, INFO for one that IB does not list any more.',
    action:
      'Look for it in TWS. It is not sent again. One that IB does not list any more, and of which you know how it ended: give it its end.',
    command: orders,
  },
  orphaned_child: {
    severities: ['HIGH'],
    meaning: 'A stop or target works on although what it was to close is gone: a fill would open a position.',
    action: 'Let reconcile stage its cancel, or cancel it now.',
    command: 'evenkeel order cancel {id} --account {account}',
  },
  outbox_unwritable: {
    severities: ['CRITICAL'],
    meaning:
      'The disk of a streamer does not take what it writes: it is full, or fails. The streamer has ended, no order leaves, and it cannot start.',
    action:
      'Make room on its disk, or replace the task: the next one asks the broker for what this one could not write.',
    command: 'evenkeel logs streamer --since 1h',
  },
  overfill_quarantined: {
    severities: ['CRITICAL'],
    meaning: 'More was filled than was ordered. The surplus is put aside and not counted.',
    action: 'Compare the executions with TWS.',
    command: 'evenkeel fills --since 1d --account {account}',
  },
  plan_cancel_interrupted: {
    severities: ['HIGH'],
    meaning: 'A plan was interrupted while it sent a cancel, which may have reached the broker or not.',
    action: 'Look at the order; if it works on, the next reconcile stages its cancel anew.',
    command: orders,
  },
  plan_failed: {
    severities: ['HIGH'],
    meaning: 'A plan could not be carried out to its end, or is not what was approved.',
    action: 'Read how far it came, then run a reconcile.',
    command: 'evenkeel plan show {id} --account {account}',
  },
  position_protected: {
    severities: ['INFO'],
    meaning: 'A position that was unprotected has its stop, or is closed.',
    action: 'Nothing.',
    command: 'evenkeel positions --account {account}',
    ends: ['unprotected_position'],
  },
  protection_bound_reached: {
    severities: ['HIGH'],
    meaning: 'So many positions lack their stops that not each is watched by itself.',
    action: 'A reconcile lists them all.',
    command: reconcile,
  },
  protection_unknown: {
    severities: ['HIGH'],
    meaning: 'Whether positions are protected is not known: the broker did not tell its lists whole.',
    action: 'Look at the stops in TWS.',
    command: status,
  },
  reconcile_failed: {
    severities: ['HIGH'],
    meaning: 'A run of reconcile failed. The system enters SAFE_MODE and trading is locked.',
    action: 'Read the run; restore from a backup only if the book is damaged.',
    command: 'evenkeel reconcile show latest --account {account}',
    endedBy: untilReconciled,
  },
  reconcile_late: {
    severities: ['HIGH'],
    meaning: 'No reconcile has judged for too long: all were postponed, refused or skipped, or none came.',
    action: 'Look at the last runs and their reasons, and run one.',
    command: 'evenkeel reconcile runs --account {account}',
    endedBy: '`reconcile_on_time`',
  },
  reconcile_on_time: {
    severities: ['INFO'],
    meaning: 'A reconcile has compared broker and book again.',
    action: 'Nothing.',
    command: status,
    ends: ['reconcile_late'],
  },
  settled_order_working: {
    severities: ['CRITICAL'],
    meaning:
      'IB tells an order as working that a person had given its end. It counts as open again, and may fill.',
    action: 'Look for it in TWS, and cancel it if it is not wanted.',
    command: 'evenkeel orders show {id} --account {account}',
  },
  tracker_bound_reached: {
    severities: ['HIGH'],
    meaning: 'A bound of the order tracker is reached; what is over it is looked at less closely.',
    action: 'Read the message; a reconcile compares everything.',
    command: reconcile,
  },
  tracker_memory_unreadable: {
    severities: ['MEDIUM'],
    meaning: 'What the tracker remembered of orders cannot be read. It asks the broker again.',
    action: 'Run a reconcile when it is synchronised.',
    command: reconcile,
  },
  trading_resumed: {
    severities: ['INFO'],
    meaning: 'Trading is no longer halted.',
    action: 'Nothing.',
    command: status,
    ends: ['kill_switch_triggered'],
  },
  unprotected_position: {
    severities: ['CRITICAL'],
    meaning: 'A position has no working stop for its whole size.',
    action: 'Place a stop, or close the position; the message has both commands.',
    command: 'evenkeel positions --account {account}',
    endedBy: '`position_protected`',
  },
  watchdog_failed: {
    severities: ['HIGH'],
    meaning: 'The watchdog could not look at an account several times in a row.',
    action: 'Look at the tables, the bus and the role of the function.',
    command: 'evenkeel logs watchdog --since 1h',
  },
} as const satisfies Record<string, AlertType>;

/** What the desk of alerts raises of itself. */
export const ownAlerts = {
  alert_bound_reached: {
    severities: ['INFO', 'MEDIUM', 'HIGH', 'CRITICAL'],
    meaning:
      'More alerts are open than the desk holds one by one. The others are counted by kind in this one, which is as severe as the worst of them.',
    action: 'Acknowledge or settle what is open; the log of the function has every alert.',
    command: 'evenkeel alerts',
  },
  alert_channel_failing: {
    severities: ['HIGH'],
    meaning: 'A channel does not take its messages. They wait; the other channels go on.',
    action: 'Look at its address and key in the secret, and at the service; then send it a test.',
    command: 'evenkeel alerts test {id}',
    endedBy: 'the next message that it takes',
  },
} as const satisfies Record<string, AlertType>;

export const alertTypes: Readonly<Record<string, AlertType>> = {
  ...raisedAlerts,
  ...eventAlerts,
  ...ownAlerts,
};

/** One that an older or newer sender raises: it is told as it comes. */
const unknownType: AlertType = {
  severities: ['INFO'],
  meaning: 'The sender is of another version: docs/alerts.md does not have this alert.',
  action: 'Read the message.',
  command: 'evenkeel status --account {account}',
};

export function alertType(alert: string): AlertType {
  return Object.hasOwn(alertTypes, alert) ? alertTypes[alert]! : unknownType;
}

/** What nothing ends is a thing that happened: when it comes again, it is another one. */
export function hasEnd(alert: string): boolean {
  return alertType(alert).endedBy !== undefined;
}

/** What to do about an alert: that of its kind, or of the type that its subject names. */
export function adviceFor({ alert, subject }: Pick<AlertNews, 'alert' | 'subject'>): Advice {
  const type = alertType(alert);
  const [name = ''] = subject.split(':');
  const { byType = {} } = type;
  return (Object.hasOwn(byType, name) ? byType[name] : undefined) ?? type;
}

/** The command that acts, for a stage and an alert. */
export function commandFor({
  alert,
  account,
  subject,
}: Pick<AlertNews, 'alert' | 'account' | 'subject'>): string {
  const text = adviceFor({ alert, subject })
    .command.replaceAll(
      account === '*' ? ' --account {account}' : '{account}',
      account === '*' ? '' : account,
    )
    .replaceAll('{subject}', subject);
  // It is typed into a shell: a subject that is more than a plain word is left for the person.
  const id = subject.split(' ').at(-1) ?? '';
  return text.replaceAll('{id}', /^[\w.:@-]+$/.test(id) ? id : '…');
}
