/** It is faster or slower than it should be by so much at the most, while it follows a clock that was set. */
const followShare = 0.1;
/** Forward by more than this is no setting: the machine was suspended, and its monotonic clock stood still. */
const suspendedMs = 600_000;

/**
 * The system clock without its steps, Unix ms: it goes at the pace of the monotonic clock, never back, and follows the
 * system clock slowly. For deadlines: one that was set by a clock which is then set back would be minutes late, and until then
 * nobody would ask a dead link for the time, or close a bar in a silent market. What is stamped, or compared with a time of
 * somebody else's, is the system clock's.
 */
export function steadyClock(
  systemMs: () => number = Date.now,
  monotonicMs: () => number = () => performance.now(),
): () => number {
  let steadyMs = systemMs();
  let atMs = monotonicMs();
  return () => {
    const nowMs = monotonicMs();
    const passedMs = nowMs - atMs;
    atMs = nowMs;
    steadyMs += passedMs;
    const awayMs = systemMs() - steadyMs;
    // Its fractions are the monotonic clock's: a system clock that nobody sets is never away by more.
    if (Math.abs(awayMs) < 1 || awayMs > suspendedMs) steadyMs += awayMs;
    else steadyMs += Math.sign(awayMs) * Math.min(Math.abs(awayMs), passedMs * followShare);
    return Math.floor(steadyMs);
  };
}
