/** When the streamer saw something: the lease's fencing token, then its count. Later stamps win, whatever arrives first. */
export interface Stamp {
  readonly epoch: number;
  readonly seq: number;
}

/** Negative where `a` is earlier than `b`. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a.epoch - b.epoch || a.seq - b.seq;
}
