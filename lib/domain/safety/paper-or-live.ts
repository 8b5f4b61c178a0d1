/** Paper money and real money are told apart three times over: by the stage, the account and the gateway's port. */
import { deny } from './denial.ts';
import type { Denial, TradingPicture } from './gate-types.ts';

export type MoneyKind = 'paper' | 'live';

export interface StandardPort {
  readonly kind: MoneyKind;
  /** What listens there. */
  readonly of: string;
}

const ports: ReadonlyMap<number, StandardPort> = new Map([
  [4002, { kind: 'paper', of: 'IB Gateway' }],
  [7497, { kind: 'paper', of: 'TWS' }],
  [4004, { kind: 'paper', of: 'the relay of the gateway image' }],
  [4001, { kind: 'live', of: 'IB Gateway' }],
  [7496, { kind: 'live', of: 'TWS' }],
  [4003, { kind: 'live', of: 'the relay of the gateway image' }],
]);

/** Every port that says something, in the order of the table. */
export const standardPorts: readonly (StandardPort & { readonly port: number })[] = [...ports].map(
  ([port, what]) => ({ port, ...what }),
);

/** Where IB Gateway listens that was configured by nobody. */
export function gatewayPort(kind: MoneyKind): number {
  return portOf(kind, 'IB Gateway');
}

/** Where the image's relay lets other containers in; on its loopback alone it has `gatewayPort`. */
export function relayPort(kind: MoneyKind): number {
  return portOf(kind, 'the relay of the gateway image');
}

/** The ports to use, for a message: `4002 (IB Gateway) or 7497 (TWS)`. */
export function portsText(kind: MoneyKind): string {
  return `${gatewayPort(kind)} (IB Gateway) or ${portOf(kind, 'TWS')} (TWS)`;
}

function portOf(kind: MoneyKind, of: string): number {
  return standardPorts.find((one) => one.kind === kind && one.of === of)!.port;
}

/** IB's paper accounts begin with D (DU, DF, DI); no live one does. */
export function kindOfAccount(account: string): MoneyKind {
  return account.startsWith('D') ? 'paper' : 'live';
}

/** Undefined for ports that say nothing. */
export function standardPort(port: number): StandardPort | undefined {
  return ports.get(port);
}

/** What the stage trades. */
export function kindOfStage(stage: string): MoneyKind {
  return stage === 'live' ? 'live' : 'paper';
}

/** Every stage but `live` trades paper money, the sandbox too: it may have a real gateway in the simulator's place. */
export function paperOrLive({ account, stage, port }: TradingPicture['account']): Denial | undefined {
  const wanted = kindOfStage(stage);
  const kind = kindOfAccount(account);
  if (kind !== wanted) {
    return deny(
      'ACCOUNT_MISMATCH',
      `${account} is a ${kind} account, and the stage is ${stage}.`,
      `An account that ${wanted === 'paper' ? 'begins' : 'does not begin'} with D: correct \`account\` in config/${stage}.yml.`,
    );
  }
  const behind = standardPort(port)?.kind;
  if (behind !== undefined && behind !== wanted) {
    return deny(
      'PORT_MISMATCH',
      `The gateway's port ${port} is the one for ${behind} accounts; ${account} is a ${kind} account, and the stage is ${stage}.`,
      `Port ${portsText(wanted)}, or one that the gateway was given by you: correct \`gateway.port\` in config/${stage}.yml.`,
    );
  }
  return undefined;
}
