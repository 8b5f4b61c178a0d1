import { imageRuntime } from '../test/helpers/streamer-image.ts';
import { compare, type NaiveBar } from './feed/prints.ts';
import type { TapeFeed, TapeFeederMessage } from './feed/tape-feeder.ts';
import type { BenchResult, Figure } from './figure.ts';
import type { LoopCounts } from './parse-loop.ts';
import { type Peer, startPeer } from './processes.ts';
import { median, type Spread, spread } from './statistics.ts';
import type {
  ClientKind,
  ClientMessage,
  ClientOptions,
  Measurement,
  StreamerCounts,
} from './tick-path-client.ts';

/**
 * The way of a tick from the socket to its candle, beside a bare IBApi with empty listeners and a bare parse loop on the
 * same bytes. Rounds alternate bare, loop, streamer, planted, so that what the machine does besides hits all alike; the
 * ratio is taken within a round. The streamer has the options of Node that its image has.
 */
export interface TickPathOptions {
  readonly rounds: number;
  readonly ticks: number;
  /** Folder for CPU profiles of the clients; the figures of such a run are not for keeping. */
  readonly profileDir?: string;
  readonly say: (text: string) => void;
}

/** Below this share of a core the client was waiting, for the feeder or for the machine: not its rate. */
export const CPU_SHARE_MIN = 0.95;
/** A measurement that lacked its core is taken again so many times; all of them are counted and told. */
const ATTEMPTS_MAX = 20;
const BUDGET_RATIO = 70;
/** What the planted microsecond must look like from outside. */
const PLANTED_SEEN_NS = { min: 700, max: 1_700 };
const kinds: readonly ClientKind[] = ['bare', 'loop', 'streamer', 'planted'];

const feed: Omit<TapeFeed, 'ticks'> = {
  seed: 7,
  startMs: Date.UTC(2026, 0, 5, 14, 30),
  perSecond: 1_000,
  intervalMs: 60_000,
  conId: 712_565_973,
  symbol: 'GC',
};

type Sample = Measurement & { readonly streamer?: StreamerCounts; readonly loop?: LoopCounts };
type Round = Readonly<Record<ClientKind, Sample>>;

export async function tickPath(options: TickPathOptions): Promise<BenchResult> {
  const feeder = startPeer<TapeFeederMessage>('./feed/tape-feeder.ts', { ...feed, ticks: options.ticks });
  try {
    const { port, bars } = await feeder.next('listening');
    const rounds: Round[] = [];
    const discarded: string[] = [];
    const wrong: string[] = [];
    for (let number = 1; number <= options.rounds; number += 1) {
      const samples: Partial<Record<ClientKind, Sample>> = {};
      for (const kind of kinds) {
        const sample = await busySample(kind, discarded, () => runClient(feeder, kind, port, bars, options));
        if (sample) wrong.push(...faults(kind, sample, bars, options.ticks));
        else return report(rounds, discarded, wrong, options);
        samples[kind] = sample;
      }
      rounds.push(samples as Round);
      options.say(roundLine(number, samples as Round, options.ticks));
    }
    return report(rounds, discarded, wrong, options);
  } finally {
    feeder.kill();
  }
}

/** Runs a client until it had its core for itself; undefined when that does not come about. */
async function busySample(
  kind: ClientKind,
  discarded: string[],
  run: () => Promise<Sample>,
): Promise<Sample | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const sample = await run();
    if (cpuShare(sample) >= CPU_SHARE_MIN) return sample;
    discarded.push(`${kind} ${percent(cpuShare(sample))}`);
  }
  return undefined;
}

async function runClient(
  feeder: Peer<TapeFeederMessage>,
  kind: ClientKind,
  port: number,
  bars: readonly NaiveBar[],
  { profileDir }: TickPathOptions,
): Promise<Sample> {
  const client: ClientOptions = { kind, port, conId: feed.conId, symbol: feed.symbol, bars: bars.length };
  const profile = profileDir
    ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, `--cpu-prof-name=${kind}.cpuprofile`]
    : [];
  // All alike: what the image's options save or cost is no merit of the code.
  const { nodeOptions, environment: env } = imageRuntime();
  const peer = startPeer<ClientMessage>('./tick-path-client.ts', client, {
    execArgv: [...nodeOptions, ...profile],
    env,
  });
  try {
    await Promise.all([peer.next('ready'), feeder.next('prepared')]);
    feeder.send({ kind: 'go' });
    const measured = await peer.next('measured');
    await peer.ended();
    return measured;
  } finally {
    peer.kill();
  }
}

