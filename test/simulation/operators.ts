/** What people do to a desk: flags, decisions on plans, a hand in the book. */
import { bookRefOf } from '../../lib/aws/keys.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import type { BookBody, BookWrite } from '../../lib/domain/book/item.ts';
import type { PlanRecord, RunState } from '../../lib/domain/reconcile/records.ts';
import type { Flags } from '../../lib/domain/safety/flags.ts';
import type { TradingMode } from '../../lib/domain/safety/trading-state.ts';
import { account } from '../helpers/exactly-once-gateway.ts';
import type { Dice } from './dice.ts';
import type { Part } from './world/part.ts';
import { proofOf } from './world/proof.ts';
import type { World } from './world/world.ts';

/** What is said of an action that found nothing to act on. */
export const nothing = 'nothing to act on';

/** Sets flags as a person does. */
export function setFlags(world: World, changes: Partial<Flags>): Promise<unknown> {
  return world.functions.operate(async ({ book }) =>
    new SafetyStore({ book }).setFlags(account, changes, { who: 'anna', reason: 'a run' }),
  );
}

export function setTrading(world: World, mode: TradingMode): Promise<unknown> {
  return world.functions.operate(async ({ book }) =>
    new SafetyStore({ book }).setTrading(account, mode, { who: 'anna', reason: 'a run' }),
  );
}

export const goodFlags: Partial<Flags> = { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true };

/** Somebody decides on the plan that stands: at once, late, twice, or on one that stands no more. */
export function plan(world: World, dice: Dice): string {
  const records = [...world.witness.book.of('PLAN#')].map(([, body]) => body as unknown as PlanRecord);
  if (records.length === 0) return nothing;
  const { planHash } = (world.witness.book.get('RUN#STATE') as unknown as RunState | undefined) ?? {
    planHash: '',
  };
  const standing = records.find(({ hash }) => hash === planHash);
  const record = standing !== undefined && dice.chance(0.8) ? standing : dice.one(records);
  const action = dice.one([
    'approve',
    'approve',
    'approve',
    'approve',
    'reject',
    'except-ambiguous',
  ] as const);
  const times = dice.one([1, 1, 2]);
  const lateMs = dice.one([0, 0, 5_000, 40_000, 75_000]);
  for (let n = 0; n < times; n += 1)
    world.time.after(
      1 + lateMs + n * dice.between(0, 50),
      () => void decide(world, action, record.hash, `s${dice.between(0, 1e9)}`),
    );
  return `${action} ${record.hash.slice(0, 8)} (${record.state}), ${times} times, ${lateMs} ms later`;
}

/** What an operator's CLI asks of apply-plan. */
export function decide(
  { functions, witness }: World,
  action: 'approve' | 'reject' | 'except-ambiguous',
  hash: string,
  signature: string,
): Promise<void> {
  if (action === 'approve') witness.approved.add(hash);
  return functions.applyPlan({ action, ...proofOf(action, hash, signature) }).then((outcome) => {
    if (outcome === 'died' || 'error' in outcome)
      witness.note(`${action} ${hash.slice(0, 8)}: ${outcome === 'died' ? outcome : String(outcome.error)}`);
  });
}

/** A hand in the book, and a run that finds it. */
export function spoiltBook(world: World, dice: Dice): string {
  const { time, functions } = world;
  if (dice.chance(0.6))
    time.after(dice.between(500, 8_000), () => {
      void functions.reconcile({ trigger: 'operator', by: 'anna', account });
    });
  return spoil(world, dice, () => true).what;
}

/** The plan that the last run left. */
export function standingPlan({ witness }: World): PlanRecord | undefined {
  const { planHash } = (witness.book.get('RUN#STATE') as unknown as RunState | undefined) ?? { planHash: '' };
  return witness.book.get(`PLAN#${planHash}`) as unknown as PlanRecord | undefined;
}

/** A book that is wrong, as a restore of an old backup or a hand in the table leaves it; audited, as everything. */
export function spoil(
  world: World,
  dice: Dice,
  isMeant: (sort: string) => boolean,
): { readonly what: string; readonly done: Promise<unknown> } {
  const { witness, functions } = world;
  const of = (prefix: string) =>
    [...witness.book.items].filter(([sort]) => sort.startsWith(prefix) && isMeant(sort));
  const orders = of('ORDER#');
  const positions = of('POS#');
  const how = dice.one([
    'order forgotten',
    'order forgotten',
    'status',
    'fill forgotten',
    'position',
  ] as const);
  const [sort, item] =
    dice.one({ position: positions, 'fill forgotten': of('FILL#') }[how as 'position'] ?? orders) ?? [];
  if (sort === undefined || item === undefined) return { what: nothing, done: Promise.resolve() };
  const writes: BookWrite[] = [];
  const write = (key: string, { version }: { readonly version: number }, body: BookBody | null) =>
    writes.push({ ref: bookRefOf(key)!, expectedVersion: version, body });
  if (how === 'status') {
    const status = item.body.status === 'Filled' ? 'Submitted' : 'Filled';
    write(sort, item, { ...item.body, status });
  } else if (how === 'position') {
    write(sort, item, { ...item.body, position: String(Number(item.body.position) + dice.one([-1, 1])) });
  } else if (how === 'fill forgotten') {
    write(sort, item, null);
  } else {
    write(sort, item, null);
    const orderKey = sort.slice('ORDER#'.length);
    for (const [pointer, pointing] of witness.book.items)
      if (/^(?:PERM|REF|API)#/.test(pointer) && pointing.body.orderKey === orderKey)
        write(pointer, pointing, null);
  }
  witness.spoilt.add(sort);
  const done = functions.operate(({ book }) =>
    book.commit({
      account,
      writer: 'operator',
      cause: { kind: 'operator', id: 'anna', name: 'a hand in the book', reason: how },
      atMs: world.time.nowMs,
      orderKey: '',
      writes,
    }),
  );
  return { what: `${sort}: ${how}`, done };
}

/** For so long, unless the world is healed before. */
export function during(world: World, ms: number, what: string, begin: () => () => void): string {
  const end = begin();
  world.time.after(ms, () => {
    if (world.isHealed) return;
    world.witness.note(`no more: ${what}`);
    end();
  });
  return `${what}, for ${ms} ms`;
}

/** Nothing of it runs; a machine that is moved may wake with the time at which it fell asleep. */
export function standStill({ time }: World, dice: Dice, part: Part, ms: number): void {
  part.frozenUntilMs = time.nowMs + ms;
  if (dice.chance(0.3)) part.skewMs -= ms;
}
