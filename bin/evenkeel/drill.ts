import { restoreTools } from '../../lib/aws/restore-target.ts';
import {
  type DrilledAccount,
  type DrillReport,
  runDrill,
  type SnapshotComparison,
} from '../../lib/backup/drill.ts';
import { backupSource, wholeStage } from './backup-source.ts';
import { backupName } from './backups.ts';
import type { Cli } from './cli.ts';
import { exit } from './exit.ts';
import { exactly } from './manifest-show.ts';
import { createMeter } from './meter.ts';
import { stepOf } from './restore-show.ts';
import { stageNames } from './stage-names.ts';
import { age, count, facts, plain, table, time, took, type View } from './view.ts';

const differencesShown = 10;

export function showDrill(report: DrillReport, view: View): string {
  const { colours } = view;
  const { backup, recoveryTimeMs, recoveryPointMs, items, auditRows, accounts, findings } = report;
  const lines = [
    report.ok
      ? colours.green(`The backup ${backup.id} restores: counts and audit chains are those of its manifest.`)
      : colours.red(`The backup ${backup.id} does not restore as it should:`),
    ...findings.map((finding) => `  ${plain(finding)}`),
    '',
    facts(view, [
      [
        'recovery time',
        `${took(recoveryTimeMs)} for ${count(items, 'item')} and ${count(auditRows, 'audit row')}`,
      ],
      ['recovery point', `${exactly(backup.instant, view)}, ${age(recoveryPointMs)} before the drill`],
      ['report', report.key],
    ]),
    ...(accounts.length === 0 ? [] : ['', showCounts(accounts, view)]),
  ];
  for (const account of accounts) lines.push(...showSnapshot(account, view));
  if (!report.ok)
    lines.push('', `Read it all back with backups verify ${backup.id}; make another one with backup.`);
  return lines.join('\n');
}

function showCounts(accounts: readonly DrilledAccount[], view: View): string {
  const words = { orders: 'orders', orderEvents: 'order events', executions: 'executions' } as const;
  const columns = [
    { name: 'account' },
    { name: 'what' },
    { name: 'manifest', right: true },
    { name: 'restored', right: true },
    { name: '' },
  ];
  const rows = accounts.flatMap(({ account, counts, rowsSince }) => [
    ...counts.map(({ of, manifest, restored }, index) => [
      index === 0 ? plain(account) : '',
      words[of],
      manifest.toLocaleString('en'),
      restored.toLocaleString('en'),
      manifest === restored ? view.colours.green('same') : view.colours.red('differs'),
    ]),
    ['', 'rows since', '', rowsSince.toLocaleString('en'), view.colours.dim('written after the instant')],
  ]);
  return table(view, columns, rows);
}

function showSnapshot({ account, snapshot }: DrilledAccount, view: View): string[] {
  const { colours } = view;
  if (snapshot === null)
    return [
      '',
      colours.dim(`${plain(account)}: no usable snapshot of IB to compare with; take one with snapshot.`),
    ];
  const side = (name: string, { same, differ }: SnapshotComparison['positions']): string[] => {
    if (differ.length === 0) return [`  ${name}: ${same} the same`];
    const shown = differ.slice(0, differencesShown).map((text) => `    ${plain(text)}`);
    const rest = differ.length - shown.length;
    return [
      `  ${name}: ${same} the same, ${colours.yellow(`${differ.length} differ`)}`,
      ...shown,
      ...(rest > 0 ? [colours.dim(`    and ${rest} more`)] : []),
    ];
  };
  const { positions, openOrders, takenAt } = snapshot;
  return [
    '',
    `${plain(account)} beside IB's snapshot of ${time(view, takenAt)}`,
    ...side('positions', positions),
    ...side('open orders', openOrders),
    ...(positions.differ.length + openOrders.differ.length > 0
      ? [
          colours.dim(
            '  What differs may have happened between the two moments: it is no fault of the backup.',
          ),
        ]
      : []),
  ];
}

export function addDrill({ program, runStage }: Cli): void {
  program
    .command('drill')
    .description(
      'restore the newest backup into tables of its own, check and measure it, and remove them again',
    )
    .argument('[backup]', 'id or number of the backup, or latest', backupName, 'latest')
    .action(
      runStage<{ args: readonly [string] }>(async (session, { args: [backup] }) => {
        wholeStage(session);
        const { ports, io, view, stage, version } = session;
        const [{ arn }, { store, place }, snapshots] = await Promise.all([
          ports.identity.whoAmI(),
          backupSource(session),
          ports.snapshots(),
        ]);
        const meter = createMeter(session);
        try {
          // Its tables are removed also when it is interrupted.
          const report = await session.uncut(() =>
            runDrill({
              store,
              place,
              backup,
              snapshots,
              tools: restoreTools,
              prefix: stageNames(stage).drillPrefix,
              scratch: ports.scratch,
              open: ports.restoreTarget,
              live: ports.book,
              by: arn,
              programVersion: version,
              nowMs: io.nowMs,
              signal: io.signal,
              onProgress: (progress) => meter.show(stepOf(progress)),
            }),
          );
          meter.clear();
          return {
            result: report,
            text: () => showDrill(report, view),
            exitCode: report.ok ? exit.ok : exit.problem,
          };
        } finally {
          meter.clear();
        }
      }),
    );
}
