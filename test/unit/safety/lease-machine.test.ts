import { describe, expect, it } from 'vitest';
import {
  createLease,
  deadline,
  type Lease,
  type LeaseEffect,
  type LeaseInput,
  type LeaseState,
  type Moment,
  mayAct,
  step,
} from '../../../lib/domain/safety/lease-machine.ts';

const config = { holder: 'ours', ttlMs: 20_000, renewMs: 5_000 };
const theirs: Lease = { holder: 'theirs', token: 7, version: 40, renewedAtMs: 0, released: false };

/** One contender; both clocks go together unless a test sets one. */
class Desk {
  state: LeaseState = createLease(config);
  monotonicMs = 1_000;
  wallMs = 1_000_000;

  pass(ms: number): void {
    this.monotonicMs += ms;
    this.wallMs += ms;
  }

  feed(input: LeaseInput): readonly LeaseEffect[] {
    const { state, effects } = step(this.state, input, this.#now());
    this.state = state;
    return effects;
  }

  /** Takes a lease that nobody has. */
  acquire(): void {
    this.feed({ kind: 'contend', tokenFloor: 0 });
    this.feed({ kind: 'row', row: undefined });
    expect(this.feed({ kind: 'replaced', done: true })).toContainEqual({ kind: 'acquired', token: 1 });
  }

  mayAct(token = 1): boolean {
    return mayAct(this.state, token, this.#now());
  }

  #now(): Moment {
    return { monotonicMs: this.monotonicMs, wallMs: this.wallMs };
  }

  /** Lets the machine's next question come; gives the row that it wants to write. */
  renewal(): Lease {
    this.pass(5_000);
    const [effect] = this.feed({ kind: 'tick' });
    if (effect?.kind !== 'replace') throw new Error(`no renewal, but ${JSON.stringify(effect)}`);
    return effect.next;
  }
}

describe('a challenger', () => {
  it('takes a lease that nobody has ever had at once, above every epoch of its outbox', () => {
    const desk = new Desk();
    expect(desk.feed({ kind: 'contend', tokenFloor: 1_790_000_000 })).toEqual([{ kind: 'read' }]);
    const [effect] = desk.feed({ kind: 'row', row: undefined });
    expect(effect).toMatchObject({
      kind: 'replace',
      next: { holder: 'ours', token: 1_790_000_001, version: 1 },
    });
  });

  it.each([
    ['one that was given back', { ...theirs, released: true }],
    ['one that an earlier process with the same outbox held', { ...theirs, holder: 'ours' }],
  ])('takes %s at once', (_what, row) => {
    const desk = new Desk();
    desk.feed({ kind: 'contend', tokenFloor: 0 });
    const [effect] = desk.feed({ kind: 'row', row });
    expect(effect).toMatchObject({
      kind: 'replace',
      expected: row,
      next: { holder: 'ours', token: 8, version: 41 },
    });
  });

  it('waits until one version has stood for the whole time to live, and begins anew with every renewal', () => {
    const desk = new Desk();
    desk.feed({ kind: 'contend', tokenFloor: 0 });
    desk.feed({ kind: 'row', row: theirs });
    desk.pass(19_000);
    desk.feed({ kind: 'tick' });
    desk.feed({ kind: 'row', row: { ...theirs, version: 41 } });
    desk.pass(19_999);
    desk.feed({ kind: 'tick' });
    expect(desk.feed({ kind: 'row', row: { ...theirs, version: 41 } })).not.toContainEqual(
      expect.objectContaining({ kind: 'replace' }),
    );
    desk.pass(1);
    expect(desk.feed({ kind: 'tick' })).toEqual([{ kind: 'read' }]);
    expect(desk.feed({ kind: 'row', row: { ...theirs, version: 41 } })).toContainEqual(
      expect.objectContaining({ kind: 'replace', expected: { ...theirs, version: 41 } }),
    );
  });

  it('says who holds it at once, then once a minute', () => {
    const desk = new Desk();
    desk.feed({ kind: 'contend', tokenFloor: 0 });
    let version = 40;
    const told: number[] = [];
    for (let second = 0; second <= 125; second += 1) {
      // The holder lives: it renews every five seconds.
      if (second % 5 === 0) version += 1;
      const effects = desk.feed({ kind: 'row', row: { ...theirs, version } });
      if (effects.some(({ kind }) => kind === 'waiting')) told.push(second);
      desk.pass(1_000);
      desk.feed({ kind: 'tick' });
    }
    expect(told).toEqual([0, 60, 120]);
  });

  it('an attempt whose answer comes too late is not acted upon: its own row is taken once more', () => {
    const desk = new Desk();
    desk.feed({ kind: 'contend', tokenFloor: 0 });
    desk.feed({ kind: 'row', row: undefined });
    desk.pass(18_000);
    expect(desk.feed({ kind: 'replaced', done: true })).toEqual([]);
    expect(desk.mayAct()).toBe(false);
    desk.pass(1_000);
    expect(desk.feed({ kind: 'tick' })).toEqual([{ kind: 'read' }]);
  });
});

describe('a holder', () => {
  it('stops a tenth before the time to live, counted from before its last renewal was sent', () => {
    const desk = new Desk();
    desk.acquire();
    desk.renewal();
    // The answer takes its time: what counts is when it was sent.
    desk.pass(3_000);
    desk.feed({ kind: 'replaced', done: true });
    desk.pass(14_999);
    expect(desk.mayAct()).toBe(true);
    desk.pass(1);
    expect(desk.mayAct()).toBe(false);
    expect(desk.feed({ kind: 'tick' })).toContainEqual(expect.objectContaining({ kind: 'lost' }));
  });

  it('a machine that was suspended sees it by its wall clock', () => {
    const desk = new Desk();
    desk.acquire();
    desk.wallMs += 3_600_000;
    expect(desk.mayAct()).toBe(false);
    expect(desk.feed({ kind: 'tick' })).toContainEqual(expect.objectContaining({ kind: 'lost' }));
  });

  it('a wall clock that is set back changes nothing', () => {
    const desk = new Desk();
    desk.acquire();
    desk.wallMs -= 3_600_000;
    expect(desk.mayAct()).toBe(true);
    desk.monotonicMs += 18_000;
    expect(desk.mayAct()).toBe(false);
  });

  it('a renewal that is refused is the end at once', () => {
    const desk = new Desk();
    desk.acquire();
    desk.renewal();
    expect(desk.feed({ kind: 'replaced', done: false })).toEqual([
      { kind: 'lost', reason: 'another one has it' },
    ]);
    expect(desk.mayAct()).toBe(false);
    expect(deadline(desk.state)).toBe(Number.POSITIVE_INFINITY);
  });

  it('a table that does not answer is asked again until the deadline, and not beyond', () => {
    const desk = new Desk();
    desk.acquire();
    desk.renewal();
    let attempts = 1;
    for (;;) {
      const effects = desk.feed({ kind: 'failed', message: 'TimeoutError' });
      if (effects.some(({ kind }) => kind === 'lost')) break;
      expect(desk.mayAct()).toBe(true);
      desk.pass(deadline(desk.state) - desk.monotonicMs);
      const next = desk.feed({ kind: 'tick' });
      if (next.some(({ kind }) => kind === 'lost')) break;
      attempts += 1;
    }
    // Every 1.25 s from the first failure at 5 s to the deadline at 18 s.
    expect(attempts).toBe(11);
  });

  it('a renewal whose answer was lost does not cost the lease: the row tells that it stands', () => {
    const desk = new Desk();
    desk.acquire();
    const unanswered = desk.renewal();
    desk.feed({ kind: 'failed', message: 'socket hang up' });
    desk.pass(1_250);
    desk.feed({ kind: 'tick' });
    expect(desk.feed({ kind: 'replaced', done: false })).toEqual([{ kind: 'read' }]);
    const effects = desk.feed({ kind: 'row', row: unanswered });
    expect(effects).toEqual([expect.objectContaining({ kind: 'replace', expected: unanswered })]);
    expect(desk.mayAct()).toBe(true);
  });

  it('after a renewal without an answer, a row of somebody else is the end', () => {
    const desk = new Desk();
    desk.acquire();
    desk.renewal();
    desk.feed({ kind: 'failed', message: 'socket hang up' });
    desk.pass(1_250);
    desk.feed({ kind: 'tick' });
    desk.feed({ kind: 'replaced', done: false });
    expect(desk.feed({ kind: 'row', row: theirs })).toEqual([{ kind: 'lost', reason: 'theirs has it' }]);
  });

  it('gives it back so that the next one need not wait', () => {
    const desk = new Desk();
    desk.acquire();
    const effects = desk.feed({ kind: 'release' });
    expect(effects).toEqual([
      expect.objectContaining({ kind: 'replace', next: expect.objectContaining({ released: true }) }),
    ]);
    expect(desk.mayAct()).toBe(false);
    expect(desk.feed({ kind: 'replaced', done: true })).toEqual([{ kind: 'released', clean: true }]);
  });

  it('a renewal on its way when it is to be given back is waited for', () => {
    const desk = new Desk();
    desk.acquire();
    const renewal = desk.renewal();
    expect(desk.feed({ kind: 'release' })).toEqual([]);
    expect(desk.feed({ kind: 'replaced', done: true })).toEqual([
      expect.objectContaining({
        kind: 'replace',
        expected: renewal,
        next: expect.objectContaining({ released: true }),
      }),
    ]);
  });

  it('gives up giving back when the table does not answer: the time to live ends it', () => {
    const desk = new Desk();
    desk.acquire();
    let effects = desk.feed({ kind: 'release' });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(effects).toHaveLength(1);
      effects = desk.feed({ kind: 'failed', message: 'TimeoutError' });
      if (effects.length > 0) break;
      desk.pass(1_250);
      effects = desk.feed({ kind: 'tick' });
    }
    expect(effects).toEqual([{ kind: 'released', clean: false }]);
  });

  it('of a term that is over may not act under the token of the next one', () => {
    const desk = new Desk();
    desk.acquire();
    desk.pass(18_000);
    desk.feed({ kind: 'tick' });
    desk.feed({ kind: 'contend', tokenFloor: 1 });
    desk.feed({
      kind: 'row',
      row: { holder: 'ours', token: 1, version: 1, renewedAtMs: 0, released: false },
    });
    expect(desk.feed({ kind: 'replaced', done: true })).toContainEqual({ kind: 'acquired', token: 2 });
    expect(desk.mayAct(1)).toBe(false);
    expect(desk.mayAct(2)).toBe(true);
  });
});
