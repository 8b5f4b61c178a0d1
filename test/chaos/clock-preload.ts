/**
 * Loaded before a program (`node --import`): its system clock is what the file in EVENKEEL_CHAOS_CLOCK says, and may be set
 * while it runs. The monotonic clock, and so every timer, stays as it is: that is what a stepped clock does to a process.
 */
import type { ClockSetting } from './clock.ts';
import { watchSetting } from './setting-file.ts';

const file = process.env.EVENKEEL_CHAOS_CLOCK;

if (file !== undefined) {
  const RealDate = Date;
  const realNow = Date.now.bind(Date);
  let setting: ClockSetting = { offsetMs: 0, driftShare: 0 };
  let sinceMs = performance.now();
  const skewed = (): number =>
    Math.floor(realNow() + setting.offsetMs + (performance.now() - sinceMs) * setting.driftShare);
  watchSetting<ClockSetting>(file, (next) => {
    setting = next;
    sinceMs = performance.now();
  });
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [skewed()] : args, newTarget),
    apply: () => new RealDate(skewed()).toString(),
    get: (target, name, receiver) => (name === 'now' ? skewed : Reflect.get(target, name, receiver)),
  });
}
