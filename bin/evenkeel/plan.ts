import { judgeApproval } from '../../lib/domain/reconcile/plan-state.ts';
import type { PlanRecord } from '../../lib/domain/reconcile/records.ts';
import type { ProofPurpose } from '../../lib/ports/identity-proof.ts';
import type { PlanAnswer } from '../../lib/reconcile/plan-desk.ts';
import { whileApplying } from './applying.ts';
import type { Cli, Shown, Streaming } from './cli.ts';
import { progress } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { readAccountFlags } from './flags.ts';
import { pageOf } from './page.ts';
import { diffPlans, showDiff } from './plan-diff.ts';
import {
  findPlan,
  openPlan,
  type PlanRead,
  planBefore,
  readPlans,
  shortHash,
  standingPlan,
} from './plan-read.ts';
import { showPlan, showPlans, showReview } from './plan-show.ts';
import { reasonOf } from './reason.ts';
import type { Session } from './session.ts';
import { stageNames } from './stage-names.ts';

const lastPlans = 5;
/** The function takes no longer one. */
const reasonMax = 1_000;

async function show(session: Session, given: string | undefined): Promise<Shown> {
  const { ports, account } = session;
  const plans = await readPlans(ports.book, account);
  const record = given === undefined ? await standingPlan(session) : findPlan(given, plans);
  if (record === undefined) return noneStands(session, plans);
  const [read, flags] = await Promise.all([openPlan(session, record), readAccountFlags(ports.book, account)]);
  return { result: read, text: () => showPlan(read, flags, pageOf(session)) };
}

function noneStands(session: Session, plans: readonly PlanRecord[]): Shown {
  const last = plans.slice(0, lastPlans);
  return {
    result: { record: null, plan: null, discrepancies: null, last },
    text: () => {
      const none = `No plan of ${session.account} waits.`;
      return last.length === 0 ? none : `${none} The last ones:\n${showPlans(last, pageOf(session))}`;
    },
  };
}

async function diff(session: Session, given: string): Promise<Shown> {
  const plans = await readPlans(session.ports.book, session.account);
  const record = findPlan(given, plans);
  const former = planBefore(record, plans);
  if (former === undefined) {
    throw new CliError(
      'PLAN_FIRST',
      `The plan ${record.hash.slice(0, 12)} is the first of ${session.account}: there is none before it.`,
    );
  }
  const [before, after] = await Promise.all([openPlan(session, former), openPlan(session, record)]);
  const result = diffPlans(before, after);
  return { result, text: () => showDiff(result, former, record, pageOf(session)) };
}

interface ApproveFlags {
  readonly reason: string;
  readonly exceptAmbiguous?: true;
  readonly yes?: true;
}

async function approve(session: Session, given: string, flags: ApproveFlags): Promise<Shown | Streaming> {
  const { io, json } = session;
  const reason = reasonOf(flags.reason, reasonMax);
  const { read } = await chosen(session, given);
  const { record } = read;
  const purpose = flags.exceptAmbiguous ? 'except-ambiguous' : 'approve';
  const why = purpose === 'approve' ? judgeApproval(record, io.nowMs()) : undefined;
  // A plan that nobody can approve any more is not put before anybody.
  if (why !== undefined) throw refusedError(why.code, why.message);
  if (!json) io.err.write(`${showReview(read, pageOf(session))}\n\n`);
  if (!flags.yes) await confirm(session, record, purpose);
  if (purpose === 'except-ambiguous') {
    const answer = await decide(session, purpose, record, reason);
    return answer.code === '' ? stagedRest(session, answer) : refused(answer);
  }
  progress(session, `Approving ${record.hash.slice(0, 12)} with your AWS identity ...`);
  const answer = await whileApplying(session, read, () => decide(session, 'approve', record, reason));
  if (answer === 'interrupted') return exit.interrupted;
  return answer.code === '' ? applied(session, answer) : refused(answer);
}

async function chosen(session: Session, given: string): Promise<{ read: PlanRead }> {
  const record = findPlan(given, await readPlans(session.ports.book, session.account));
  return { read: await openPlan(session, record) };
}

/** Asks the stage's function, with a proof of who asks that is for this plan and this decision alone. */
async function decide(
  session: Session,
  action: ProofPurpose,
  { hash }: PlanRecord,
  reason: string,
): Promise<PlanAnswer> {
  const { ports, stage, account } = session;
  const { url, headers } = await ports.proveIdentity(action, hash);
  const payload = { action, account, hash, reason, proof: { url, headers: { ...headers } } };
  return (await ports.functions.call(stageNames(stage).applyPlanFunction, payload)) as unknown as PlanAnswer;
}

