/** Names of the tables of a restore drill: `<prefix><stamp>-book`, and which of them a drill that died has left behind. */

/** No drill takes as long; what is younger may be another one's, at work. */
const drillMsMax = 3_600_000;

/** `yyyymmddhhmmss`, UTC. */
export function drillStamp(startedMs: number): string {
  return new Date(startedMs).toISOString().replaceAll(/\D/g, '').slice(0, 14);
}

/** Names without a time were made by nobody who may still be at work. */
export function leftBehind(names: readonly string[], prefix: string, nowMs: number): string[] {
  return names.filter((name) => {
    const [, stamp] = /^(\d{14})-/.exec(name.slice(prefix.length)) ?? [];
    return stamp === undefined || stamp < drillStamp(nowMs - drillMsMax);
  });
}
