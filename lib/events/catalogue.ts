/**
 * The event catalogue: every event that Evenkeel puts on the bus, with its schema, and when it is sent. Names are
 * `<noun>.<past participle>`, the noun in kebab-case. An example of each lies in `examples/<name>.v1.json` (dots as
 * dashes). Within a version, fields may be added, never removed or changed; readers ignore what they do not know.
 */
import type * as z from 'zod';
import { alertRaised } from './alert-raised.ts';
import { backpressureDetected } from './backpressure-detected.ts';
import { backupCompleted } from './backup-completed.ts';
import { balanceChanged } from './balance-changed.ts';
import { candleCompleted } from './candle-completed.ts';
import { candleCorrected } from './candle-corrected.ts';
import { circuitBreakerTriggered } from './circuit-breaker-triggered.ts';
import { commandAnswered } from './command-answered.ts';
import { commissionReceived } from './commission-received.ts';
import { discrepancyOpened } from './discrepancy-opened.ts';
import { discrepancyResolved } from './discrepancy-resolved.ts';
import { drillCompleted } from './drill-completed.ts';
import { feedChanged } from './feed-changed.ts';
import { fillReceived } from './fill-received.ts';
import { gapAbandoned } from './gap-abandoned.ts';
import { gapDetected } from './gap-detected.ts';
import { gapFilled } from './gap-filled.ts';
import { gatewayConnected } from './gateway-connected.ts';
import { gatewayDisconnected } from './gateway-disconnected.ts';
import { instrumentResolved } from './instrument-resolved.ts';
import { loginAwaited } from './login-awaited.ts';
import { orderCancelled } from './order-cancelled.ts';
import { orderChanged } from './order-changed.ts';
import { orderFilled } from './order-filled.ts';
import { orderPlaced } from './order-placed.ts';
import { orderRejected } from './order-rejected.ts';
import { planApplied } from './plan-applied.ts';
import { planApproved } from './plan-approved.ts';
import { planRefused } from './plan-refused.ts';
import { planStaged } from './plan-staged.ts';
import { positionChanged } from './position-changed.ts';
import { reconcileCompleted } from './reconcile-completed.ts';
import { safeModeEntered } from './safe-mode-entered.ts';
import { safeModeLeft } from './safe-mode-left.ts';
import { sessionChanged } from './session-changed.ts';
import { snapshotTaken } from './snapshot-taken.ts';
import { tickLate } from './tick-late.ts';
import { tickReceived } from './tick-received.ts';

interface CatalogueEntry {
  /** Schema of the envelope's `data`. */
  readonly schema: z.ZodObject;
  readonly version: 1;
  /** When it is sent, for the documentation. */
  readonly when: string;
  /** What earlier systems called it, so that a team that comes from one finds its way. */
  readonly seedNames: readonly string[];
}

