/** What the soak and the preload in the streamer's process tell each other over the channel of the child process. */
import type { WireCount } from './wires.ts';

/** To the streamer. */
export type SoakOrder =
  /** Time goes on to `toMs` (Unix ms, simulated); without it only what is on the sockets is worked off. */
  | { readonly soak: 'go'; readonly toMs?: number; readonly gateway: readonly WireCount[] }
  | { readonly soak: 'measure' };

/** From the streamer. */
export type SoakAnswer =
  | { readonly soak: 'there'; readonly nowMs: number; readonly gateway: readonly WireCount[] }
  | { readonly soak: 'measured'; readonly figures: ProcessFigures };

/** Of the streamer's process, after a garbage collection. Sizes in bytes. */
export interface ProcessFigures {
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  readonly arrayBuffers: number;
  /** What keeps the event loop alive, by its kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Open file descriptors; null where the system does not tell. */
  readonly files: number | null;
  /** Simulated timers that wait. */
  readonly timers: number;
  /** 99th percentile of the event loop's delay since the last measurement, real milliseconds. */
  readonly loopDelayP99Ms: number;
  /** User and system time since the start, seconds. */
  readonly cpuSeconds: number;
}
