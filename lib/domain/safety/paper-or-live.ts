/** Paper money and real money are told apart three times over: by the stage, the account and the gateway's port. */
import { deny } from './denial.ts';
import type { Denial, TradingPicture } from './gate-types.ts';

export type MoneyKind = 'paper' | 'live';

/** Of IB Gateway, of TWS, and of the relay in the gateway's image. */
const ports: ReadonlyMap<number, MoneyKind> = new Map([
  [4002, 'paper'],
  [7497, 'paper'],
  [4004, 'paper'],
  [4001, 'live'],
  [7496, 'live'],
  [4003, 'live'],
]);

/** IB's paper accounts begin with D (DU, DF, DI); no live one does. */
export function kindOfAccount(account: string): MoneyKind {
  return account.startsWith('D') ? 'paper' : 'live';
}

/** Undefined for ports that say nothing. */
export function kindOfPort(port: number): MoneyKind | undefined {
  return ports.get(port);
}

/** Every stage but `live` trades paper money. A simulator's ports say nothing, nor do the accounts of the sandbox on one. */
export function paperOrLive({
  account,
  stage,
  port,
  simulated,
}: TradingPicture['account']): Denial | undefined {
  const wanted: MoneyKind = stage === 'live' ? 'live' : 'paper';
  const kind = kindOfAccount(account);
  if (kind !== wanted && !(simulated && stage === 'sandbox')) {
    return deny(
      'ACCOUNT_MISMATCH',
      `${account} is a ${kind} account, and the stage is ${stage}.`,
      `An account that ${wanted === 'paper' ? 'begins' : 'does not begin'} with D: correct \`account\` in config/${stage}.yml.`,
    );
  }
  const behind = simulated ? undefined : kindOfPort(port);
  if (behind !== undefined && behind !== wanted) {
    const right = wanted === 'paper' ? '4002 (IB Gateway) or 7497 (TWS)' : '4001 (IB Gateway) or 7496 (TWS)';
    return deny(
      'PORT_MISMATCH',
      `The gateway's port ${port} is the one for ${behind} accounts; ${account} is a ${kind} account, and the stage is ${stage}.`,
      `Port ${right}, or one that the gateway was given by you: correct \`gateway.port\` in config/${stage}.yml.`,
    );
  }
  return undefined;
}
