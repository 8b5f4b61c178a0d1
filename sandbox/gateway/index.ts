/**
 * A simulated IB Gateway: the TWS text protocol over a tape, with scripted faults. Any TWS client can talk to it. It
 * shares no module with the streamer, so that a mistake on the wire cannot cancel out.
 */
import { basename } from 'node:path';
import { generateTape } from '../tapes/generate.ts';
import { loadTape, type Tape, tapeFromRows } from '../tapes/tape.ts';
import type { BrokerRecord } from './broker/record.ts';
import type { BrokerOptions } from './broker/types.ts';
import { startControl } from './control.ts';
import type { FaultInput } from './faults.ts';
import { SimulatedGateway } from './gateway.ts';
import {
  parseFault,
  parseScript,
  readScript,
  ScriptError,
  type ScriptedFault,
  type ScriptedFaultInput,
} from './script.ts';
import type { GatewayStatus } from './status.ts';
import type { Speed } from './tape-clock.ts';
import type { TradeInput } from './trade.ts';

export type { BrokerRecord } from './broker/record.ts';
export { GatewayError } from './listener.ts';
export type { GatewayStatus } from './status.ts';
export type { TradeInput } from './trade.ts';
export type { FaultInput, ScriptedFaultInput };

export interface GatewayOptions {
  /** A tape's file, or a loaded one. Without it one is generated from `seed`. */
  readonly tape?: string | Tape;
  /** Seed of the generated tape; default 1. */
  readonly seed?: number;
  /** Length of the generated tape; default 30. */
  readonly minutes?: number;
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Default 4002, as a real paper gateway; 0 takes a free one. */
  readonly port?: number;
  /** Port of the control server on 127.0.0.1; default 0, a free one. */
  readonly controlPort?: number;
  /** 1 real time, N times as fast, or `max`: as fast as clients read. Default 1. */
  readonly speed?: Speed;
  /** Tape seconds a wall second at speed `max` while no client is being sent ticks; default 3,600. */
  readonly idleSpeed?: number;
  readonly start?: 'on-subscribe' | 'now';
  /** Wall milliseconds from the first subscription to the first row; default 0. */
  readonly startDelayMs?: number;
  /** A script's file, or its content. */
  readonly script?: string | readonly ScriptedFaultInput[];
  /** The first account; default DU1234567. */
  readonly account?: string;
  /** Further accounts of the same user; default none. */
  readonly subAccounts?: readonly string[];
  /** Cash of each account at the start, USD; default 1000000. */
  readonly startCash?: string;
  /** The client that is told of all orders; default 1. */
  readonly masterClientId?: number;
  /** Zone of execution times, of completion times and of the midnight that executions are kept since. */
  readonly timeZone?: string;
  /** The share of a print's size that orders may take, or `all` to ignore sizes; default 1. */
  readonly fillShare?: number | 'all';
  /** Tape milliseconds until an order, a change or a cancel arrives; default 0. */
  readonly latencyMs?: number;
  /** USD; default 2.25 a contract, 0.005 a share and 1 at least for an order of shares. */
  readonly commission?: Partial<BrokerOptions['commission']>;
  /** Makes permIds and execIds differ from those of other runs; default the time of the start. */
  readonly runId?: number;
  /** Clients at one time; default 32. */
  readonly clientLimit?: number;
  /** Market data lines over all clients; default 100. */
  readonly marketDataLines?: number;
  /** Messages a second for each client; default 50. */
  readonly messagesPerSecond?: number;
  /** Whether historical requests are paced; default true. */
  readonly historyPacing?: boolean;
  readonly log?: (text: string) => void;
}

export interface Gateway {
  readonly host: string;
  readonly port: number;
  readonly controlPort: number;
  readonly tape: Tape;
  status(): GatewayStatus;
  /** Applies a fault now. Throws `ScriptError` when it is none. */
  fault(fault: FaultInput): void;
  /** An order typed into TWS. Throws `TradeError` when it cannot be done. */
  trade(command: TradeInput): { permId: number };
  /** The broker's own record: orders, executions, positions and cash. */
  broker(): BrokerRecord;
  stop(): Promise<void>;
}

/**
 * Starts a gateway and its control server. Throws `TapeError`, `ScriptError`, and `GatewayError` when a port is in use
 * or cannot be opened.
 */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const tape = await tapeOf(options);
  const script = await scriptOf(options.script);
  const gateway = new SimulatedGateway({
    tape,
    script,
    host: options.host ?? '127.0.0.1',
    speed: options.speed ?? 1,
    idleSpeed: options.idleSpeed ?? 3_600,
    startOnSubscribe: options.start !== 'now',
    startDelayMs: options.startDelayMs ?? 0,
    broker: brokerOptions(options),
    masterClientId: options.masterClientId ?? 1,
    timeZone: options.timeZone ?? 'US/Eastern',
    clientLimit: options.clientLimit ?? 32,
    marketDataLines: options.marketDataLines ?? 100,
    messagesPerSecond: options.messagesPerSecond ?? 50,
    historyPacing: options.historyPacing ?? true,
    log: options.log ?? (() => undefined),
  });
  const fault = (input: unknown) => {
    const parsed = parseFault(input);
    if (typeof parsed === 'string') throw new ScriptError(`fault: ${parsed}.`);
    const problem = gateway.apply(parsed);
    if (problem !== undefined) throw new ScriptError(`fault ${parsed.type}: ${problem}.`);
  };
  await gateway.listen(options.port ?? 4002);
  try {
    const trade = (command: unknown) => gateway.trade(command);
    const broker = () => gateway.broker();
    const control = await startControl(options.controlPort ?? 0, {
      status: () => gateway.status(),
      fault,
      trade,
      broker,
    });
    return {
      host: gateway.host,
      port: gateway.port,
      controlPort: control.port,
      tape,
      status: () => gateway.status(),
      fault,
      trade,
      broker,
      stop: () => {
        gateway.stop();
        return control.stop();
      },
    };
  } catch (problem) {
    gateway.stop();
    throw problem;
  }
}

function brokerOptions(options: GatewayOptions): BrokerOptions {
  return {
    accounts: [options.account ?? 'DU1234567', ...(options.subAccounts ?? [])],
    startCash: options.startCash ?? '1000000',
    fillShare: options.fillShare ?? 1,
    latencyMs: options.latencyMs ?? 0,
    commission: { perContract: '2.25', perShare: '0.005', shareMinimum: '1', ...options.commission },
    runId: options.runId ?? Math.floor(Date.now() / 1_000),
  };
}

async function tapeOf({ tape, seed = 1, minutes }: GatewayOptions): Promise<Tape> {
  if (tape === undefined)
    return tapeFromRows(
      `generated tape, seed ${seed}`,
      generateTape(minutes === undefined ? { seed } : { seed, minutes }),
    );
  return typeof tape === 'string' ? loadTape(tape) : tape;
}

async function scriptOf(script: GatewayOptions['script']): Promise<ScriptedFault[]> {
  if (script === undefined) return [];
  return typeof script === 'string' ? readScript(script) : parseScript(script);
}

/** What a person is told about a tape. */
export function tapeTitle(tape: Tape): string {
  const symbols = tape.contracts.map((contract) => contract.localSymbol).join(', ');
  return `${basename(tape.file)}: ${tape.rows.length} rows of ${symbols}`;
}
