import type { Exercise } from '../exercise.ts';

/** What ECS needs before the task runs: the images, their logs, and the login of the gateway. */
export const streamerStart: Exercise = {
  role: 'streamer-main (start)',
  async run({ cloud }) {
    for (const name of ['streamer', 'gateway']) cloud.containerEnvironment(name);
  },
};
