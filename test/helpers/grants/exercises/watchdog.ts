import { controlKey } from '../../../../lib/aws/keys.ts';
import type { EventData } from '../../../../lib/events/catalogue.ts';
import { orderEvent, positionEvent } from '../../book-events.ts';
import { readExample } from '../../render-event-docs.ts';
import type { Exercise } from '../exercise.ts';
import { tell } from '../history.ts';
import { account } from '../world.ts';

const { data: placed } = readExample('order.placed') as { data: EventData<'order.placed'> };

/** Two looks: a position with its stop, which the second one reads by its key, and a streamer that has gone silent. */
export const watchdog: Exercise = {
  role: 'watchdog',
  async run(world) {
    await world.clear('book', 'audit', 'control');
    const terms = {
      ...placed.terms!,
      orderType: 'STP',
      limitPrice: null,
      stopPrice: '1',
      action: 'SELL',
    } as const;
    const stop = { status: 'Submitted', brokerStatus: 'Submitted', terms, working: true } as const;
    await tell(
      world,
      positionEvent(placed.contract!.conId, '1', { account, seq: 1 }),
      orderEvent('order.placed', 5, stop, { account, seq: 2 }),
    );
    const { pk, sk } = controlKey(account, 'heartbeat');
    const longAgo = String(Date.now() - 3_600_000);
    await world.put('control', { pk: { S: pk }, sk: { S: sk }, atMs: { N: longAgo }, epoch: { N: '1' } });
    await world.invoke('watchdog', {});
    await world.invoke('watchdog', {});
    await failing(world);
  },
};

/** It has no request that could be wrong: the table has to refuse it. */
async function failing(world: Parameters<Exercise['run']>[0]): Promise<void> {
  const role = world.grants.find(({ role: name }) => name === 'watchdog')!.roleId;
  world.cloud.faults.add({ service: 'dynamodb', kind: 'conflict', caller: role });
  try {
    await world.failForGood('watchdog', {});
  } finally {
    world.cloud.faults.clear();
  }
}
