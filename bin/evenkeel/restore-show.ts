import type {
  AccountPlan,
  BookState,
  ItemChanges,
  PlannedChange,
  RestoredAccount,
  RestoredCount,
  RestorePlan,
  RestoreProgress,
  RestoreResult,
} from '../../lib/backup/restore-types.ts';
import { flagNames } from '../../lib/domain/safety/flags.ts';
import { kindWords } from './kind-words.ts';
import { exactly, kindsOf } from './manifest-show.ts';
import type { Step } from './meter.ts';
import { heldWords, keptWords } from './restore-words.ts';
import { age, count, plain, table, took, type View } from './view.ts';

const phaseWords: Readonly<Record<RestoreProgress['phase'], readonly [what: string, unit: string]>> = {
  verify: ['Reading the backup', 'lines'],
  load: ['Restoring', 'lines'],
  check: ['Checking what was restored', 'rows'],
  compare: ['Comparing with the book', 'lines'],
  change: ['Changing the book', 'items'],
};

/** What the bar says of a restore or a drill under way. */
export function stepOf({ phase, done, total }: RestoreProgress): Step {
  const [what, unit] = phaseWords[phase];
  return {
    what,
    done,
    total,
    detail: `${done.toLocaleString('en')} of ${total.toLocaleString('en')} ${unit}`,
  };
}

const stateWords: Readonly<Record<BookState, string>> = {
  empty: 'empty',
  begun: 'a restore of this backup is half done',
  restored: 'restored from this backup already',
  'in-use': 'in use',
};

/** The dry run. */
export function showPlan(plan: RestorePlan, view: View, nowMs: number): string {
  const { backup, accounts } = plan;
  const { colours } = view;
  const old = age(nowMs - Date.parse(backup.instant));
  const lines = [
    `${colours.bold(backup.id)}, number ${backup.number}, as of ${exactly(backup.instant, view)} (${old} ago)`,
  ];
  for (const account of accounts) lines.push('', ...showAccountPlan(account, view));
  return lines.join('\n');
}

function showAccountPlan(plan: AccountPlan, view: View): string[] {
  const { account, state, items, auditRows, survivingRows, changesByKind, changes, trading } = plan;
  const { colours } = view;
  const paint = state === 'in-use' ? colours.yellow : colours.green;
  const lines = [
    `${colours.bold(plain(account))}: the book is ${paint(stateWords[state])}; the backup has ${count(items, 'item')} and ${count(auditRows, 'audit row')}.`,
  ];
  if (survivingRows > 0) {
    lines.push(
      `${count(survivingRows, 'row')} of the trail after the instant ${survivingRows === 1 ? 'is' : 'are'} still there and would be replayed.`,
    );
  }
  const kept = state === 'in-use' ? keptWords(trading, view) : [];
  if (totalOf(changes) === 0)
    return [...lines, state === 'in-use' ? 'No item would change.' : 'Nothing would change.', ...kept];
  const columns = [
    { name: 'kind' },
    { name: 'add', right: true },
    { name: 'change', right: true },
    { name: 'remove', right: true },
    { name: 'what these are, and their keys' },
  ];
  const rows = kindsOf(Object.fromEntries(Object.keys(changesByKind).map((kind) => [kind, 1])))
    .map((kind) => [kind, changesByKind[kind]!] as const)
    .map(([kind, each]) => [plain(kind), ...cellsOf(each, view), colours.dim(kindWords(kind))]);
  rows.push([colours.bold('all'), ...cellsOf(changes, view), '']);
  return [...lines, table(view, columns, rows), ...showFirst(plan, view), ...kept];
}

function showFirst({ first, changes }: AccountPlan, { colours }: View): string[] {
  const rest = totalOf(changes) - first.length;
  const signs = { add: colours.green('+'), change: colours.yellow('~'), remove: colours.red('-') } as const;
  const lines = [
    'By their keys (+ comes back, ~ becomes what it was, - is taken away):',
    ...first.map(({ item, does }: PlannedChange) => `  ${signs[does]} ${plain(item)}`),
  ];
  return rest > 0 ? [...lines, colours.dim(`  and ${rest.toLocaleString('en')} more`)] : lines;
}

function cellsOf({ add, change, remove }: ItemChanges, { colours }: View): string[] {
  const cell = (value: number, paint: (text: string) => string) =>
    value === 0 ? colours.dim('0') : paint(value.toLocaleString('en'));
  return [cell(add, colours.green), cell(change, colours.yellow), cell(remove, colours.red)];
}

