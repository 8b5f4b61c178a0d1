import { connect } from 'node:net';
import { frame } from '../sandbox/gateway/frame.ts';
import { MARKER_REQ_ID } from './feed/markers.ts';
import { aggregate, type NaiveBar } from './feed/prints.ts';

/** What the loop has counted: every print, in bars of a minute. */
export interface LoopCounts {
  readonly ticks: number;
  readonly bars: readonly NaiveBar[];
}

export interface ParseLoopOptions {
  readonly port: number;
  readonly conId: number;
  readonly reqId: number;
  readonly ready: () => void;
  /** Told the feeder's markers. */
  readonly marker: (marker: number) => void;
}

const INTERVAL_MS = 60_000;
/** Types of messages and of ticks, as the gateway numbers them. */
const TICK_GENERIC = '45';
const TICK_STRING = '46';
const TICK_REQ_PARAMS = '81';
const RT_VOLUME = '48';

/**
 * The least that a client can do with the feeder's bytes: cut frames by their length, texts at their NULs, RTVolume at its
 * semicolons, and add each print to its bar. No events, no objects of a library, no checks.
 */
export function parseLoop({ port, conId, reqId, ready, marker }: ParseLoopOptions) {
  const bars = new Map<number, NaiveBar>();
  const socket = connect(port, '127.0.0.1');
  let rest: Buffer = Buffer.alloc(0);
  let ticks = 0;
  let isOpen = false;
  const take = (text: string): void => {
    const fields = text.split('\0');
    const [type, second = ''] = fields;
    if (type === TICK_STRING && fields[3] === RT_VOLUME) {
      ticks += 1;
      aggregate(bars, fields[4] ?? '', INTERVAL_MS);
    } else if (type === TICK_GENERIC && fields[2] === String(MARKER_REQ_ID)) marker(Number(fields[4]));
    else if (type === TICK_REQ_PARAMS) ready();
    else if (!isOpen && second !== '') {
      // The first answer is the version.
      isOpen = true;
      socket.write(frame(['71', '2', '1', ''].join('\0').concat('\0')));
      socket.write(frame(['1', '11', String(reqId), String(conId)].join('\0').concat('\0')));
    }
  };
  socket.on('connect', () => {
    const versions = Buffer.from('v100..193', 'latin1');
    const length = Buffer.alloc(4);
    length.writeInt32BE(versions.length);
    socket.write(Buffer.concat([Buffer.from('API\0', 'latin1'), length, versions]));
  });
  socket.on('data', (chunk) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (data.length - at >= 4) {
      const end = at + 4 + data.readInt32BE(at);
      if (end > data.length) break;
      take(data.toString('latin1', at + 4, end));
      at = end;
    }
    rest = data.subarray(at);
  });
  return {
    counts: (): LoopCounts => ({ ticks, bars: [...bars.values()] }),
    close: () => socket.destroy(),
  };
}
