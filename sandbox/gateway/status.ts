/** What `GET /status` answers. */
import type { CounterName } from './core.ts';
import type { FaultState } from './faults.ts';
import type { LineKind } from './lines.ts';

export interface ClientStatus {
  readonly connection: number;
  /** -1 before startApi. */
  readonly clientId: number;
  readonly stage: string;
  readonly serverVersion: number;
  readonly halfOpen: boolean;
  readonly rowsSent: number;
  readonly framesSent: number;
  readonly bytesSent: number;
  readonly requests: number;
  readonly rateBreaches: number;
  readonly lines: readonly { kind: LineKind; id: number; symbol: string }[];
}

export interface GatewayStatus {
  /** The tape's time now, Unix milliseconds, UTC. */
  readonly tapeMs: number;
  readonly tapeStartMs: number;
  readonly tapeEndMs: number;
  readonly started: boolean;
  readonly ended: boolean;
  /** Rows on the tape, and how many of them were played. */
  readonly ticksTotal: number;
  readonly ticksPlayed: number;
  /** Rows sent by client id, over all its connections. */
  readonly ticksSentByClient: Readonly<Record<string, number>>;
  /** Rows that played while no client was being sent them. */
  readonly ticksUnseen: number;
  readonly clients: readonly ClientStatus[];
  readonly faults: FaultState;
  /** Faults of the order side that wait for their next fill, with how many are left. */
  readonly orderFaults: Readonly<Record<string, number>>;
  readonly pacingViolations: number;
  readonly counters: Readonly<Record<CounterName, number>>;
}
