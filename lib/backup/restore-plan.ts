/** The dry run: what a restore would change. Reads only. */
import { isLeftOut, stays } from '../domain/backup/kept-in-place.ts';
import {
  countDifferences,
  type DifferenceCount,
  type ItemDifference,
} from '../domain/backup/restore-diff.ts';
import type { TradingState } from '../domain/safety/trading-state.ts';
import { compareBook, type Passed } from './compare-book.ts';
import { type AccountSource, accountsOf, nameOf, openNamed, readSource } from './restore-source.ts';
import { stateOfBook } from './restore-state.ts';
import type { AccountPlan, BookState, RestoreOptions, RestorePlan } from './restore-types.ts';
import { tradingOf } from './restored-counts.ts';
import { readSurvivors } from './surviving-trail.ts';

const changesShown = 20;
const inPlace: Passed = { isLeftOut, stays };
const intoEmpty: Passed = { isLeftOut: (kind) => kind === 'audit-head', stays: () => false };

/**
 * Reads and checks the whole backup, as the restore does, and once.
 *
 * @throws BackupError, RestoreError as the restore would
 */
export async function planRestore(options: RestoreOptions): Promise<RestorePlan> {
  const { target, tools, signal } = options;
  const manifest = await openNamed(options);
  const asked = accountsOf(manifest, options.accounts);
  const all = new Set(asked.map(({ account }) => account));
  const { accounts } = await readSource(manifest, asked, options, all);
  const plans: AccountPlan[] = [];
  for (const source of accounts) {
    const { account } = source.backedUp;
    const state = await stateOfBook(account, manifest, target, tools);
    const isEmptyWay = state === 'empty' || state === 'begun';
    const survivors = isEmptyWay ? await readSurvivors([source], target, tools, signal) : undefined;
    const passed = isEmptyWay ? intoEmpty : inPlace;
    const differences = state === 'restored' ? [] : await compareBook(source, options, passed);
    const trading = state === 'in-use' ? await standingTrading(account, options) : null;
    plans.push({
      ...planOf(source, state, differences, survivors?.get(account)?.count ?? 0, options),
      trading,
    });
  }
  return { backup: nameOf(manifest), accounts: plans };
}

function planOf(
  { backedUp }: AccountSource,
  state: BookState,
  differences: readonly ItemDifference[],
  survivingRows: number,
  { tools }: RestoreOptions,
): Omit<AccountPlan, 'trading'> {
  const byKind = Map.groupBy(differences, ({ item }) => tools.refOf(item)?.kind ?? '?');
  return {
    account: backedUp.account,
    state,
    items: Object.values(backedUp.items).reduce((sum, count) => sum + count, 0),
    auditRows: backedUp.auditRows,
    survivingRows,
    changes: countDifferences(differences),
    changesByKind: Object.fromEntries(
      [...byKind].map(([kind, own]): [string, DifferenceCount] => [kind, countDifferences(own)]),
    ),
    first: differences.slice(0, changesShown).map(({ item, does }) => ({ item, does })),
    needsInPlace: state === 'in-use',
  };
}

/** The state that stands, and so stays; null where nobody has set one. */
async function standingTrading(account: string, { target }: RestoreOptions): Promise<TradingState | null> {
  const [item] = await target.book.read(account, [{ kind: 'trading', id: '' }]);
  return item === undefined ? null : tradingOf(item.body);
}
