/** Every experiment, in the order in which they are run. */
import { clocks } from './experiments/clocks.ts';
import { cloudTroubles } from './experiments/clouds.ts';
import { disks } from './experiments/disks.ts';
import { all } from './experiments/everything.ts';
import { kills } from './experiments/kills.ts';
import { sockets } from './experiments/sockets.ts';
import { stops } from './experiments/stops.ts';
import type { Experiment } from './trial.ts';

export const experiments: readonly Experiment[] = [
  ...kills,
  ...stops,
  ...disks,
  ...clocks,
  ...sockets,
  ...cloudTroubles,
  ...all,
];
