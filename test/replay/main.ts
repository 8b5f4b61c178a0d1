/**
 * One replay of a recorded day in a process of its own, because simulated time takes the whole process. Reads what is
 * asked for as JSON from its argument; writes what came of it to standard output.
 */

import { deriveContracts } from '../../sandbox/tapes/contracts.ts';
import { generateTape } from '../../sandbox/tapes/generate.ts';
import { loadTape, type TapeRow } from '../../sandbox/tapes/tape.ts';
import { faultsOf } from './faulty-day.ts';
import { playDay, type RecordedTrade } from './recorded-day.ts';

export interface ReplayRequest {
  readonly port: number;
  /** A recorded tape; without it one is generated. */
  readonly tape?: string;
  /** Only so much of it, Unix milliseconds. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly trades?: readonly RecordedTrade[];
  readonly faultSeed?: number;
}

const request = JSON.parse(process.argv[2]!) as ReplayRequest;
const { port, fromMs = 0, toMs = Number.POSITIVE_INFINITY, trades, faultSeed } = request;
const rows: readonly TapeRow[] =
  request.tape === undefined
    ? generateTape({ seed: 144, symbols: ['GCZ3'], startMs: Date.UTC(2013, 9, 7, 13), minutes: 180 })
    : (await loadTape(request.tape)).rows.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
const span = { startMs: rows[0]!.timeMs, endMs: rows.at(-1)!.timeMs };
const day = await playDay({
  tape: { file: 'recorded', rows, contracts: deriveContracts(rows) },
  port,
  ...(trades === undefined ? {} : { trades }),
  script: faultSeed === undefined ? [] : faultsOf(faultSeed, span),
});
process.stdout.write(JSON.stringify(day), () => process.exit());
