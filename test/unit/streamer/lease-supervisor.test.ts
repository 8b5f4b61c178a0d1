import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LeaseTerm } from '../../../streamer/lease-keeper.ts';
import type { LeaseSource } from '../../../streamer/lease-none.ts';
import { type Duty, Supervisor } from '../../../streamer/supervisor.ts';

/** A lease that a test gives and takes. */
class Lease implements LeaseSource {
  readonly floors: number[] = [];
  readonly said: string[];
  #give: ((term: LeaseTerm | undefined) => void) | undefined;
  lose: (reason: string) => void = () => undefined;

  constructor(said: string[]) {
    this.said = said;
  }

  acquire(tokenFloor: number, signal: AbortSignal): Promise<LeaseTerm | undefined> {
    this.floors.push(tokenFloor);
    this.said.push('waits');
    return new Promise((resolve) => {
      this.#give = resolve;
      signal.addEventListener('abort', () => resolve(undefined));
    });
  }

  give(token: number): void {
    const { promise: lost, resolve } = Promise.withResolvers<string>();
    this.lose = resolve;
    const release = async (): Promise<boolean> => {
      this.said.push('gives back');
      return true;
    };
    this.#give?.({ token, isFirst: token === 1, mayWrite: () => true, lost, release });
  }

  stats(): never {
    throw new Error('nobody asks');
  }
}

function world() {
  const said: string[] = [];
  const lease = new Lease(said);
  let lastEpoch = 40;
  const firsts: boolean[] = [];
  const supervisor = new Supervisor<Duty>({
    lease,
    lastEpoch: () => lastEpoch,
    begin: ({ token }, isFirst) => {
      if (token === 13) throw new Error('unusable');
      firsts.push(isFirst);
      lastEpoch = token;
      return {
        start: () => said.push(`starts ${token}`),
        closeLink: () => said.push(`closes ${token}`),
        end: async () => {
          await turn();
          said.push(`ended ${token}`);
        },
      };
    },
  });
  return { said, lease, supervisor, firsts };
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await turn();
}

describe('the supervisor', () => {
  it('on a lost lease closes the link first, ends the term, and waits again for a later token', async () => {
    const { said, lease, supervisor, firsts } = world();
    const running = supervisor.run();
    expect(supervisor.duty).toBeUndefined();
    lease.give(41);
    await settled();
    expect(supervisor.duty).toBeDefined();
    lease.lose('another one has it');
    await settled();
    expect(supervisor.duty).toBeUndefined();
    expect(said).toEqual(['waits', 'starts 41', 'closes 41', 'ended 41', 'waits']);
    lease.give(57);
    await settled();
    await supervisor.stop();
    await running;
    expect(said.slice(5)).toEqual(['starts 57', 'closes 57', 'ended 57', 'gives back']);
    expect(lease.floors).toEqual([40, 41]);
    expect(firsts).toEqual([true, false]);
  });

  it('a stop while it waits ends the wait', async () => {
    const { said, supervisor } = world();
    const running = supervisor.run();
    await supervisor.stop();
    await running;
    expect(said).toEqual(['waits']);
  });

  it('a term that cannot be begun is given back, and ends the run', async () => {
    const { said, lease, supervisor } = world();
    const running = supervisor.run();
    lease.give(13);
    await expect(running).rejects.toThrow('unusable');
    expect(said).toEqual(['waits', 'gives back']);
  });
});
