import type { BufferMemoryOptions, BufferMemoryTold } from './buffer-memory-client.ts';
import type { BenchResult, Figure } from './figure.ts';
import { startPeer } from './processes.ts';
import { spread } from './statistics.ts';

/** What 10,000 ticks take while they wait in the streamer's buffer, beside an array of objects in the same process. */
const ticks = 10_000;

export async function bufferMemory({ rounds }: { readonly rounds: number }): Promise<BenchResult> {
  const options: BufferMemoryOptions = { ticks, rounds };
  const client = startPeer<BufferMemoryTold>('./buffer-memory-client.ts', options, {
    execArgv: ['--expose-gc'],
  });
  try {
    const { buffer, objects, held } = await client.next('measured');
    await client.ended();
    const figure = (name: string, bytes: readonly number[]): Figure => {
      const { min, median, max } = spread(bytes.map((each) => each / 1_024));
      return { name, value: median, unit: 'KiB', detail: `min ${min.toFixed(0)}, max ${max.toFixed(0)}` };
    };
    return {
      name: 'buffer-memory',
      figures: [figure('10,000 ticks in the buffer', buffer), figure('10,000 ticks as objects', objects)],
      notes: ['the buffer has room for twice as many, and takes it when it is made, not tick by tick'],
      ...(held === ticks * (rounds + 1)
        ? {}
        : { invalid: `${held} of ${ticks * (rounds + 1)} ticks were held` }),
    };
  } finally {
    client.kill();
  }
}
