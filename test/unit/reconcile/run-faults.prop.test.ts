import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BookItem } from '../../../lib/domain/book/item.ts';
import { type PlanRecord, type RunAnswer, runStatuses } from '../../../lib/domain/reconcile/records.ts';
import { loadPlan } from '../../../lib/reconcile/plan-store.ts';
import { runReconcile } from '../../../lib/reconcile/run.ts';
import { collect } from '../../helpers/dynamo-engine.ts';
import { type CallSteps, type PortCall, watched } from '../../helpers/port-calls.ts';
import { execute, ReconcileDesk, stage } from '../../helpers/reconcile-desk.ts';
import { account, minute } from '../../helpers/reconcile-world.ts';

interface Situation {
  readonly name: string;
  /** What has happened before the run that is disturbed. */
  readonly before: (desk: ReconcileDesk) => Promise<void>;
  readonly settings?: { readonly mode: string; readonly autoSync: string[] };
  /** Of a run that nothing disturbs. */
  readonly ends: Partial<RunAnswer>;
}

const autoSync = { mode: 'auto_sync', autoSync: ['UNKNOWN_ORDER', 'MISSING_FROM_BOOK'] };

const situations: readonly Situation[] = [
  {
    name: 'the very first run, with a position',
    before: async (desk) => {
      desk.world.position('2');
      await desk.flags(stage);
    },
    ends: { status: 'AWAITING_DRY_RUN_CONFIRM', plan_state: 'staged' },
  },
  {
    name: 'a clean match after another',
    before: async (desk) => {
      await desk.flags(stage);
      await desk.run();
    },
    ends: { status: 'COMPLETED', plan_state: '' },
  },
  {
    name: 'a plan that takes the place of another',
    before: async (desk) => {
      await desk.flags(stage);
      await desk.run();
      desk.world.open(30);
      await desk.run();
      desk.world.open(31);
    },
    ends: { status: 'AWAITING_DRY_RUN_CONFIRM', plan_state: 'staged' },
  },
  {
    name: 'a plan that the policy approves',
    before: async (desk) => {
      await desk.flags(execute);
      await desk.run();
      desk.world.open(30);
    },
    settings: autoSync,
    ends: { status: 'AWAITING_DRY_RUN_CONFIRM', plan_state: 'approved' },
  },
];

async function openDesk({ before }: Situation): Promise<ReconcileDesk> {
  const desk = ReconcileDesk.inMemory();
  desk.world.both(17);
  await desk.book();
  await before(desk);
  desk.events.length = 0;
  return desk;
}

const isReading = new Set(['book.read', 'book.all', 'snapshots.get', 'store.get', 'lastPrices.read']);
const request = { trigger: 'operator', by: 'anna' };
const run = (desk: ReconcileDesk, { settings = {} as never }: Situation, steps: CallSteps = {}) =>
  runReconcile(request, watched(desk.options({}, { ...settings }), steps));

const items = async (desk: ReconcileDesk, isOwn: boolean): Promise<BookItem[]> => {
  const own = ['run', 'plan', 'lock', 'flags'];
  return (await collect(desk.tables.book.all(account))).filter(({ ref }) => own.includes(ref.kind) === isOwn);
};

/** What holds after every run, whatever happened in it. */
async function expectWhole(desk: ReconcileDesk, what: string): Promise<PlanRecord[]> {
  const own = await items(desk, true);
  const plans = own.filter(({ ref }) => ref.kind === 'plan').map(({ body }) => body as unknown as PlanRecord);
  for (const record of plans) {
    const plan = await loadPlan(desk.store, record);
    expect(plan.actions, what).toHaveLength(record.actions);
  }
  const live = plans.filter(({ state }) => ['staged', 'approved', 'applying'].includes(state));
  expect(live.length, what).toBeLessThanOrEqual(1);
  const state = await desk.state();
  if (state !== undefined) {
    expect(runStatuses, what).toContain(state.last.status);
    expect([state.planHash, ''], what).toContain(live[0]?.hash ?? '');
    if (state.memory !== null) expect(desk.store.objects.has(state.memory.key), what).toBe(true);
  }
  expect((await desk.safety.lock(account)).source, what).not.toBe('unreadable');
  expect((await desk.safety.flags(account)).source, what).toBe('stored');
  return live;
}

async function callsOf(situation: Situation): Promise<PortCall[]> {
  const calls: PortCall[] = [];
  const note = async (call: PortCall) => {
    calls.push(call);
  };
  const desk = await openDesk(situation);
  desk.world.later();
  expect(await run(desk, situation, { before: note })).toMatchObject(situation.ends);
  return calls;
}

