/** What holds the account as a whole, and whether the gateway behind the order is the right one: first part of the gate. */
import type { OrderWish } from '../orders/order-wish.ts';
import { deny } from './denial.ts';
import type { Denial, TradingPicture } from './gate-types.ts';
import { whyLocked } from './lock.ts';
import { paperOrLive } from './paper-or-live.ts';
import { holdingsOf, reducesPosition, reducingText } from './reducing.ts';

export type AccountCheck = (picture: TradingPicture, wish: OrderWish) => Denial | undefined;

/** In this order: the first that holds is the answer. */
export const accountChecks: readonly AccountCheck[] = [
  flags,
  lease,
  reconcileLock,
  tradingState,
  session,
  account,
  ({ account }) => paperOrLive(account),
  holdings,
];

const onlyCancel = "Nothing but a person's cancel";

function flags({ flags: reading }: TradingPicture): Denial | undefined {
  if (reading.source === 'unreadable') {
    return deny(
      'FLAGS_UNREADABLE',
      `The flags cannot be read, which counts as SAFE_MODE: ${reading.problem}.`,
      `${onlyCancel}, until they can be read: \`evenkeel flags\` shows what is wrong.`,
    );
  }
  if (!reading.flags.SAFE_MODE) return undefined;
  const since =
    reading.source === 'first'
      ? 'nobody has set a flag yet'
      : `set by ${reading.changedBy} at ${reading.changedAt}: ${reading.reason}`;
  return deny(
    'SAFE_MODE',
    `SAFE_MODE is on (${since}).`,
    `${onlyCancel}. Once the cause is known, \`evenkeel flags set SAFE_MODE false --reason …\` ends it.`,
  );
}

function lease({ lease: { held, token }, account }: TradingPicture): Denial | undefined {
  if (held) return undefined;
  return deny(
    'LEASE_LOST',
    `This streamer does not hold the lease of ${account.account}${token > 0 ? ` (its token was ${token})` : ''}: another one may be talking to the gateway.`,
    'Nothing from here; `evenkeel status` names the holder.',
  );
}

function reconcileLock(picture: TradingPicture, wish: OrderWish): Denial | undefined {
  const { lock, lease } = picture;
  const why = whyLocked(lock, lease.token);
  if (why === undefined) return undefined;
  if (wish.by === 'person' && reducesPosition(picture, wish)) return undefined;
  return deny(
    'RECONCILE_LOCKED',
    `Trading is locked until a reconcile completes: ${why}.`,
    `A person's order that only makes the position smaller or protects it: ${reducingText(picture)}. \`evenkeel reconcile\` compares anew.`,
  );
}

function tradingState(picture: TradingPicture, wish: OrderWish): Denial | undefined {
  const { mode, source, by, reason, at } = picture.trading;
  if (mode === 'active' && source !== 'unreadable') return undefined;
  const set = by === '' ? reason : `set by ${by} at ${at}: ${reason}`;
  const resume = '`evenkeel resume --reason …` ends it';
  if (mode !== 'reduce-only' || source === 'unreadable') {
    return deny('HALTED', `Trading is halted (${set}).`, `${onlyCancel}; ${resume}.`);
  }
  if (reducesPosition(picture, wish)) return undefined;
  return deny(
    'REDUCE_ONLY',
    `Only orders that make a position smaller or protect it may leave (${set}).`,
    `${reducingText(picture)}; no bracket and no modification. ${resume}.`,
  );
}

/**
 * Whether it leaves although not all lists of the broker are whole: a person's way out of a position. What is held and
 * what else would close it is known; what has become of other orders is not, so those count as if they worked still.
 */
function isWayOut(picture: TradingPicture, wish: OrderWish): boolean {
  return picture.session.canClose && wish.by === 'person' && reducesPosition(picture, wish);
}

function session(picture: TradingPicture, wish: OrderWish): Denial | undefined {
  const { ready, canClose, phase, readOnlyApi } = picture.session;
  const again = 'The same again once `evenkeel status` says that it is ready; nothing is kept until then.';
  if (!ready && canClose && !isWayOut(picture, wish)) {
    return deny(
      'NOT_CONNECTED',
      'The gateway answers, and tells what works and what is held; but not all of its lists are whole, so that the fate of other orders is not known.',
      `A person's order that only makes the position smaller or protects it: ${reducingText(picture)}. ${again}`,
    );
  }
  if (!ready && !canClose) {
    return deny(
      'NOT_CONNECTED',
      phase === 'ready'
        ? 'The gateway answers, but its lists of orders and positions are not whole: what works and what is held is not known.'
        : `The session with the gateway is ${phase}, not ready.`,
      again,
    );
  }
  if (!readOnlyApi) return undefined;
  return deny(
    'API_READ_ONLY',
    'The gateway takes no orders: its API is read-only.',
    'Nothing, until "Read-Only API" is switched off in the gateway (Configure, Settings, API; READ_ONLY_API of its image).',
  );
}

function account({ account: { account, managed } }: TradingPicture): Denial | undefined {
  if (managed.includes(account)) return undefined;
  const known = managed.length === 0 ? 'has named no account yet' : `manages ${managed.join(', ')}`;
  return deny(
    'ACCOUNT_MISMATCH',
    `The gateway's login ${known}; the order is for ${account}.`,
    managed.length === 0
      ? 'The same again once the gateway has named its accounts.'
      : `An account of this login: ${managed.join(', ')}.`,
  );
}

/** Figures that are none would let everything pass by comparison. */
function holdings(picture: TradingPicture): Denial | undefined {
  if (holdingsOf(picture) !== undefined) return undefined;
  const { position, working } = picture;
  return deny(
    'NOT_CONNECTED',
    `The position (${position}) or the working orders (BUY ${working.buy}, SELL ${working.sell}) are not known in figures.`,
    'The same again once the broker has told them.',
  );
}
