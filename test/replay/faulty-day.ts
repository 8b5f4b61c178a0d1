/** Faults for a recorded day, from a seed: what befalls the link, and how the deliveries to the keepers are disturbed. */
import type { FaultInput, ScriptedFaultInput } from '../../sandbox/gateway/index.ts';
import { mulberry32 } from '../../sandbox/tapes/generate.ts';

type Random = () => number;
/** What begins, what ends it, and after how many minutes at the most. */
type Incident = readonly [begin: readonly FaultInput[], end?: readonly FaultInput[], minutesMax?: number];

/** None of them changes what the broker did: it is told late, twice, in another order, or only when asked for. */
const incidents: readonly ((random: Random) => Incident)[] = [
  () => [[{ type: 'drop', how: 'rst' }]],
  () => [[{ type: 'drop', how: 'fin' }]],
  (random) => [[{ type: 'restart', downMs: 60_000 + Math.floor(random() * 180_000) }]],
  () => [[{ type: 'half-open' }]],
  () => [[{ type: '1100' }], [{ type: '1101' }], 5],
  () => [[{ type: '1100' }], [{ type: '1102' }], 5],
  () => [[{ type: 'farm-down' }], [{ type: 'farm-up', resume: true }], 4],
  () => [[{ type: 'farm-down' }], [{ type: 'farm-up', resume: false }], 4],
  () => [[{ type: 'competing' }], [{ type: 'competing-end' }], 3],
  () => [[{ type: 'hmds-down' }, { type: 'drop', how: 'rst' }], [{ type: 'hmds-up' }], 4],
  () => [[{ type: 'duplicate-execution', count: 3 }]],
  (random) => [[{ type: 'late-execution', count: 2, afterMs: Math.floor(random() * 60_000) }]],
  () => [[{ type: 'missing-execution', count: 2 }]],
  () => [[{ type: 'missing-status', count: 3 }]],
  () => [[{ type: 'commission', count: 2, how: 'before' }]],
];

const minuteMs = 60_000;
/** Between two incidents: the one before is over. */
const APART_MS = 12 * minuteMs;

export function faultsOf(
  seed: number,
  span: { readonly startMs: number; readonly endMs: number },
): ScriptedFaultInput[] {
  const random = mulberry32(seed);
  const script: ScriptedFaultInput[] = [];
  let left: (typeof incidents)[number][] = [];
  for (let fromMs = span.startMs + 3 * minuteMs; fromMs < span.endMs - APART_MS; fromMs += APART_MS) {
    if (left.length === 0) left = shuffled(incidents, random);
    const [begin, end = [], minutesMax = 0] = left.pop()!(random);
    const atTapeMs = fromMs + Math.floor(random() * 4 * minuteMs);
    const endMs = atTapeMs + 20_000 + Math.floor(random() * minutesMax * minuteMs);
    script.push(
      ...begin.map((fault) => ({ ...fault, atTapeMs })),
      ...end.map((fault) => ({ ...fault, atTapeMs: endMs })),
    );
  }
  return script;
}

/** One in ten comes twice, one in ten late by up to two hundred places, and neighbours change places. */
export function disturbed<T>(events: readonly T[], seed: number): T[] {
  const random = mulberry32(seed);
  return events
    .flatMap((event, index) => {
      const delay = random() < 0.1 ? Math.floor(random() * 200) : random() * 4;
      const once = { event, place: index + delay };
      return random() < 0.1 ? [once, { event, place: index + random() * 100 }] : [once];
    })
    .sort((a, b) => a.place - b.place)
    .map(({ event }) => event);
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value);
}