export function totalOf({ add, change, remove }: ItemChanges): number {
  return add + change + remove;
}

const countWords = { orders: 'orders', orderEvents: 'order events', executions: 'executions' } as const;

/** How it ended: the counts against the manifest, what holds now, and what to do next. */
export function showRestored(result: RestoreResult, view: View): string {
  const { backup, accounts, backupBefore, durationMs } = result;
  const { colours } = view;
  const lines = [
    allAsExpected(result)
      ? colours.green(`Restored from ${backup.id}, number ${backup.number}, in ${took(durationMs)}.`)
      : colours.red(
          `Restored from ${backup.id} in ${took(durationMs)}, but the counts are not the manifest's.`,
        ),
  ];
  if (backupBefore !== '') lines.push(`What was there before is in ${colours.bold(backupBefore)}.`);
  lines.push('', showCounts(accounts, view));
  for (const account of accounts) lines.push('', ...showAccount(account, view));
  lines.push('', ...holdsNow(accounts, view), ...nextSteps(accounts, view));
  return lines.join('\n');
}

/** Counts may only differ where rows of the surviving trail were replayed, or in a book that was written meanwhile. */
export function allAsExpected({ accounts }: RestoreResult): boolean {
  return accounts.every((account) => account.counts.every((each) => isSame(each) || mayDiffer(account)));
}

function isSame({ manifest, restored }: RestoredCount): boolean {
  return manifest === restored;
}

function mayDiffer({ how, replayed }: RestoredAccount): boolean {
  return replayed !== null || how === 'in-place';
}

function showCounts(accounts: readonly RestoredAccount[], view: View): string {
  const { colours } = view;
  const columns = [
    { name: 'account' },
    { name: 'what' },
    { name: 'manifest', right: true },
    { name: 'restored', right: true },
    { name: '' },
  ];
  const rows = accounts.flatMap((account) =>
    account.counts.map((each, index) => [
      index === 0 ? plain(account.account) : '',
      countWords[each.of],
      each.manifest.toLocaleString('en'),
      each.restored.toLocaleString('en'),
      isSame(each)
        ? colours.green('same')
        : mayDiffer(account)
          ? colours.yellow('differs')
          : colours.red('differs'),
    ]),
  );
  return table(view, columns, rows);
}

function showAccount(restored: RestoredAccount, view: View): string[] {
  const { account, how, resumed, items, auditRows, changes, replayed, instant, leaseToken } = restored;
  const whole = `${count(items, 'item')}, ${count(auditRows, 'audit row')}, chains verified`;
  const done = {
    empty: `${resumed ? 'the restore that was begun went on; ' : ''}${whole}`,
    'in-place': `${changes === null ? '' : `${changes.add} added, ${changes.change} changed, ${changes.remove} removed; `}${whole}`,
    already: `it was restored from this backup before, and nothing was written since; ${whole}`,
  }[how];
  const lines = [`${view.colours.bold(plain(account))} as of ${exactly(instant, view)}: ${done}.`];
  if (replayed !== null) {
    lines.push(
      `  ${count(replayed.rows, 'row')} of the surviving trail replayed on top, up to ${exactly(replayed.until, view)}.`,
    );
  }
  if (leaseToken !== null) {
    lines.push(
      `  The lease's token was raised to ${leaseToken.after}: the next streamer's word counts as later than what was restored.`,
    );
  }
  return lines;
}

function holdsNow(accounts: readonly RestoredAccount[], view: View): string[] {
  const [first] = accounts;
  const flags =
    first === undefined
      ? ''
      : ` (${flagNames.map((name) => `${name} ${first.flags.after[name]}`).join(', ')})`;
  return [
    view.colours.bold('What holds now'),
    `  The flags are at the preset rollback${flags}.`,
    '  Trading is locked until a reconcile has been completed.',
    ...accounts.flatMap((account) => heldWords(account, view)),
  ];
}

function nextSteps(accounts: readonly RestoredAccount[], { colours }: View): string[] {
  const isHeld = accounts.some(({ trading }) => trading.mode !== 'active');
  return [
    colours.bold('What to do next'),
    '  1. audit verify --against-book: the trail and the book agree.',
    '  2. snapshot, then positions and orders: compare the book with what IB says.',
    '  3. flags preset dry-run, and on to the next step only when both agree.',
    ...(isHeld ? ['  4. resume, once what trading was held back for is over: no restore does that.'] : []),
  ];
}
