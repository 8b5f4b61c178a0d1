/** What a person is told of protection: what is wrong with figures, and the command that cures it. */
import type { TradedContract } from '../orders/contract.ts';
import { plain } from '../orders/decimals.ts';
import { type BarePosition, nameOf, type OrphanedChild, type ProtectionFacts } from './protection-facts.ts';
import type { BareNote, WatchAlert, WatchRules } from './protection-watch.ts';

export function positionUnprotected(
  { account, witness }: WatchRules,
  { contract, size, covered }: BarePosition,
  { sinceMs, tellings }: BareNote,
): WatchAlert {
  const { conId } = contract;
  const missing = plain(size.abs().minus(covered));
  const side = size.isPositive() ? 'sell' : 'buy';
  const place = `evenkeel order place --account ${account} --symbol ${symbolOf(contract)} --side ${side} --quantity ${missing} --type stp --stop PRICE --tif gtc`;
  const flatten = `evenkeel order flatten ${symbolOf(contract)} --account ${account}`;
  return {
    key: `unprotected_position:${conId}:${sinceMs}:${tellings}`,
    alert: 'unprotected_position',
    severity: 'CRITICAL',
    subject: subjectOf(conId),
    message: `${account}: the position ${plain(size)} in ${nameOf(contract)} (conId ${conId}) has working stop orders for ${plain(covered)}, ${missing} are unprotected, by what ${witness} has since ${timeOf(sinceMs)}. Place a stop: \`${place}\`; or close the position: \`${flatten}\`.`,
  };
}

export function positionProtected(
  { account, witness }: WatchRules,
  { positions }: ProtectionFacts,
  { conId, name, sinceMs }: BareNote,
): WatchAlert {
  const size = positions.find(({ contract }) => contract.conId === conId)?.position ?? '0';
  const what = size === '0' ? 'is closed' : `of ${size} is protected, or needs no stop,`;
  return {
    key: `position_protected:${conId}:${sinceMs}`,
    alert: 'position_protected',
    severity: 'INFO',
    subject: subjectOf(conId),
    message: `${account}: the position in ${name} (conId ${conId}) ${what} by what ${witness} has; it was unprotected since ${timeOf(sinceMs)}. Nothing is to be done.`,
  };
}

export function childOrphaned(
  { account }: WatchRules,
  { orders }: ProtectionFacts,
  { orderKey, conId, action, quantity, parent, why }: OrphanedChild,
  sinceMs: number,
): WatchAlert {
  // Its position is gone, and the contract with it: the order still says what it is in.
  const name = orders.find((order) => order.orderKey === orderKey)?.name ?? `conId ${conId}`;
  const cause =
    why === 'parent-ended'
      ? `although its parent ${parent} ended without a fill`
      : `although the position that it was to close is gone`;
  return {
    key: `orphaned_child:${orderKey}:${sinceMs}`,
    alert: 'orphaned_child',
    severity: 'HIGH',
    subject: `order ${orderKey}`,
    message: `${account}: ${action} ${plain(quantity)} ${name} (order ${orderKey}, child of ${parent}) works on ${cause}: a fill would open a position. Reconcile stages its cancel: \`evenkeel reconcile --account ${account} --reason orphan\`, review with \`evenkeel plan show\`; or cancel it now: \`evenkeel order cancel ${orderKey} --account ${account}\`.`,
  };
}

export function protectionUnknown({ account, witness }: WatchRules, darkSinceMs: number): WatchAlert {
  return {
    key: `protection_unknown:${darkSinceMs}`,
    alert: 'protection_unknown',
    severity: 'HIGH',
    subject: `account ${account}`,
    message: `${account}: nothing certain has been known of positions and orders since ${timeOf(darkSinceMs)}, with a session open: ${witness} did not tell its lists whole. Whether positions are protected is not judged. Look at \`evenkeel status --account ${account}\`, and at the stops in TWS.`,
  };
}

export function boundReached({ account, notesMax }: WatchRules, over: number, nowMs: number): WatchAlert {
  return {
    key: `protection_bound_reached:${nowMs}`,
    alert: 'protection_bound_reached',
    severity: 'HIGH',
    subject: `account ${account}`,
    message: `${account}: more than ${notesMax} positions without stops, or orphaned orders, stand at once; ${over} of them are not watched one by one. \`evenkeel reconcile --account ${account} --reason protection\` lists them all.`,
  };
}

function subjectOf(conId: number): string {
  return `position ${conId}`;
}

/** As the command line takes it: local symbols of options have spaces. */
function symbolOf(contract: TradedContract): string {
  const name = nameOf(contract);
  return /^\S+$/.test(name) ? name : String(contract.conId);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
