import { describe, expect, it } from 'vitest';
import type { StatusShown } from '../../../console/wire/shapes.ts';
import { tradingVerdict } from '../../../console/wire/trading-verdict.ts';
import { flagsOf, open, status } from '../../helpers/console-status.ts';

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
    expect(
      tradingVerdict(status({ lock, reconcile: { state: null, plan, lost: false } })).obstacles,
    ).toMatchObject([{ view: 'plan' }]);
  });

  it('a plan that waits and a critical discrepancy are both named, whichever the lock speaks of', () => {
    const plan = { state: 'staged' };
    const state = { last: { severities: { CRITICAL: 1 } } };
    const both = { state, plan } as never;
    const lockedBy = (reason: string) =>
      tradingVerdict(status({ lock: { ...open, state: 'locked', reason }, reconcile: both })).obstacles;
    expect(lockedBy('a plan of 2 actions waits for approval')).toMatchObject([
      { what: expect.stringContaining('a plan of 2 actions'), view: 'plan' },
      { what: 'The last run found 1 CRITICAL discrepancy, which locks as well', view: 'reconcile' },
    ]);
    expect(lockedBy('CRITICAL NAKED_POSITION of position 1')).toMatchObject([
      { what: expect.stringContaining('NAKED_POSITION'), view: 'reconcile' },
      { what: 'A plan waits for approval, which locks as well', view: 'plan' },
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
