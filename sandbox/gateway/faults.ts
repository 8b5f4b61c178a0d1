/** Faults that can be switched on a running gateway: their schema, and what they do. */
import * as z from 'zod';
import { applyOrderFault } from './apply-order-fault.ts';
import type { GatewayCore } from './core.ts';
import { orderFaultSchemas } from './order-faults.ts';
import type { Session } from './session.ts';

const clientId = z.int().optional();
const on = z.boolean().default(true);

/** One fault, as the control port and script files write it. */
export const faultSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('drop'), clientId, how: z.enum(['rst', 'fin']).default('rst') }),
  z.strictObject({ type: z.literal('half-open'), clientId, keepClientId: z.boolean().default(false) }),
  z.strictObject({ type: z.literal('1100') }),
  z.strictObject({ type: z.literal('1101') }),
  z.strictObject({ type: z.literal('1102') }),
  z.strictObject({ type: z.literal('2110') }),
  z.strictObject({ type: z.literal('farm-down') }),
  z.strictObject({ type: z.literal('farm-up'), resume: z.boolean().default(true) }),
  z.strictObject({ type: z.literal('hmds-down') }),
  z.strictObject({ type: z.literal('hmds-up') }),
  z.strictObject({
    type: z.literal('slow'),
    clientId,
    on,
    delayMs: z.number().min(0).max(60_000).optional(),
    bytesPerSecond: z.number().min(1).optional(),
  }),
  z.strictObject({ type: z.literal('competing') }),
  z.strictObject({ type: z.literal('competing-end') }),
  z.strictObject({ type: z.literal('restart'), downMs: z.number().min(0).max(3_600_000).default(1_000) }),
  z.strictObject({ type: z.literal('refuse'), on }),
  z.strictObject({ type: z.literal('silent-handshake'), on }),
  z.strictObject({ type: z.literal('no-next-valid-id'), on }),
  z.strictObject({ type: z.literal('read-only'), on }),
  z.strictObject({ type: z.literal('no-permission'), on, symbols: z.array(z.string()).optional() }),
  z.strictObject({ type: z.literal('delayed'), on }),
  z.strictObject({ type: z.literal('pacing'), requests: z.int().min(0).max(1_000).default(1) }),
  z.strictObject({ type: z.literal('clear') }),
  ...orderFaultSchemas,
]);

export type Fault = z.infer<typeof faultSchema>;
/** A fault as a caller writes it: fields with a default may be left out. */
export type FaultInput = z.input<typeof faultSchema>;

/** What is switched at the moment. */
export interface FaultState {
  /** Between 1100 (or 2110) and 1101 or 1102. */
  connectivityLost: boolean;
  farmDown: boolean;
  hmdsDown: boolean;
  competing: boolean;
  refuse: boolean;
  silentHandshake: boolean;
  noNextValidId: boolean;
  readOnly: boolean;
  /** `all`, or the local symbols and roots that are not subscribed. */
  noPermission: 'all' | readonly string[] | undefined;
  delayed: boolean;
}

export const noFaults = (): FaultState => ({
  connectivityLost: false,
  farmDown: false,
  hmdsDown: false,
  competing: false,
  refuse: false,
  silentHandshake: false,
  noNextValidId: false,
  readOnly: false,
  noPermission: undefined,
  delayed: false,
});

export const texts = {
  lost: 'Connectivity between IBKR and Trader Workstation has been lost.',
  restoredLost: 'Connectivity between IBKR and Trader Workstation has been restored- data lost.',
  restoredKept:
    'Connectivity between IBKR and Trader Workstation has been restored- data maintained. The following farms are connected: usfarm; ushmds; secdefil.',
  serverBroken:
    'Connectivity between Trader Workstation and server is broken. It will be restored automatically.',
  farmBroken: 'Market data farm connection is broken:usfarm',
  farmOk: 'Market data farm connection is OK:usfarm',
  hmdsBroken: 'HMDS data farm connection is broken:ushmds',
  hmdsOk: 'HMDS data farm connection is OK:ushmds',
  secDefOk: 'Sec-def data farm connection is OK:secdefil',
  competing: 'No market data during competing live session',
} as const;

/** Applies a fault now. Returns what is wrong when there is nothing that it could act on. */
export function applyFault(core: GatewayCore, fault: Fault): string | undefined {
  const state = core.faults;
  const tell = (code: number, text: string) => {
    for (const session of core.readySessions()) session.sendError(-1, code, text);
  };
  const each = (id: number | undefined, act: (session: Session) => void) => {
    for (const session of core.sessions) if (id === undefined || session.clientId === id) act(session);
  };
  switch (fault.type) {
    case 'drop':
      each(fault.clientId, (session) => session.close('dropped by a fault', fault.how));
      break;
    case 'half-open':
      each(fault.clientId, (session) => session.makeHalfOpen(fault.keepClientId));
      break;
    case '1100':
      state.connectivityLost = true;
      tell(1100, texts.lost);
      break;
    case '2110':
      state.connectivityLost = true;
      tell(2110, texts.serverBroken);
      break;
    case '1101':
      state.connectivityLost = false;
      core.market.removeAll();
      tell(1101, texts.restoredLost);
      core.orders.catchUp();
      break;
    case '1102':
      state.connectivityLost = false;
      tell(1102, texts.restoredKept);
      core.orders.catchUp();
      break;
    case 'farm-down':
      state.farmDown = true;
      tell(2103, texts.farmBroken);
      break;
    case 'farm-up':
      state.farmDown = false;
      if (!fault.resume) core.market.removeAll();
      tell(2104, texts.farmOk);
      break;
    case 'hmds-down':
      state.hmdsDown = true;
      tell(2105, texts.hmdsBroken);
      break;
    case 'hmds-up':
      state.hmdsDown = false;
      tell(2106, texts.hmdsOk);
      break;
    case 'slow':
      each(fault.clientId, (session) => session.setSlow(fault.on ? fault : undefined));
      break;
    case 'competing':
      state.competing = true;
      for (const line of core.market.lines()) {
        if (line.kind !== 'historical') line.session.sendError(line.id, 10197, texts.competing);
      }
      break;
    case 'competing-end':
      state.competing = false;
      break;
    case 'restart':
      core.restart(fault.downMs);
      break;
    case 'refuse':
      state.refuse = fault.on;
      break;
    case 'silent-handshake':
      state.silentHandshake = fault.on;
      break;
    case 'no-next-valid-id':
      state.noNextValidId = fault.on;
      break;
    case 'read-only':
      state.readOnly = fault.on;
      break;
    case 'no-permission':
      state.noPermission = fault.on ? (fault.symbols ?? 'all') : undefined;
      break;
    case 'delayed':
      state.delayed = fault.on;
      break;
    case 'pacing':
      core.pacing.force(fault.requests);
      break;
    case 'clear':
      Object.assign(state, noFaults());
      core.pacing.force(0);
      core.orders.clear();
      each(undefined, (session) => session.setSlow(undefined));
      break;
    default:
      return applyOrderFault(core, fault);
  }
  return undefined;
}

/** Whether ticks flow at all. */
export const feedUp = (state: FaultState) => !state.connectivityLost && !state.farmDown && !state.competing;
