/** The dry run: what a restore would change. Reads only. */
import {
  countDifferences,
  type DifferenceCount,
  type ItemDifference,
  isKeptInPlace,
} from '../domain/backup/restore-diff.ts';
import type { BookKind } from '../domain/book/item.ts';
import { compareBook } from './compare-book.ts';
import { type AccountSource, accountsOf, nameOf, openNamed, readSource } from './restore-source.ts';
import { stateOfBook } from './restore-state.ts';
import type { AccountPlan, BookState, RestoreOptions, RestorePlan } from './restore-types.ts';
import { readSurvivors } from './surviving-trail.ts';

const changesShown = 20;

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
    const isLeftOut = isEmptyWay ? (kind: BookKind) => kind === 'audit-head' : isKeptInPlace;
    const differences = state === 'restored' ? [] : await compareBook(source, options, isLeftOut);
    plans.push(planOf(source, state, differences, survivors?.get(account)?.count ?? 0, options));
  }
  return { backup: nameOf(manifest), accounts: plans };
}

function planOf(
  { backedUp }: AccountSource,
  state: BookState,
  differences: readonly ItemDifference[],
  survivingRows: number,
  { tools }: RestoreOptions,
): AccountPlan {
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