describe.each(situations)('a run with $name', (situation) => {
  it('whatever call fails, once or from then on, before or after its effect: safe, whole, and the next run goes on', async () => {
    const calls = await callsOf(situation);
    expect(calls.length).toBeGreaterThan(12);
    const faults = calls.flatMap(({ number, name }) => [
      { number, name, when: 'before', isLasting: false } as const,
      { number, name, when: 'before', isLasting: true } as const,
      // To who only reads it is the same when it fails.
      ...(isReading.has(name) ? [] : [{ number, name, when: 'after', isLasting: false } as const]),
    ]);
    const statuses = new Set<string>();
    for (const fault of faults) {
      const { number, name, when, isLasting } = fault;
      const what = JSON.stringify(fault);
      const desk = await openDesk(situation);
      const others = JSON.stringify(await items(desk, false));
      const flagsBefore = (await desk.safety.flags(account)).flags;
      const lockBefore = await desk.safety.lock(account);
      const fail = async (call: PortCall) => {
        const [port] = call.name.split('.');
        // A port that is gone is gone for all of its calls.
        const isIt =
          call.number === number || (isLasting && call.number > number && name.startsWith(`${port}.`));
        if (isIt) throw new Error('the port is gone');
      };
      desk.world.later();
      const answer = await run(desk, situation, { [when]: fail });
      statuses.add(answer.status);
      const { flags } = await desk.safety.flags(account);
      const lock = await desk.safety.lock(account);
      await expectWhole(desk, what);
      expect(JSON.stringify(await items(desk, false)), what).toBe(others);
      expect({ ...flags, SAFE_MODE: false }, what).toEqual(flagsBefore);
      if (answer.status === 'FAILED') {
        expect(answer.lock.state, what).toBe('locked');
        const isUnwritten = answer.reason.includes('set them by hand');
        // Only a book that stays away is not told: then nothing that this run wrote opens it either.
        expect(isUnwritten && !(isLasting && name.startsWith('book.')), what).toBe(false);
        if (!isUnwritten) expect([flags.SAFE_MODE, lock.state], what).toEqual([true, 'locked']);
        else if (lock.state === 'open' && when === 'before') expect(lock, what).toEqual(lockBefore);
        if (!name.startsWith('publisher.')) expect(desk.alerts(), what).toContain('reconcile_failed');
      } else {
        expect(answer, what).toMatchObject(situation.ends);
        expect([flags.SAFE_MODE, lock.state], what).toEqual([false, answer.lock.state]);
      }

      desk.world.later();
      const next = await run(desk, situation);
      const { plan_state: state } = situation.ends;
      // Under SAFE_MODE the policy approves nothing; what it had approved before stays approved and is not asked for.
      expect(next, what).toMatchObject({
        status: situation.ends.status,
        plan_state:
          flags.SAFE_MODE && state === 'approved' ? expect.stringMatching(/staged|approved/) : state,
        lock: { state: situation.ends.status === 'COMPLETED' ? 'open' : 'locked' },
      });
      await expectWhole(desk, what);
      expect(await desk.safety.lock(account), what).toMatchObject({ state: next.lock.state });
      expect((await desk.state()).last, what).toMatchObject({ runId: next.run_id, status: next.status });
      expect(await desk.runLocks.read(account), what).toMatchObject({ untilMs: 0 });
    }
    expect(statuses).toEqual(new Set([situation.ends.status, 'FAILED']));
  });

  it('at whatever call another run begins, in time or after the first one’s: one of them decides, and nobody fails', async () => {
    const calls = await callsOf(situation);
    for (const { number, name, key } of calls) {
      for (const passedMs of [0, 4 * minute]) {
        const what = `${number} ${name}, ${passedMs} ms`;
        const desk = await openDesk(situation);
        desk.world.later();
        let second: RunAnswer | undefined;
        const first = await run(desk, situation, {
          before: async (call) => {
            if (call.number !== number) return;
            desk.world.later(passedMs);
            second = await run(desk, situation);
          },
        });
        const answers = [first, second!];
        expect(
          answers.map(({ status }) => status),
          what,
        ).not.toContain('FAILED');
        const skipped = answers.filter(({ status }) => status === 'SKIPPED').map(({ code }) => code);
        expect(['', 'BUSY', 'FENCED'], what).toContain(skipped.join());
        await expectWhole(desk, what);
        const { last } = await desk.state();
        const decided = answers.find(({ run_id }) => run_id === last.runId);
        expect(decided?.status, what).toBe(last.status);
        expect(last.token, what).toBe((await desk.runLocks.read(account))?.token);
        expect(await desk.safety.lock(account), what).toMatchObject({ state: decided?.lock.state });
        expect((await desk.safety.flags(account)).flags.SAFE_MODE, what).toBe(false);
        expect(await desk.runLocks.read(account), what).toMatchObject({ untilMs: 0 });
        // The instant between the last look and the put itself is left.
        if (key.startsWith('latest/')) continue;
        const latest = desk.store.json('latest/DU1/reconcile_status.json');
        expect(latest, what).toMatchObject({ run_id: last.runId });
      }
    }
  });

  it('three at once, in every order of their calls: none overlaps another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const desk = await openDesk(situation);
        desk.world.later();
        const under = new Set<number>();
        let overlaps = 0;
        const runs = [1, 2, 3].map((which) =>
          run(desk, situation, {
            before: async ({ name }) => {
              await scheduler.schedule(Promise.resolve(), `${which} ${name}`);
              if (name !== 'sender.send') return;
              under.add(which);
              if (under.size > 1) overlaps += 1;
            },
            after: async ({ name }) => {
              if (name === 'runLocks.release') under.delete(which);
            },
          }),
        );
        await scheduler.waitFor(Promise.all(runs));
        const answers = await Promise.all(runs);
        expect(overlaps).toBe(0);
        for (const answer of answers) {
          if (answer.status === 'SKIPPED') expect(answer.code).toBe('BUSY');
          else expect(answer.status).toBe(situation.ends.status);
        }
        await expectWhole(desk, '');
        expect((await desk.safety.flags(account)).flags.SAFE_MODE).toBe(false);
        expect(await desk.runLocks.read(account)).toMatchObject({ untilMs: 0 });
      }),
      { numRuns: 25 },
    );
  });
});