function refusedError(code: string, message: string): CliError {
  return new CliError(code, message.replace(`${code}: `, ''), exit.problem);
}

/** What was refused is an answer: with `--json` it is the result, for a person it is red and says what to do. */
function refused(answer: PlanAnswer): never {
  const { code, message, plan_state: state } = answer;
  const waits = code === 'CONFIRM_OFF' && state === 'approved';
  throw refusedError(
    code,
    waits ? `The approval is written, and the plan waits. ${message.replace(`${code}: `, '')}` : message,
  );
}

function applied(session: Session, answer: PlanAnswer): Shown {
  const { colours } = session.view;
  return {
    result: answer,
    text: () =>
      [
        colours.green(
          `Applied: ${answer.done} of ${answer.actions} action${answer.actions === 1 ? '' : 's'}, each with its audit row.`,
        ),
        ...(answer.backup_id === ''
          ? []
          : [`What was there before is in ${colours.bold(answer.backup_id)}.`]),
        `Approved by ${answer.approved_by}.`,
        colours.dim(
          'A reconcile follows by itself; when it finds nothing that locks, trading opens: reconcile show latest.',
        ),
      ].join('\n'),
  };
}

async function stagedRest(session: Session, answer: PlanAnswer): Promise<Shown> {
  const { ports, account } = session;
  const [{ read }, flags] = await Promise.all([
    chosen(session, answer.plan_hash),
    readAccountFlags(ports.book, account),
  ]);
  return {
    result: { answer, ...read },
    text: () =>
      `The rest is a plan of its own; nothing was changed yet.\n\n${showPlan(read, flags, pageOf(session))}`,
  };
}

/** Typing the hash is slow on purpose: it is compared once more with what was reviewed. */
async function confirm(
  { io, stage, account }: Session,
  { hash, actions }: PlanRecord,
  purpose: ProofPurpose,
): Promise<void> {
  const short = hash.slice(0, shortHash);
  if (io.ask === undefined) {
    throw new CliError(
      'CONFIRMATION_NEEDED',
      'Nobody sits at this terminal to confirm; nothing was changed. Repeat the command with --yes if you mean it.',
    );
  }
  const what =
    purpose === 'approve'
      ? `This applies ${actions} action${actions === 1 ? '' : 's'} to ${account} in the stage ${stage}, after a backup.`
      : `This stages what is not ambiguous of it for ${account} in the stage ${stage}.`;
  const typed = await io.ask(`${what} Type ${short} to go on: `);
  if (typed.trim().toLowerCase() === short) return;
  throw new CliError('NOT_CONFIRMED', 'That is not how the hash of the plan begins; nothing was changed.');
}

async function reject(session: Session, given: string, reason: string): Promise<Shown> {
  const why = reasonOf(reason, reasonMax);
  const record = findPlan(given, await readPlans(session.ports.book, session.account));
  const answer = await decide(session, 'reject', record, why);
  if (answer.code !== '') refused(answer);
  return {
    result: answer,
    text: () =>
      `Rejected: the plan ${record.hash.slice(0, 12)} is never applied. The next reconcile stages what it finds then.`,
  };
}

export function addPlan({ program, run }: Cli): void {
  const hash = ['<hash>', `the first ${shortHash} or more digits of its hash`] as const;
  const plan = program
    .command('plan')
    .description('the plan that waits: what a reconcile would change, before it is approved')
    .action(run((session) => show(session, undefined)));
  plan
    .command('show')
    .description('one plan: what changes, why, on what evidence, until when, and who has approved it')
    .argument('[hash]', `${hash[1]} (default: the plan that waits)`)
    .action(
      run<{ args: readonly [string | undefined] }>((session, { args: [given] }) => show(session, given)),
    );
  plan
    .command('diff')
    .description('what a plan does otherwise than the one before it')
    .argument(...hash)
    .action(run<{ args: readonly [string] }>((session, { args: [given] }) => diff(session, given)));
  plan
    .command('approve')
    .description(
      'approve exactly this plan with your AWS identity, and watch it being applied; exit code 3 when refused',
    )
    .argument(...hash)
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .option('--except-ambiguous', 'apply nothing yet: stage what is not ambiguous of it as a plan of its own')
    .option('--yes', 'do not ask')
    .action(
      run<{ args: readonly [string] } & ApproveFlags>((session, { args: [given], ...flags }) =>
        approve(session, given, flags),
      ),
    );
  plan
    .command('reject')
    .description('say no: the plan is never applied')
    .argument(...hash)
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .action(
      run<{ args: readonly [string]; reason: string }>((session, { args: [given], reason }) =>
        reject(session, given, reason),
      ),
    );
}