function report(
  rounds: readonly Round[],
  discarded: readonly string[],
  wrong: readonly string[],
  { ticks, rounds: wanted }: TickPathOptions,
): BenchResult {
  const starved = `only ${rounds.length} of ${wanted} rounds: a client did not get ${percent(CPU_SHARE_MIN)} of a core in ${ATTEMPTS_MAX} attempts (${discarded.slice(-ATTEMPTS_MAX).join(', ')}). Stop what else runs on this machine`;
  if (rounds.length === 0) return { name: 'tick-path', figures: [], invalid: starved };
  const rate = (kind: ClientKind) => spread(rounds.map((round) => (ticks / round[kind].wallMs) * 1_000));
  const ratio = (kind: ClientKind) =>
    spread(rounds.map((round) => (round.bare.wallMs / round[kind].wallMs) * 100));
  const ours = ratio('streamer');
  const planted = ratio('planted');
  const beside = spread(rounds.map((round) => (round.loop.wallMs / round.streamer.wallMs) * 100));
  const plantedNs = median(
    rounds.map((round) => perTickNs(round.planted, ticks) - perTickNs(round.streamer, ticks)),
  );
  const seen =
    plantedNs >= PLANTED_SEEN_NS.min &&
    plantedNs <= PLANTED_SEEN_NS.max &&
    rounds.every((round) => round.planted.wallMs > round.streamer.wallMs);
  const figures: Figure[] = [
    { name: 'bare IBApi, empty listeners', unit: 'ticks/s', ...withSpread(rate('bare')) },
    { name: 'bare parse loop', unit: 'ticks/s', ...withSpread(rate('loop')) },
    { name: 'streamer, socket to candle', unit: 'ticks/s', ...withSpread(rate('streamer')) },
    {
      name: 'ratio streamer to bare',
      unit: '%',
      value: ours.median,
      budget: { kind: 'at-least', value: BUDGET_RATIO },
      detail: spreadText(ours),
    },
    {
      name: 'the same by CPU time of the thread',
      unit: '%',
      value: median(rounds.map((round) => (round.bare.threadCpuMs / round.streamer.threadCpuMs) * 100)),
      detail: 'hardly moved by other load',
    },
    {
      name: 'ratio streamer to bare parse loop',
      unit: '%',
      value: beside.median,
      detail: spreadText(beside),
    },
    { name: 'ratio with 1 µs planted a tick', unit: '%', value: planted.median, detail: spreadText(planted) },
    {
      name: 'planted work as seen',
      unit: 'ns',
      value: plantedNs,
      detail: seen ? 'shows in every round' : 'does NOT show',
    },
    {
      name: 'cost of a tick beyond bare',
      unit: 'ns',
      value: median(rounds.map((round) => perTickNs(round.streamer, ticks) - perTickNs(round.bare, ticks))),
    },
    {
      name: 'memory of the streamer',
      unit: 'MiB',
      value: Math.max(...rounds.map((round) => round.streamer.rssMiB)),
      detail: 'resident, largest',
    },
  ];
  const shares = rounds.flatMap((round) => kinds.map((kind) => cpuShare(round[kind])));
  const notes = [
    `${rounds.length} rounds of ${ticks.toLocaleString('en')} ticks each; CPU of the client ${percent(Math.min(...shares))} of the wall time or more; buffer at most ${Math.max(...rounds.map((round) => round.streamer.streamer?.bufferHighWater ?? 0))} deep`,
    ...(discarded.length === 0
      ? []
      : [
          `${discarded.length} measurements taken again because the client had less than ${percent(CPU_SHARE_MIN)} of a core: ${discarded.join(', ')}`,
        ]),
  ];
  const invalid =
    wrong.length > 0
      ? wrong.slice(0, 3).join('; ')
      : rounds.length < wanted
        ? starved
        : seen
          ? undefined
          : `1 µs planted in each tick was seen as ${Math.round(plantedNs)} ns: this run cannot tell`;
  return { name: 'tick-path', figures, notes, ...(invalid === undefined ? {} : { invalid }) };
}

/** What a client lost or got wrong, in words. The bare one counts nothing: its bytes are the same. */
function faults(
  kind: ClientKind,
  { streamer, loop }: Sample,
  bars: readonly NaiveBar[],
  ticks: number,
): string[] {
  if (kind === 'bare') return [];
  if (kind === 'loop') {
    const same = JSON.stringify(loop?.bars) === JSON.stringify(bars);
    return loop?.ticks === ticks && same ? [] : [`loop: ${loop?.ticks} of ${ticks} ticks, or wrong bars`];
  }
  if (!streamer) return [`${kind}: no counts`];
  const wrong = compare(bars, streamer.candles);
  if (streamer.taken !== ticks) wrong.push(`${streamer.taken} of ${ticks} ticks taken in`);
  if (streamer.lost > 0) wrong.push(`${streamer.lost} ticks lost`);
  if (streamer.corrections > 0) wrong.push(`${streamer.corrections} corrections`);
  return wrong.map((text) => `${kind}: ${text}`);
}

const cpuShare = (sample: Sample): number => sample.cpuMs / sample.wallMs;
const perTickNs = (sample: Sample, ticks: number): number => (sample.wallMs * 1e6) / ticks;
const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const spreadText = ({ min, max }: Spread): string => `min ${min.toPrecision(3)}, max ${max.toPrecision(3)}`;

function withSpread(values: Spread): { value: number; detail: string } {
  const text = (value: number) => Math.round(value).toLocaleString('en');
  return { value: values.median, detail: `min ${text(values.min)}, max ${text(values.max)}` };
}

function roundLine(number: number, round: Round, ticks: number): string {
  const parts = kinds.map((kind) => {
    const sample = round[kind];
    const rate = Math.round((ticks / sample.wallMs) * 1_000).toLocaleString('en');
    return `${kind} ${rate}/s (CPU ${percent(cpuShare(sample))}, thread ${percent(sample.threadCpuMs / sample.wallMs)})`;
  });
  const ratio = percent(round.bare.wallMs / round.streamer.wallMs);
  return `  round ${number}: ${parts.join(', ')}; ratio ${ratio}`;
}
