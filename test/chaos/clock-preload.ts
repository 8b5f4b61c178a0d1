/**
 * Loaded before a program (`node --import`): its system clock is what the file in EVENKEEL_CHAOS_CLOCK says, and may be set
 * while it runs. The monotonic clock, and so every timer, stays as it is: that is what a stepped clock does to a process.
 */
import { readFileSync } from 'node:fs';
import type { ClockSetting } from './clock.ts';

const file = process.env.EVENKEEL_CHAOS_CLOCK;
const lookEveryMs = 25;

if (file !== undefined) {
  const RealDate = Date;
  const realNow = Date.now.bind(Date);
  let text = '';
  let setting: ClockSetting = { offsetMs: 0, driftShare: 0 };
  let sinceMs = performance.now();
  const look = (): void => {
    let now: string;
    try {
      now = readFileSync(file, 'utf8');
    } catch {
      return;
    }
    if (now === text || now === '') return;
    text = now;
    setting = JSON.parse(now) as ClockSetting;
    sinceMs = performance.now();
  };
  const skewed = (): number =>
    Math.floor(realNow() + setting.offsetMs + (performance.now() - sinceMs) * setting.driftShare);
  look();
  setInterval(look, lookEveryMs).unref();
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [skewed()] : args, newTarget),
    apply: () => new RealDate(skewed()).toString(),
    get: (target, name, receiver) => (name === 'now' ? skewed : Reflect.get(target, name, receiver)),
  });
}
