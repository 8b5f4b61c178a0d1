import type { Exercise } from '../exercise.ts';
import type { GrantWorld } from '../world.ts';

/** The call by the clock, which Lambda does not take, and which Scheduler then puts aside: both under the schedule's role. */
export function scheduleOf(role: string): Exercise {
  return { role, run: (world) => callInVain(world, role) };
}

async function callInVain(world: GrantWorld, role: string): Promise<void> {
  const { cloud } = world;
  const caller = world.grants.find((grant) => grant.role === role)!.roleId;
  const schedule = cloud.model.schedules.find((one) => one.role.logicalId === caller)!;
  const deadLetters = schedule.target.deadLetterArn?.split(':').at(-1) ?? '';
  const before = await cloud.queueDepth(deadLetters);
  cloud.faults.add({ service: 'lambda', operation: 'Invoke', kind: 'internal', caller });
  try {
    cloud.fireSchedule(schedule.name);
    await cloud.idle(20_000);
    await world.until('the dead letter', async () => (await cloud.queueDepth(deadLetters)) > before);
  } finally {
    cloud.faults.clear();
  }
}
