/** The end of a run that judged: one transaction, the files that people review, and what the bus is told. */
import { readRunState, runStateRef } from '../domain/reconcile/records.ts';
import { type Conclusion, conclude, judgedOutcome } from './conclude.ts';
import type { Judgement } from './judge-run.ts';
import type { Notices } from './notices.ts';
import type { EndedRun } from './run-answer.ts';
import type { RunContext } from './run-context.ts';
import { stagedFiles } from './staged-files.ts';
import { storeText } from './stored-text.ts';

const escalatedMax = 20;

export async function concludeRun(run: RunContext, judgement: Judgement): Promise<EndedRun> {
  const { judged, record } = judgement;
  const outcome = judgedOutcome(judged);
  let conclusion!: Conclusion;
  const { lock } = await run.change(`reconcile ${record.status}`, (standing) => {
    conclusion = conclude(standing, record, judged, outcome);
    return conclusion;
  });
  const ended = {
    record,
    lock,
    plan: conclusion.standing,
    unjudged: judged.verdict.unjudged,
    stagedActions: `${run.folder}/staged_actions.json`,
  };
  await keepFiles(run, judgement, ended);
  await run.publish(noticesOf(run, judgement, conclusion, ended));
  return ended;
}

/** What people review. A run whose files cannot be written has failed: the old ones would say something else. */
async function keepFiles(
  { account, folder, token = 0, options: { store, book } }: RunContext,
  { judged: { flags, verdict } }: Judgement,
  { record: run, plan: record, lock }: EndedRun,
): Promise<void> {
  const files = stagedFiles({ run, account, flags, verdict, record, lock });
  const keepIn = async (to: string) => {
    await Promise.all([...files].map(([name, text]) => storeText(store, `${to}/${name}`, text)));
  };
  await keepIn(folder);
  // Who took over from a run that overslept has written newer ones, or will.
  const [item] = await book.read(account, [runStateRef]);
  if ((readRunState(item?.body)?.last.token ?? 0) <= token) await keepIn(`latest/${account}`);
}

function noticesOf(
  run: RunContext,
  { judged: { verdict, input } }: Judgement,
  { standing: plan, isNewPlan, isToBeApplied }: Conclusion,
  { record, lock, stagedActions = '' }: EndedRun,
): Notices {
  const notices = run.notices();
  const untold = notices.discrepancies(verdict, input.memory, run.runId);
  if (plan !== undefined && isNewPlan) notices.staged(plan, run.runId, stagedActions);
  if (plan !== undefined && isToBeApplied) notices.approved(plan);
  if (verdict.ambiguous.length > 0 && isNewPlan) {
    const message = `${verdict.ambiguous.length} matches are ambiguous (${verdict.ambiguous[0]?.reason}). The whole plan is refused and trading is locked. Stop and review ambiguous_matches.json; do not resolve them automatically. Compare the orders in TWS, or approve the rest with --except-ambiguous.`;
    notices.alert('ambiguous_matches_found', 'HIGH', plan?.hash ?? run.runId, message);
  }
  for (const id of verdict.escalated.slice(0, escalatedMax)) {
    const found = verdict.discrepancies.find((one) => one.id === id);
    const message = `${found?.message ?? id} It has stood for ${input.rules.escalateAfterRuns} runs, so nothing more is done about it by itself. Settle it, or acknowledge it with \`evenkeel reconcile ack\`.`;
    notices.alert('discrepancy_escalated', 'HIGH', id, message);
  }
  return notices.completed(record, lock, plan?.hash ?? '', untold);
}
