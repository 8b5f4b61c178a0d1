/** A status as the page is shown it, of a stage where nothing holds orders back. */
import type { StatusShown } from '../../console/wire/shapes.ts';
import { readFlags } from '../../lib/domain/safety/flags.ts';
import { firstLock } from '../../lib/domain/safety/lock.ts';

const told = { changedAt: '2026-01-05T14:00:00.000Z', changedBy: 'anna' };
export const open = { ...firstLock, state: 'open' as const, token: 7, source: 'stored' as const, ...told };
export const flagsOf = (changes: object = {}) =>
  readFlags({
    DRY_RUN: false,
    SAFE_MODE: false,
    DRY_RUN_CONFIRM: true,
    FORCE_SYNC_DELETE: false,
    reason: 'go',
    ...told,
    ...changes,
  });

export function status(changes: Partial<StatusShown> = {}): StatusShown {
  return {
    at: null,
    stage: 'paper',
    account: 'DU1',
    streamer: 'main',
    lease: { holder: 'a', token: 7, version: 1, renewedAtMs: 1, released: false },
    heartbeat: {
      epoch: 7,
      atMs: 1,
      phase: 'ready',
      ready: true,
      marketMs: 1,
      startedAtMs: 1,
      feeds: [],
      orders: { synced: true, syncedAtMs: 1 },
      outboxDepth: 0,
      bookDepth: 0,
    },
    alive: true,
    flags: flagsOf(),
    lock: open,
    trading: { mode: 'active', by: '', reason: '', at: '', source: 'first' },
    reconcile: { state: null, plan: null, lost: false },
    orders: { open: 0, all: 0 },
    positions: 0,
    queues: [],
    chains: [],
    alerts: { open: 0, untaken: 0, worst: null },
    restoring: null,
    ...changes,
  };
}
