import { createRtVolume, parseRtVolume } from '../lib/domain/market/rtvolume.ts';
import { prints } from './feed/prints.ts';
import type { BenchResult, Figure } from './figure.ts';
import { median, spread, threadMs } from './statistics.ts';

/** Reading RTVolume by itself, without socket and buffer, beside the plainest parser there is: `split` and `Number`. */
export interface ParseOptions {
  readonly count: number;
  readonly rounds: number;
}

const START_MS = Date.UTC(2026, 0, 5, 14, 30);
const SIZE_DECIMALS = 4;

interface Numbers {
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly timeMs: Float64Array;
  readonly cumVolume: Float64Array;
}

export function parse({ count, rounds }: ParseOptions): BenchResult {
  const texts = textsAsDecoded(count);
  const expected = sums(texts);
  const wrong: string[] = [];
  const times = { ours: [] as number[], plain: [] as number[] };
  const numbers = allocate(count);
  for (let round = 0; round < rounds; round += 1) {
    const ours = parseAll(texts, numbers);
    const plain = splitAll(texts);
    times.ours.push(ours.ms);
    times.plain.push(plain.ms);
    if (ours.sum !== expected.scaled)
      wrong.push(`parseRtVolume: sum ${ours.sum} instead of ${expected.scaled}`);
    if (plain.sum !== expected.plain) wrong.push(`split: sum ${plain.sum} instead of ${expected.plain}`);
  }
  const rate = (name: string, ms: readonly number[]): Figure => {
    const { min, median: middle, max } = spread(ms.map((each) => count / each / 1_000));
    return { name, value: middle, unit: 'M/s', detail: `min ${min.toFixed(2)}, max ${max.toFixed(2)}` };
  };
  return {
    name: 'parse',
    figures: [
      rate('parseRtVolume', times.ours),
      rate("split(';') and Number", times.plain),
      {
        name: 'parseRtVolume to split',
        value: median(times.plain) / median(times.ours),
        unit: 'times',
        budget: { kind: 'at-least', value: 1 },
        detail: 'ours also scales to exact integers',
      },
    ],
    notes: [`${rounds} rounds of ${count.toLocaleString('en')} prints`],
    ...(wrong.length > 0 ? { invalid: wrong.slice(0, 3).join('; ') } : {}),
  };
}

/** @stoqey/ib cuts each text out of its frame: a slice of a longer string, slower to read than one of its own. */
function textsAsDecoded(count: number): string[] {
  const texts: string[] = [];
  for (const { text } of prints({ seed: 3, count, startMs: START_MS, perSecond: 1_000 })) {
    const frame = Buffer.from(`46\0${6}\0${1002}\0${48}\0${text}\0`).toString('utf8');
    texts.push(frame.split('\0')[4]!);
  }
  return texts;
}

/** What the parsers must come to, so that none of them can be fast by not doing it. */
function sums(texts: readonly string[]): { readonly plain: number; readonly scaled: number } {
  let plain = 0;
  let scaled = 0;
  for (const text of texts) {
    const [price = '', size = '', timeMs = '', cumVolume = ''] = text.split(';');
    plain += Number(price) + Number(size) + Number(timeMs) + Number(cumVolume);
    scaled += Math.round(Number(price) * 1e8) + Number(size) * 1e4 + Number(timeMs) + Number(cumVolume) * 1e4;
  }
  return { plain, scaled };
}

function allocate(count: number): Numbers {
  const column = () => new Float64Array(count);
  return { price: column(), size: column(), timeMs: column(), cumVolume: column() };
}

function parseAll(texts: readonly string[], into: Numbers): { readonly ms: number; readonly sum: number } {
  const print = createRtVolume();
  let sum = 0;
  const start = process.threadCpuUsage();
  for (let index = 0; index < texts.length; index += 1) {
    if (!parseRtVolume(texts[index]!, print, SIZE_DECIMALS)) continue;
    into.price[index] = print.price;
    into.size[index] = print.size;
    into.timeMs[index] = print.timeMs;
    into.cumVolume[index] = print.cumVolume;
    sum += print.price + print.size + print.timeMs + print.cumVolume;
  }
  return { ms: threadMs(start), sum };
}

function splitAll(texts: readonly string[]): { readonly ms: number; readonly sum: number } {
  let sum = 0;
  const start = process.threadCpuUsage();
  for (const text of texts) {
    const fields = text.split(';');
    sum += Number(fields[0]) + Number(fields[1]) + Number(fields[2]) + Number(fields[3]);
  }
  return { ms: threadMs(start), sum };
}
