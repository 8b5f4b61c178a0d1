/** Work of a known length, to find out whether a benchmark would notice it. */

let sink = 0;

function spin(rounds: number): void {
  let value = sink | 1;
  for (let index = 0; index < rounds; index += 1) value = (Math.imul(value, 31) + index) | 0;
  sink = value;
}

const CALLS = 200;
const ROUNDS = 5_000;

/** A function that keeps the processor busy for `nanoseconds`; measured on this machine, best of many tries. */
export function busyFor(nanoseconds: number): () => void {
  let bestNs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 30; attempt += 1) {
    const startNs = process.hrtime.bigint();
    for (let call = 0; call < CALLS; call += 1) spin(ROUNDS);
    const elapsedNs = Number(process.hrtime.bigint() - startNs);
    bestNs = Math.min(bestNs, elapsedNs / (CALLS * ROUNDS));
  }
  const rounds = Math.round(nanoseconds / bestNs);
  return () => spin(rounds);
}
