/** What befalls single requests of a part in the simulation. */
import { describe, expect, it } from 'vitest';
import { Part } from '../../simulation/world/part.ts';
import { SimulatedTime } from '../../simulation/world/time.ts';

function partOf() {
  const time = new SimulatedTime(0, 1);
  const happened: string[] = [];
  const part = new Part('one', {
    time,
    trouble: () => undefined,
    failure: (_service, call) => new Error(`${call} failed`),
    died: () => undefined,
    uncaught: (_part, error) => happened.push(String(error)),
  });
  const ask = async (call: string): Promise<void> => {
    await part
      .ask('dynamodb', call, () => happened.push(`${call} is done`))
      .then(
        () => happened.push(`${call} is answered`),
        (error: unknown) => happened.push(String(error)),
      );
  };
  const end = async (): Promise<string[]> => {
    while (await time.step());
    return happened;
  };
  return { time, part, ask, happened, end };
}

describe('a request of a part', () => {
  it('is carried out, then another one acts, then its answer is there', async () => {
    const { time, part, ask, happened, end } = partOf();
    const act = async (): Promise<void> => {
      await time.sleep(100);
      happened.push('another acts');
    };
    part.between.push({ call: 'Get', left: 2, act });
    void ask('Get 1')
      .then(() => ask('Put'))
      .then(() => ask('Get 2'));
    expect(await end()).toEqual([
      'Get 1 is done',
      'Get 1 is answered',
      'Put is done',
      'Put is answered',
      'Get 2 is done',
      'another acts',
      'Get 2 is answered',
    ]);
    expect(time.nowMs).toBeGreaterThan(100);
  });

  it.each([
    ['before', ['Error: Get failed', 'Get is done', 'Get is answered']],
    ['after', ['Get is done', 'Error: Get failed', 'Get is done', 'Get is answered']],
  ] as const)('fails once, %s it is carried out, and no more', async (how, expected) => {
    const { part, ask, end } = partOf();
    part.failing.push({ call: 'Get', how, left: 1 });
    void ask('Get').then(() => ask('Get'));
    expect(await end()).toEqual(expected);
    expect(part.failing).toEqual([]);
  });

  it('goes on as it should once nothing befalls its part any more', async () => {
    const { part, ask, end } = partOf();
    part.failing.push({ call: 'Get', how: 'before', left: 1 });
    part.between.push({ call: 'Get', left: 1, act: () => Promise.reject(new Error('nobody acts')) });
    part.befallsNothing();
    void ask('Get');
    expect(await end()).toEqual(['Get is done', 'Get is answered']);
  });
});
