import type { Exercise } from '../exercise.ts';
import { alerts } from './alerts.ts';
import { applyPlan } from './apply-plan.ts';
import { archive } from './archive.ts';
import { backup } from './backup.ts';
import { bookKeeper } from './book-keeper.ts';
import { candleKeeper } from './candle-keeper.ts';
import { drill } from './drill.ts';
import { reconcile } from './reconcile.ts';
import { scheduleOf } from './schedules.ts';
import { streamerStart } from './streamer-start.ts';
import { watchdog } from './watchdog.ts';

/** One for each role of the stack, but the streamer's own: that one needs the streamer (`test/system/grants-streamer.test.ts`). */
export const exercises: readonly Exercise[] = [
  alerts,
  applyPlan,
  archive,
  backup,
  bookKeeper,
  candleKeeper,
  drill,
  reconcile,
  streamerStart,
  watchdog,
  scheduleOf('alerts-schedule'),
  scheduleOf('archive-daily-schedule'),
  scheduleOf('backup-daily-schedule'),
  scheduleOf('drill-weekly-schedule'),
  scheduleOf('reconcile-main-schedule'),
  scheduleOf('watchdog-schedule'),
];
