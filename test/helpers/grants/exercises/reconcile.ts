import type { TradedContract } from '../../../../lib/domain/orders/contract.ts';
import type { RunAnswer } from '../../../../lib/domain/reconcile/records.ts';
import { positionEvent } from '../../book-events.ts';
import { readExample } from '../../render-event-docs.ts';
import { type Exercise, fresh } from '../exercise.ts';
import { storeCandle, tell } from '../history.ts';
import { answerSnapshots } from '../snapshots.ts';
import { account, type GrantWorld } from '../world.ts';

const { data } = readExample('position.changed') as { data: { contract: TradedContract } };

/**
 * The first run of a book, which looks for last prices too, and a second one, which asks for what the first one noted and
 * finds it gone.
 */
export const reconcile: Exercise = {
  role: 'reconcile',
  async run(world) {
    await world.clear('book', 'audit', 'control');
    const conId = 2_000 + fresh();
    await storeCandle(world, { conId });
    await tell(world, positionEvent(conId, '2', { account, seq: 1 }));
    await runs(world, conId);
    await world.failForGood('reconcile', 'no request');
  },
};

async function runs(world: GrantWorld, conId: number): Promise<void> {
  const over = new AbortController();
  const contract = { ...data.contract, conId };
  const positions = [{ kind: 'position' as const, account, contract, position: '1', averageCost: '100' }];
  const answering = answerSnapshots(world, positions, over.signal).catch(() => undefined);
  try {
    const first = await world.invoke<RunAnswer>('reconcile', { trigger: 'start', by: 'test', account });
    // Only hidden: the lock keeps its version.
    await world.hide('reconcile', first.evidence.replace('evidence.json', 'verdict.json'));
    const second = await world.invoke<RunAnswer>('reconcile', { trigger: 'operator', by: 'test', account });
    if (second.status !== 'DRY_RUN') throw new Error(`the run ended as ${second.status}: ${second.reason}`);
  } finally {
    over.abort();
    await answering;
  }
}
