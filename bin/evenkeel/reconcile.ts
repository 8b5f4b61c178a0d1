import { InvalidArgumentError } from 'commander';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { reconcileModes } from '../../lib/domain/reconcile/types.ts';
import { isLost } from '../../lib/reconcile/lost-run.ts';
import { rejudge } from '../../lib/reconcile/rejudge.ts';
import { chosenOption } from './choices.ts';
import type { Cli, Shown } from './cli.ts';
import { exit } from './exit.ts';
import { readAccountFlags } from './flags.ts';
import { pageOf } from './page.ts';
import { type RunWish, reconcileNow } from './reconcile-now.ts';
import { acknowledgeOne, pauseRuns, resumeRuns } from './reconcile-person.ts';
import { listRuns, readRun } from './reconcile-runs.ts';
import { showRejudged, showRuns } from './reconcile-runs-show.ts';
import { shownRun, showRun } from './reconcile-show.ts';
import type { Session } from './session.ts';
import { validName } from './valid-names.ts';
import { parseSpan } from './when.ts';

const limitByDefault = 20;
const limitMax = 10_000;
const neededReason = ['--reason <text>', 'why, for the audit trail; needed'] as const;

async function runs({ ports, account, config, io, view }: Session, limit: number): Promise<Shown> {
  const list = await listRuns(ports.audit, account, { limit, nowMs: io.nowMs(), settings: config.reconcile });
  return { result: list, text: () => showRuns(list, view) };
}

async function showOne(session: Session, id: string): Promise<Shown> {
  const read = await readRun(session, id);
  const { run, verdict, plan } = read;
  const now = {
    lost: isLost(run, session.config.reconcile, session.io.nowMs()),
    flags: await readAccountFlags(session.ports.book, session.account),
  };
  return { result: read, text: () => showRun(shownRun(run, verdict, plan, now), pageOf(session)) };
}

async function judgeAgain(session: Session, id: string): Promise<Shown> {
  const { ports, account } = session;
  const places = { audit: ports.audit, store: await ports.reconcile(), canonicalJson };
  const again = await rejudge(account, id, places);
  return {
    result: again,
    text: () => showRejudged(again, pageOf(session)),
    exitCode: again.same && again.samePlan ? exit.ok : exit.problem,
  };
}

export function addReconcile({ program, run }: Cli): void {
  const reconcile = program
    .command('reconcile')
    .description(
      'compare IB with the book now, and stage what should change; nothing changes before a plan is approved',
    )
    .addOption(
      chosenOption('--mode <mode>', "for this run alone; without it the stage's", reconcileModes, (mode) =>
        validName('mode', mode, reconcileModes),
      ),
    )
    .option('--reason <text>', 'why, for the audit trail')
    .action(run<RunWish>(reconcileNow));
  reconcile
    .command('runs')
    .description('the last runs, newest first')
    .option('--limit <n>', 'at most so many', wholeNumber, limitByDefault)
    .action(run<{ limit: number }>((session, { limit }) => runs(session, limit)));
  reconcile
    .command('show')
    .description('one run with everything that it found')
    .argument('[run]', 'id of the run, or latest', 'latest')
    .action(run<{ args: readonly [string] }>((session, { args: [id] }) => showOne(session, id)));
  reconcile
    .command('rejudge')
    .description(
      'judge the stored evidence of a run again, here; exit code 3 when it comes to something else',
    )
    .argument('<run>', 'id of the run')
    .action(run<{ args: readonly [string] }>((session, { args: [id] }) => judgeAgain(session, id)));
  // `--reason` is an option of `reconcile` as well, which reads it first: it cannot be a required one here.
  reconcile
    .command('pause')
    .description('no runs by the clock for a while; yours take place, and it ends by itself')
    .requiredOption('--for <span>', 'for how long: 90s, 30m or 2h; at most 24h', parseSpan)
    .option(...neededReason)
    .action(
      run<{ for: number; reason?: string }>((session, { for: spanMs, reason }) =>
        pauseRuns(session, spanMs, reason),
      ),
    );
  reconcile
    .command('resume')
    .description('end a pause')
    .option(...neededReason)
    .action(run<{ reason?: string }>((session, { reason }) => resumeRuns(session, reason)));
  reconcile
    .command('ack')
    .description('say that you know of a discrepancy: it is no longer escalated')
    .argument('<id>', 'its type and subject, for example "UNRESOLVED:order P17"')
    .option(...neededReason)
    .action(
      run<{ args: readonly [string]; reason?: string }>((session, { args: [id], reason }) =>
        acknowledgeOne(session, id, reason),
      ),
    );
}

function wholeNumber(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > limitMax)
    throw new InvalidArgumentError(`Allowed: a whole number from 1 to ${limitMax}.`);
  return number;
}