export const catalogue = {
  'tick.received': {
    schema: tickReceived,
    version: 1,
    when: 'A print or quote came. Sampled, and off by default (`marketData.tickSampling`).',
    seedNames: ['TICK_RECEIVED', 'tick_received'],
  },
  'candle.completed': {
    schema: candleCompleted,
    version: 1,
    when: 'A bar was closed for the first time: by the timer after its grace, as a flat bar, or from backfill.',
    seedNames: ['CANDLE_COMPLETED', 'candle_completed'],
  },
  'candle.corrected': {
    schema: candleCorrected,
    version: 1,
    when: 'A published bar has new numbers: a late print, or backfill of a partial bar.',
    seedNames: [],
  },
  'tick.late': {
    schema: tickLate,
    version: 1,
    when: 'A print came later than the correction window; it changes no bar.',
    seedNames: [],
  },
  'gap.detected': {
    schema: gapDetected,
    version: 1,
    when: 'Bars may be missing: start, restart, outage, or a jump of the cumulative volume.',
    seedNames: [],
  },
  'gap.filled': {
    schema: gapFilled,
    version: 1,
    when: 'Historical bars closed a gap.',
    seedNames: [],
  },
  'gap.abandoned': {
    schema: gapAbandoned,
    version: 1,
    when: 'Backfill gave up on a gap after its attempts.',
    seedNames: [],
  },
  'gateway.connected': {
    schema: gatewayConnected,
    version: 1,
    when: 'The session with IB Gateway is up.',
    seedNames: ['WEBSOCKET_CONNECTED', 'websocket_connected'],
  },
  'gateway.disconnected': {
    schema: gatewayDisconnected,
    version: 1,
    when: 'The session with IB Gateway ended.',
    seedNames: ['WEBSOCKET_DISCONNECTED', 'websocket_disconnected'],
  },
  'session.changed': {
    schema: sessionChanged,
    version: 1,
    when: 'The session supervisor moved to another state.',
    seedNames: [],
  },
  'feed.changed': {
    schema: feedChanged,
    version: 1,
    when: "An instrument's market data moved to another state.",
    seedNames: [],
  },
  'backpressure.detected': {
    schema: backpressureDetected,
    version: 1,
    when: 'The tick buffer or the outbox passed its alert level, or ticks were dropped.',
    seedNames: ['live_data_backpressure_drop'],
  },
  'safe-mode.entered': {
    schema: safeModeEntered,
    version: 1,
    when: 'The streamer entered its own safe mode.',
    seedNames: ['SAFE_MODE_ENTERED', 'safe_mode_entered'],
  },
  'safe-mode.left': {
    schema: safeModeLeft,
    version: 1,
    when: 'The streamer left its own safe mode.',
    seedNames: [],
  },
  'circuit-breaker.triggered': {
    schema: circuitBreakerTriggered,
    version: 1,
    when: 'Too many attempts to connect failed in a row.',
    seedNames: ['CIRCUIT_BREAKER_TRIGGERED', 'circuit_breaker_triggered'],
  },
  'login.awaited': {
    schema: loginAwaited,
    version: 1,
    when: 'The weekly login is missing: when that is found, and every 15 minutes until a person has logged in.',
    seedNames: [],
  },
  'instrument.resolved': {
    schema: instrumentResolved,
    version: 1,
    when: 'A configured symbol was resolved to a contract, at start and at a roll.',
    seedNames: [],
  },
  'order.placed': {
    schema: orderPlaced,
    version: 1,
    when: 'An order is seen for the first time and lives.',
    seedNames: ['ORDER_PLACED', 'order_placed'],
  },
  'order.changed': {
    schema: orderChanged,
    version: 1,
    when: 'Terms or state of a living order changed.',
    seedNames: [],
  },
  'order.filled': {
    schema: orderFilled,
    version: 1,
    when: 'An order is filled as a whole; each of its fills is an event of its own.',
    seedNames: ['ORDER_FILLED', 'order_filled'],
  },
  'order.cancelled': {
    schema: orderCancelled,
    version: 1,
    when: 'An order ended by cancel or expiry, unfilled or filled in part.',
    seedNames: [],
  },
  'order.rejected': {
    schema: orderRejected,
    version: 1,
    when: 'IB refused an order.',
    seedNames: ['ORDER_REJECTED', 'order_rejected'],
  },
  'fill.received': {
    schema: fillReceived,
    version: 1,
    when: 'An execution, its correction or its bust was reported for the first time.',
    seedNames: [],
  },
  'command.answered': {
    schema: commandAnswered,
    version: 1,
    when: 'A trading command was accepted, denied, rejected or is ambiguous; one whose fate was unknown is answered again.',
    seedNames: [],
  },
  'commission.received': {
    schema: commissionReceived,
    version: 1,
    when: 'The cost of an execution became known.',
    seedNames: [],
  },
  'position.changed': {
    schema: positionChanged,
    version: 1,
    when: 'A position at IB is another than the last one told; zeros included.',
    seedNames: [],
  },
  'balance.changed': {
    schema: balanceChanged,
    version: 1,
    when: 'Cash of a currency at IB is another than the last one told.',
    seedNames: [],
  },
  'snapshot.taken': {
    schema: snapshotTaken,
    version: 1,
    when: 'A snapshot that a command asked for lies in the bucket.',
    seedNames: [],
  },
  'reconcile.completed': {
    schema: reconcileCompleted,
    version: 1,
    when: 'A run of reconcile has ended, however it ended. A notice.',
    seedNames: [],
  },
  'discrepancy.opened': {
    schema: discrepancyOpened,
    version: 1,
    when: 'Broker and book differ in something that the run before did not find. A notice.',
    seedNames: [],
  },
  'discrepancy.resolved': {
    schema: discrepancyResolved,
    version: 1,
    when: 'They agree again about it. A notice.',
    seedNames: [],
  },
  'plan.staged': {
    schema: planStaged,
    version: 1,
    when: 'A plan lies ready for review; it replaces the one before. A notice.',
    seedNames: [],
  },
  'plan.approved': {
    schema: planApproved,
    version: 1,
    when: 'A person, or the policy of `auto_sync`, has approved a plan. A notice.',
    seedNames: [],
  },
  'plan.applied': {
    schema: planApplied,
    version: 1,
    when: 'Every action of a plan is carried out. A notice.',
    seedNames: [],
  },
  'plan.refused': {
    schema: planRefused,
    version: 1,
    when: 'What was asked of a plan was not done. A notice.',
    seedNames: [],
  },
  'backup.completed': {
    schema: backupCompleted,
    version: 1,
    when: 'A backup is whole: its manifest has been written. A notice, of the whole stage.',
    seedNames: [],
  },
  'drill.completed': {
    schema: drillCompleted,
    version: 1,
    when: 'A restore drill has ended, well or not. A notice, of the whole stage.',
    seedNames: [],
  },
  'alert.raised': {
    schema: alertRaised,
    version: 1,
    when: 'Something happened that a person should know.',
    seedNames: [],
  },
} as const satisfies Record<string, CatalogueEntry>;

export type EventName = keyof typeof catalogue;

/** The `data` of one event. */
export type EventData<N extends EventName> = z.infer<(typeof catalogue)[N]['schema']>;

export const eventNames = Object.keys(catalogue) as readonly EventName[];

/** True for the name of a catalogued event; a reserved name is none yet. */
export function isEventName(text: string): text is EventName {
  return Object.hasOwn(catalogue, text);
}

/** Names that are kept free for events whose schema does not exist yet, with what earlier systems called them. */
export const reservedNames = {
  'setup.detected': ['SETUP_DETECTED', 'setup_detected'],
  'setup.invalidated': ['SETUP_INVALIDATED', 'setup_invalidated'],
} as const satisfies Record<string, readonly string[]>;
