import { describe, expect, it } from 'vitest';
import { SafetyStore } from '../../../lib/aws/safety-store.ts';
import { firstFlags, flagPresets, readFlags } from '../../../lib/domain/safety/flags.ts';
import { readLock } from '../../../lib/domain/safety/lock.ts';
import type { AuditCause } from '../../../lib/ports/book.ts';
import { MemoryBook } from '../../helpers/memory-book.ts';

const me = { who: 'arn:aws:iam::1:user/me', reason: 'first paper day', command: 'flags preset stage' };
const cause: AuditCause = { kind: 'reconcile', id: 'run-1', name: 'reconcile COMPLETED', reason: '' };

function createStore(book = new MemoryBook()) {
  return { book, store: new SafetyStore({ book, nowMs: () => 0 }) };
}

class SilentBook extends MemoryBook {
  override async read(): Promise<never> {
    throw new TypeError('no answer');
  }
}

class BusyBook extends MemoryBook {
  override async commit() {
    return 'conflict' as const;
  }
}

describe('flags', () => {
  it('before anybody has set one: dry run and safe mode', async () => {
    expect(await createStore().store.flags('DU1')).toMatchObject({
      source: 'first',
      flags: { DRY_RUN: true, SAFE_MODE: true, DRY_RUN_CONFIRM: false, FORCE_SYNC_DELETE: false },
    });
  });

  it('a change is one transaction with who and why, and what it does not name stays', async () => {
    const { book, store } = createStore();
    await store.setFlags('DU1', { FORCE_SYNC_DELETE: true }, me);
    expect(await store.setFlags('DU1', flagPresets.stage, me)).toMatchObject({
      result: 'changed',
      before: { DRY_RUN: true },
      after: { DRY_RUN: false, SAFE_MODE: false, FORCE_SYNC_DELETE: true },
    });
    expect(await store.flags('DU1')).toMatchObject({
      source: 'stored',
      changedBy: me.who,
      reason: me.reason,
    });
    expect(book.changes.at(-1)).toMatchObject({
      writer: 'operator',
      cause: {
        kind: 'operator',
        id: me.who,
        name: 'flags preset stage DRY_RUN=false SAFE_MODE=false DRY_RUN_CONFIRM=false',
        reason: me.reason,
      },
    });
  });

  it('a change that changes nothing writes nothing; the first word is written in any case', async () => {
    const { book, store } = createStore();
    expect(await store.setFlags('DU1', { SAFE_MODE: true }, me)).toMatchObject({ result: 'changed' });
    expect(await store.setFlags('DU1', { SAFE_MODE: true }, me)).toMatchObject({ result: 'unchanged' });
    expect(book.changes).toHaveLength(1);
  });

  it.each([
    ['no body of flags', { DRY_RUN: false }],
    ['text for true', { ...firstFlags, SAFE_MODE: 'false' }],
  ])('%s counts as SAFE_MODE, and says why', (_what, body) => {
    const { flags, source, problem } = readFlags(body);
    expect({ flags, source }).toEqual({ flags: firstFlags, source: 'unreadable' });
    expect(problem).toContain('SAFE_MODE');
  });

  it('a malformed set is mended by setting flags', async () => {
    const { book, store } = createStore();
    await book.commit({
      account: 'DU1',
      writer: 'x',
      cause,
      atMs: 0,
      orderKey: '',
      writes: [{ ref: { kind: 'flags', id: '' }, expectedVersion: 0, body: { DRY_RUN: 'no' } }],
    });
    await store.setFlags('DU1', flagPresets['dry-run'], me);
    expect(await store.flags('DU1')).toMatchObject({ source: 'stored', flags: { SAFE_MODE: true } });
  });

  it('a book that does not answer counts as SAFE_MODE, and says why', async () => {
    const { store } = createStore(new SilentBook());
    expect(await store.flags('DU1')).toMatchObject({
      source: 'unreadable',
      flags: firstFlags,
      problem: 'TypeError: no answer',
    });
    expect(await store.lock('DU1')).toMatchObject({ source: 'unreadable', state: 'locked' });
  });

  it('needs a name and a reason', async () => {
    const { store } = createStore();
    for (const by of [
      { ...me, reason: ' ' },
      { ...me, who: '' },
    ]) {
      await expect(store.setFlags('DU1', { DRY_RUN: false }, by)).rejects.toMatchObject({
        code: 'CHANGE_REASON_MISSING',
      });
    }
  });

  it('gives up where somebody else is always faster, and says so', async () => {
    const { store } = createStore(new BusyBook());
    await expect(store.setFlags('DU1', { DRY_RUN: false }, me)).rejects.toMatchObject({
      code: 'SAFETY_CONTENTION',
    });
  });
});

describe('the reconcile lock', () => {
  const open = { state: 'open', reason: 'reconciled', runId: 'run-1', token: 7 } as const;

  it('is locked before anybody has said otherwise', async () => {
    expect(await createStore().store.lock('DU1')).toMatchObject({
      state: 'locked',
      source: 'first',
      token: 0,
    });
  });

  it('opens and locks with reason, run and token, each with its audit row', async () => {
    const { book, store } = createStore();
    const by = { writer: 'reconcile', cause };
    expect(await store.setLock('DU1', open, by)).toBe('changed');
    expect(await store.setLock('DU1', open, by)).toBe('unchanged');
    expect(await store.lock('DU1')).toMatchObject({ ...open, source: 'stored', changedBy: 'run-1' });
    expect(await store.setLock('DU1', { ...open, state: 'locked', token: 8 }, by)).toBe('changed');
    expect(book.changes.map(({ writer }) => writer)).toEqual(['reconcile', 'reconcile']);
  });

  it('a word with an older token comes too late', async () => {
    const { store } = createStore();
    const by = { writer: 'reconcile', cause };
    await store.setLock('DU1', { ...open, state: 'locked', token: 8 }, by);
    expect(await store.setLock('DU1', open, by)).toBe('stale');
    expect(await store.lock('DU1')).toMatchObject({ state: 'locked', token: 8 });
  });

  it('what is no lock is locked', () => {
    expect(readLock({ state: 'ajar' })).toMatchObject({ state: 'locked', source: 'unreadable' });
  });
});
