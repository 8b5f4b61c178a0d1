import { describe, expect, it } from 'vitest';
import type { StatusShown } from '../../../console/wire/shapes.ts';
import { tradingVerdict } from '../../../console/wire/trading-verdict.ts';
import { readFlags } from '../../../lib/domain/safety/flags.ts';
import { firstLock } from '../../../lib/domain/safety/lock.ts';

const told = { changedAt: '2026-01-05T14:00:00.000Z', changedBy: 'anna' };
const open = { ...firstLock, state: 'open' as const, token: 7, source: 'stored' as const, ...told };
const flagsOf = (changes: object = {}) =>
  readFlags({
    DRY_RUN: false,
    SAFE_MODE: false,
    DRY_RUN_CONFIRM: true,
    FORCE_SYNC_DELETE: false,
    reason: 'go',
    ...told,
    ...changes,
  });

function status(changes: Partial<StatusShown> = {}): StatusShown {
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
    reconcile: { state: null, plan: null },
    orders: { open: 0, all: 0 },
    positions: 0,
    queues: [],
    chains: [],
    alerts: { open: 0, untaken: 0, worst: null },
    restoring: null,
    ...changes,
  };
}

const beat = status().heartbeat!;

describe('whether trading is unlocked, why not, and what to do', () => {
  it('it is where nothing holds it', () => {
    expect(tradingVerdict(status())).toEqual({ state: 'open', title: 'Trading is unlocked', obstacles: [] });
  });

  it.each([
    ['a streamer that was never heard', { heartbeat: null, alive: false }, 'never heard', 'overview'],
    ['a silent streamer', { alive: false }, 'no sign of life', 'overview'],
    [
      'a session that is not ready',
      { heartbeat: { ...beat, ready: false, phase: 'competing' } },
      'competing',
      'overview',
    ],
    ['no lease', { lease: null }, 'lease', 'overview'],
    [
      'SAFE_MODE',
      { flags: flagsOf({ SAFE_MODE: true, reason: 'gateway restarts' }) },
      'SAFE_MODE is on: gateway restarts',
      'flags',
    ],
    ['DRY_RUN', { flags: flagsOf({ DRY_RUN: true }) }, 'DRY_RUN', 'flags'],
    ['flags that cannot be read', { flags: flagsOf({ DRY_RUN: 'yes' }) }, 'cannot be read', 'flags'],
    [
      'a halt',
      { trading: { mode: 'halted', by: 'anna', reason: 'nonsense', at: 'x', source: 'stored' } },
      'halted: nonsense',
      'flags',
    ],
    [
      'a restore',
      { restoring: { restoring: 'db_backup_20260105_031500', startedAt: 'x' } },
      'being restored',
      'backups',
    ],
  ] as const)('%s stops it', (_, changes, words, view) => {
    const { state, obstacles } = tradingVerdict(status(changes as Partial<StatusShown>));
    expect(state).toBe('closed');
    expect(obstacles[0]).toMatchObject({ what: expect.stringContaining(words), view });
    expect(obstacles[0]?.next).not.toBe('');
  });

  it.each([
    [
      'a closed lock',
      { lock: { ...open, state: 'locked', reason: 'NAKED_POSITION' } },
      'NAKED_POSITION',
      'reconcile',
    ],
    [
      'a lock that was opened for an earlier epoch',
      { lock: { ...open, token: 6 } },
      'opened for epoch 6',
      'reconcile',
    ],
    [
      'reduce-only',
      { trading: { mode: 'reduce-only', by: 'a', reason: '', at: 'x', source: 'stored' } },
      'reduce-only',
      'flags',
    ],
  ] as const)('%s leaves only what reduces or protects', (_, changes, words, view) => {
    const { state, obstacles } = tradingVerdict(status(changes as Partial<StatusShown>));
    expect(state).toBe('reducing');
    expect(obstacles).toMatchObject([{ what: expect.stringContaining(words), view }]);
  });

  it('a plan that waits is what to do about a closed lock', () => {
    const plan = { state: 'staged' } as never;
    const lock = { ...open, state: 'locked' as const };
    expect(tradingVerdict(status({ lock, reconcile: { state: null, plan } })).obstacles).toMatchObject([
      { view: 'plan' },
    ]);
  });

  it('the worst comes first, and each is named', () => {
    const { state, obstacles } = tradingVerdict(
      status({
        alive: false,
        flags: flagsOf({ SAFE_MODE: true, DRY_RUN: true }),
        lock: { ...open, state: 'locked' },
      }),
    );
    expect(state).toBe('closed');
    expect(obstacles.map(({ view }) => view)).toEqual(['overview', 'flags', 'flags', 'reconcile']);
  });
});
