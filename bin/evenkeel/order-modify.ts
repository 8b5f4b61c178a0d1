import type { ChangeInput } from '../../lib/aws/orders-client.ts';
import type { PositionBody } from '../../lib/domain/book/accounts.ts';
import type { Instrument } from '../../lib/domain/market/instrument.ts';
import { changedLeg, type LegChange } from '../../lib/domain/orders/changed-leg.ts';
import { amount } from '../../lib/domain/orders/decimals.ts';
import type { Intent } from '../../lib/domain/orders/intent.ts';
import { modifyKey } from '../../lib/domain/orders/intent.ts';
import type { LegName } from '../../lib/domain/orders/order-wish.ts';
import { foresee } from '../../lib/domain/orders/plan-of-order.ts';
import type { Denial } from '../../lib/domain/safety/gate-types.ts';
import { progress, type Shown, type Streaming } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { readAnswer, readIntents, sayInterrupted, watch } from './order-answer.ts';
import { confirmWords } from './order-confirm.ts';
import { expectedLine, unfitOf } from './order-fit.ts';
import { outcomeOf, shownOutcome, unanswered } from './order-outcome.ts';
import { readAccountPicture, stanceOf } from './order-picture.ts';
import { accountPairs } from './order-review.ts';
import { type OrderRow, priceOf, symbolOf } from './order-rows.ts';
import { personsClient, sendSurely } from './order-send.ts';
import { findTargets, openTargets, placedBy, refuseForeign } from './order-target.ts';
import { pageOf } from './page.ts';
import type { Session } from './session.ts';
import { facts, grouped, plain } from './view.ts';

export interface ModifyFlags {
  readonly leg: LegName;
  readonly quantity?: string;
  readonly limit?: string;
  readonly stop?: string;
  readonly yes?: true;
  readonly wait: number;
}

/** Changes quantity or prices of a working order that was sent under a key. */
export async function modifyOrder(
  session: Session,
  key: string,
  flags: ModifyFlags,
): Promise<Shown | Streaming> {
  const { account, json, io } = session;
  const change = changeOf(flags);
  const [intent] = await readIntents(session.ports.book, account, [key]);
  const wanted = intent?.legs.find(({ leg }) => leg === flags.leg);
  if (intent !== undefined && wanted === undefined) {
    const legs = intent.legs.map(({ leg }) => leg).join(', ') || 'none';
    throw new CliError(
      'LEG_UNKNOWN',
      `The order ${key} has no leg ${flags.leg}; its legs: ${legs}. Nothing was sent.`,
    );
  }
  if (intent === undefined) {
    throw new CliError(
      'ORDER_UNKNOWN',
      `Nothing was ordered under the key ${key} in ${account}. Only our own orders can be modified, by the key under which they were sent. Nothing was sent.`,
    );
  }
  const found = await findTargets(session, key);
  const targets = openTargets(found.filter(({ leg }) => leg === flags.leg));
  refuseForeign(session, targets);
  const [{ row }] = targets;
  if (isChanged(row, change)) {
    throw new CliError('CHANGE_NONE', `The order ${key} is so already (${flags.leg}). Nothing was sent.`);
  }
  if (!json) io.err.write(`${await showChange(session, intent, row, change, flags)}\n\n`);
  if (!flags.yes) await confirmWords(session, `This changes the order ${key} at IB.`, `modify ${key}`);
  const client = await personsClient(session);
  return session.uncut(async () => {
    const { commandId } = await sendSurely(session, '', () => client.modify(key, change));
    progress(session, `Sent as the command ${commandId} ...`);
    const answer = await watch(session, flags.wait, async () => {
      const recorded = await readAnswer(session, modifyKey(commandId));
      if (recorded !== undefined && recorded.state !== 'sending') return { settled: recorded, detail: '' };
      const now = await readRow(session, row);
      const settled = isChanged(now, change) ? changed(intent) : undefined;
      return { settled, detail: `the order is ${now.status}` };
    });
    if (answer === 'interrupted') {
      sayInterrupted(session, `the change of ${key}`);
      return exit.interrupted;
    }
    const outcome =
      answer === undefined
        ? {
            ...unanswered(account, { commandId }, flags.wait, undefined),
            message: `The book does not show the change within ${flags.wait} s. It is void 30 s after it was sent. Look at status and orders show before you change it again.`,
          }
        : { ...outcomeOf(account, answer), commandId, key, legs: [] };
    return shownOutcome(outcome, `change of ${key} (${flags.leg}) to ${changeWords(flags)}`, pageOf(session));
  });
}

