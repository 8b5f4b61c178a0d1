/** From the client's hello to the notices after startApi. */
import type { GatewayCore } from './core.ts';
import { managedAccounts, nextValidId, versionReply } from './encode.ts';
import { texts } from './faults.ts';
import { Fields } from './fields.ts';
import { type Hello, ProtocolError } from './frame.ts';
import { clockText } from './history-text.ts';
import type { Session } from './session.ts';

/** Above this the protocol changes to protobuf; 193 is the last version that the text clients in use speak. */
const serverVersionMax = 193;
/** Below this the layouts of several messages differ. */
const serverVersionMin = 157;
const startApiId = 71;

/** Answers the hello with min(client's maximum, 193), or says why not and closes. */
export function greet(core: GatewayCore, session: Session, { versionMin, versionMax }: Hello): void {
  if (core.faults.silentHandshake) return;
  const version = Math.min(versionMax, serverVersionMax);
  if (version < serverVersionMin || version < versionMin) {
    const range = `this gateway speaks ${serverVersionMin} to ${serverVersionMax}, the client ${versionMin} to ${versionMax}`;
    session.serverVersion = serverVersionMin;
    session.sendError(-1, 506, `Unsupported version: ${range}.`);
    session.close(`server versions do not overlap: ${range}`);
    return;
  }
  session.serverVersion = version;
  session.stage = 'start';
  session.send(versionReply(version, clockText(core.clock.tapeMs)));
}

/** The first message must be startApi; a client id that is in use is refused. */
export function startApi(core: GatewayCore, session: Session, fields: string[]): void {
  if (core.faults.silentHandshake && session.stage === 'hello') return;
  const reader = new Fields(fields);
  if (session.stage !== 'start' || reader.integer() !== startApiId) {
    throw new ProtocolError(`message ${fields[0]?.slice(0, 20)} before startApi`);
  }
  const clientId = reader.skip(1).integer();
  if (clientId < 0) throw new ProtocolError(`client id ${clientId} is negative`);
  const holds = (other: Session) => !other.halfOpen || other.keepsClientId;
  if (core.readySessions().some((other) => other.clientId === clientId && holds(other))) {
    core.count('duplicateClientIds');
    const text = 'Unable to connect as the client id is already in use. Retry with a unique client id.';
    session.sendError(-1, 326, text);
    session.close(`client id ${clientId} is in use`);
    return;
  }
  session.clientId = clientId;
  session.stage = 'ready';
  session.send(managedAccounts(core.accounts.join(',')));
  if (!core.faults.noNextValidId) session.send(nextValidId(core.orders.nextOrderId(clientId)));
  const { farmDown, hmdsDown, connectivityLost } = core.faults;
  session.sendError(-1, farmDown ? 2103 : 2104, farmDown ? texts.farmBroken : texts.farmOk);
  session.sendError(-1, hmdsDown ? 2105 : 2106, hmdsDown ? texts.hmdsBroken : texts.hmdsOk);
  session.sendError(-1, 2158, texts.secDefOk);
  if (connectivityLost) session.sendError(-1, 1100, texts.lost);
  core.orders.onConnected(session);
}