function changeOf({ leg, quantity, limit, stop }: ModifyFlags): ChangeInput {
  if (quantity === undefined && limit === undefined && stop === undefined) {
    throw new CliError(
      'CHANGE_MISSING',
      'Say what changes: --quantity, --limit or --stop. Nothing was sent.',
    );
  }
  return {
    leg,
    ...(quantity === undefined ? {} : { quantity }),
    ...(limit === undefined ? {} : { limitPrice: limit }),
    ...(stop === undefined ? {} : { stopPrice: stop }),
  };
}

function changeWords({ quantity, limit, stop }: ModifyFlags): string {
  return [
    ...(quantity === undefined ? [] : [`quantity ${grouped(quantity)}`]),
    ...(limit === undefined ? [] : [`limit ${grouped(limit)}`]),
    ...(stop === undefined ? [] : [`stop ${grouped(stop)}`]),
  ].join(', ');
}

async function showChange(
  session: Session,
  intent: Intent,
  row: OrderRow,
  change: ChangeInput,
  flags: ModifyFlags,
): Promise<string> {
  const { view, account } = session;
  const [picture, unfit] = await Promise.all([
    readAccountPicture(session),
    unfitChange(session, intent, row, { ...change, leg: flags.leg }),
  ]);
  const { terms } = row;
  const foreseen = foresee(stanceOf(picture), 'modify', false);
  return facts(view, [
    ['account', account],
    ['order', plain(`${intent.key}, ${flags.leg}, permId ${row.permId}, ${placedBy(row)}`)],
    [
      'now',
      plain(
        `${terms?.action ?? ''} ${grouped(terms?.quantity ?? '?')} ${symbolOf(row)} ${terms?.orderType ?? ''} ${priceOf(row)}, ${grouped(row.filled)} filled, ${row.status}`,
      ),
    ],
    ['then', view.colours.bold(changeWords(flags))],
    ...accountPairs(picture, view),
    ['expected', expectedLine(foreseen, unfit, view)],
  ]);
}

/** What the gate will deny in the words of the order as it would be; undefined where they fit, or the contract is not known. */
async function unfitChange(
  { ports, account }: Session,
  intent: Intent,
  { terms, filled }: OrderRow,
  change: LegChange,
): Promise<Denial | undefined> {
  const leg = terms === null ? undefined : changedLeg(terms, change);
  const id = String(intent.conId);
  const [described, held] = await ports.book.read(account, [
    { kind: 'instrument', id },
    { kind: 'position', id },
  ]);
  if (terms === null || leg === undefined || described === undefined) return undefined;
  const { action, quantity } = terms;
  return unfitOf('modify', [leg], {
    instrument: described.body as unknown as Instrument,
    position: (held?.body as unknown as PositionBody | undefined)?.position ?? '0',
    modified: { action, quantity, filled, isBracket: intent.legs.length > 1 },
  });
}

async function readRow({ ports, account }: Session, row: OrderRow): Promise<OrderRow> {
  const [item] = await ports.book.read(account, [{ kind: 'order', id: row.orderKey }]);
  return (item?.body as unknown as OrderRow | undefined) ?? row;
}

/** The broker tells the order as it was asked for, and has confirmed it. */
function isChanged({ terms, status }: OrderRow, change: ChangeInput): boolean {
  if (terms === null || status === 'PendingModify') return false;
  const is = (now: string | null, wanted: string | undefined) =>
    wanted === undefined || (now !== null && amount(now).eq(wanted));
  return (
    is(terms.quantity, change.quantity) &&
    is(terms.limitPrice, change.limitPrice) &&
    is(terms.stopPrice, change.stopPrice)
  );
}

/** The order itself says that IB has taken the change. */
function changed(intent: Intent): Intent {
  return { ...intent, state: 'sent', code: '', message: 'IB tells the order so.', allowed: '' };
}
